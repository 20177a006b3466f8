"""Prices of markets at exchanges, shared by all accounts that have something there."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.money import add, multiply
from oms.domain.value import value

_HALF = Decimal("0.5")


@value
class MarketMark:
    """Prices of a symbol at a source, which is an exchange in one of its environments."""

    source: str
    symbol: str
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    #: The exchange's mark price of a contract.
    mark: Decimal | None = None
    at: datetime

    @property
    def price(self) -> Decimal | None:
        """Return what positions are valued at.

        The mark price of contracts, the last price of coins, else the middle of bid and ask.
        """
        if self.mark is not None:
            return self.mark
        if self.last is not None and ":" not in self.symbol:
            return self.last
        if self.bid is None or self.ask is None:
            return None
        return multiply(add(self.bid, self.ask), _HALF)


@value
class HeldMarkets:
    """What is to be priced of one account."""

    #: Symbols of open positions.
    symbols: frozenset[str] = frozenset()
    #: Currencies in the wallet.
    currencies: frozenset[str] = frozenset()


class MarketMarks(Protocol):
    """The stored marks; every method raises ``Unavailable``."""

    async def put(self, marks: Sequence[MarketMark]) -> None:
        """Store marks in place of those before."""
        ...

    async def read(
        self, symbols: Mapping[str, Collection[str]]
    ) -> Mapping[tuple[str, str], MarketMark]:
        """Return the marks by (source, symbol) for the given symbols by source."""
        ...

    async def held(self, account_ids: Sequence[int]) -> Mapping[int, HeldMarkets]:
        """Return what accounts have, by id; accounts that have nothing are left out."""
        ...
