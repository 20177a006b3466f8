"""Mark prices and unrealized profit of open positions, for display only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.ledger.position import Position
from oms.domain.value import value


@value
class PositionMark:
    """Price of a position's symbol at ``at``, and the unrealized profit before fees."""

    price: Decimal
    at: datetime
    profit: Decimal


class MarkPrices(Protocol):
    """Values open positions without querying an exchange."""

    async def __call__(self, positions: Sequence[Position]) -> Mapping[int, PositionMark]:
        """Return marks by position id; positions that are closed or have no price are left out.

        Raises ``Unavailable``.
        """
        ...


class StoredPaperPrices(Protocol):
    """Stored prices: of paper accounts set manually or read from a recording, of accounts at real
    exchanges as read last.
    """

    async def __call__(
        self, symbols: Mapping[int, frozenset[str]]
    ) -> Mapping[tuple[int, str], str]:
        """Return market texts by (account id, symbol) for the given symbols by account id."""
        ...
