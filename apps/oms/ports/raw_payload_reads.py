"""Reads of what exchanges told."""

from collections.abc import Collection
from typing import Protocol

from oms.ports.history_reads import HistoryQuery, Page
from oms.ports.raw_payloads import RawOrder, RawTrade


class RawPayloadReads(Protocol):
    """Reads of what was told; windows filter on ``observed_at``. Raises ``Unavailable``."""

    async def orders(self, window: HistoryQuery) -> Page[RawOrder]:
        """Versions of orders."""
        ...

    async def trades(self, window: HistoryQuery) -> Page[RawTrade]:
        """Executions."""
        ...

    async def stored_fingerprints(
        self, account_id: int, fingerprints: Collection[str]
    ) -> frozenset[str]:
        """Which of the fingerprints are stored of orders or trades of the account."""
        ...

    async def stored_trades(
        self, account_id: int, names: Collection[str]
    ) -> frozenset[tuple[str, str]]:
        """Symbol and id of stored trades of the account that have one of the ids."""
        ...
