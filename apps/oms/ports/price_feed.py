"""Prices of a real exchange for paper accounts.

One feed serves all accounts of a worker with equal settings; each account holds an object of its
own that tracks what it has received. The feed executes nothing and uses no credentials.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.errors import Refused
from oms.domain.quotes import PublicTrade, Quote
from oms.domain.value import value


@value
class MarkPrice:
    """The mark price of a contract."""

    symbol: str
    price: Decimal
    at: datetime


PriceUpdate = Quote | PublicTrade | MarkPrice
"""An update of a feed; ``at`` of a quote is the time of the request, so prices are not older."""


class PriceFeed(Protocol):
    """The feed of one account. Requesting a symbol keeps it up to date for a while."""

    def take_updates(
        self, symbol: str, now: datetime, *, with_depth: bool
    ) -> Sequence[PriceUpdate]:
        """Return updates since the last call, oldest first; the first call returns the newest
        price.

        ``with_depth``: with order book and public trades, for symbols with open orders.
        """
        ...

    def newest(self, symbol: str, now: datetime) -> Quote | None:
        """Return the newest price, ``None`` if none is known yet."""
        ...

    def is_pending(self, symbol: str) -> bool:
        """Return whether the first price of a symbol is still being loaded."""
        ...

    def is_ready(self) -> bool:
        """Return whether prices can be requested or are known to be unavailable."""
        ...

    def unavailable_reason(self) -> Refused | None:
        """Return why no prices arrive; ``None`` if available."""
        ...

    def hosts_called(self) -> Sequence[str]:
        """Return the hosts that prices were read from."""
        ...

    def last_call_at(self) -> datetime | None:
        """Return the time of the last call."""
        ...

    async def close(self) -> None:
        """Release the feed; it stops when no account holds it."""
        ...
