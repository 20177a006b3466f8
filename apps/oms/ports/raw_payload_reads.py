"""Read access to stored exchange payloads."""

from collections.abc import Collection
from typing import Protocol

from oms.ports.history_reads import HistoryQuery, Page
from oms.ports.raw_payloads import RawOrder, RawTrade


class RawPayloadReads(Protocol):
    """Reads payloads; time bounds apply to ``observed_at``. Raises ``Unavailable``."""

    async def orders(self, window: HistoryQuery) -> Page[RawOrder]:
        """Return a page of order versions."""
        ...

    async def trades(self, window: HistoryQuery) -> Page[RawTrade]:
        """Return a page of executions."""
        ...

    async def stored_fingerprints(
        self, account_id: int, fingerprints: Collection[str]
    ) -> frozenset[str]:
        """Return those of the fingerprints that are stored for the account."""
        ...

    async def stored_trades(
        self, account_id: int, names: Collection[str]
    ) -> frozenset[tuple[str, str]]:
        """Return symbol and id of stored trades of the account that have one of the ids."""
        ...
