"""What an account's limits on losses need: its equity."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from oms.domain.risk.limit_context import AccountEquity


class EquityReader(Protocol):
    """Reads the equity of accounts; ``services.performance.account_equity`` implements it."""

    async def __call__(self, account_id: int, now: datetime, zone: str, /) -> AccountEquity:
        """Return the equity and the result of the zone's day. Raises ``Unavailable``."""
        ...

    async def read_ahead(self, zones: Mapping[int, str], now: datetime, /) -> None:
        """Read accounts, by id with their zones, that are about to be asked for, in one read.

        Raises ``Unavailable``.
        """
        ...

    async def refresh(self, now: datetime, /) -> None:
        """Read accounts again that were asked for lately. Raises ``Unavailable``."""
        ...
