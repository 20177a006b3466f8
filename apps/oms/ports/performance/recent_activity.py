"""Reads of what an account did lately, as far as limits count it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.risk.recent import ClosedResult, RecentOrder


class RecentActivityReads(Protocol):
    """Reads of stored rows; every method raises ``Unavailable``."""

    async def orders(self, account_id: int, since: datetime) -> Sequence[RecentOrder]:
        """Return the entry orders made since then that the gateway did not refuse."""
        ...

    async def rejections(self, account_id: int, since: datetime) -> Sequence[int]:
        """Return the ids of orders that the exchange rejected since then."""
        ...

    async def results(self, account_id: int, limit: int) -> Sequence[ClosedResult]:
        """Return the positions that ended last, newest first."""
        ...
