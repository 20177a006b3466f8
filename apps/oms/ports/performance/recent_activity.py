"""Reads of what an account did lately, as far as limits count it."""

from collections.abc import Mapping, Sequence
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

    async def signals(
        self, account_id: int, since: datetime, new_done_ids: Sequence[int]
    ) -> Mapping[tuple[int, str], int]:
        """Return the numbers of signals received since then and done, by strategy and symbol.

        Those of ``new_done_ids`` are done, though their rows may still be queued.
        """
        ...
