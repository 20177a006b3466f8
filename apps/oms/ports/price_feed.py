"""Prices of a real exchange, for accounts that trade at them on paper.

One feed serves all accounts of a worker that ask for the same; each holds it by an object of its
own, which knows what that account was told already. Nothing is executed here, and no key is known.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.errors import Refused
from oms.domain.value import value
from oms.ports.exchange import PublicTrade, Quote


@value
class MarkPrice:
    """The mark price of a contract."""

    symbol: str
    price: Decimal
    at: datetime


PriceUpdate = Quote | PublicTrade | MarkPrice
"""What a feed tells; ``at`` of a quote is when it was asked for, so it is no older than that."""


class PriceFeed(Protocol):
    """The feed of one account. Asking for a symbol keeps it fresh for a while."""

    def take(self, symbol: str, now: datetime, *, with_depth: bool) -> Sequence[PriceUpdate]:
        """What was told since the last call, the oldest first; at first the newest price alone.

        ``closely``: with depth and with the trades of others, for symbols with open orders.
        """
        ...

    def newest(self, symbol: str, now: datetime) -> Quote | None:
        """The newest price, ``None`` where none is known yet."""
        ...

    def is_pending(self, symbol: str) -> bool:
        """Whether the first price of a symbol is on its way."""
        ...

    def is_ready(self) -> bool:
        """Whether prices can be asked for, or are known to be in trouble."""
        ...

    def unavailable_reason(self) -> Refused | None:
        """Why no prices come; ``None`` when all is well."""
        ...

    def hosts_called(self) -> Sequence[str]:
        """The hosts that prices were read from."""
        ...

    def last_call_at(self) -> datetime | None:
        """When one was called last."""
        ...

    async def close(self) -> None:
        """Let go of it; a feed that nobody holds ends."""
        ...
