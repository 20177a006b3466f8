"""Snapshots of accounts for subscribers; concurrent requests share one read."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.ports.history_reads import HistoryReads, LedgerSnapshot
from oms.wire.json import dumps_fast
from oms.wire.responses.ledger_rows import order_row, position_row

ROWS_MAX = 5000


@dataclass(slots=True)
class AccountSnapshot:
    """Open orders and positions of an account at ``seq``, for all or some strategies."""

    snapshot: LedgerSnapshot
    _unfiltered: tuple[str, str] | None = None

    @property
    def seq(self) -> int:
        """Sequence number of the last event it contains."""
        return self.snapshot.seq

    def items(self, allowed: frozenset[int] | None) -> tuple[str, str]:
        """Return orders and positions as JSON lists; the unfiltered ones are built once."""
        if allowed is None and self._unfiltered is not None:
            return self._unfiltered
        texts = (
            dumps_fast([order_row(order) for order in self.orders(allowed)]),
            dumps_fast([position_row(position) for position in self.positions(allowed)]),
        )
        if allowed is None:
            self._unfiltered = texts
        return texts

    def orders(self, allowed: frozenset[int] | None) -> Sequence[Order]:
        """Return the open orders of the allowed strategies."""
        rows = self.snapshot.orders
        return rows if allowed is None else [o for o in rows if o.strategy_id in allowed]

    def positions(self, allowed: frozenset[int] | None) -> Sequence[Position]:
        """Return the open positions of the allowed strategies."""
        rows = self.snapshot.positions
        return rows if allowed is None else [p for p in rows if p.strategy_id in allowed]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotLoader:
    """Reads snapshots; concurrent requests of an account share one read."""

    history: HistoryReads
    _reads: dict[int, "asyncio.Task[AccountSnapshot]"] = field(default_factory=dict)

    async def __call__(self, account_id: int, min_seq: int) -> AccountSnapshot:
        """Return a snapshot that contains the event ``min_seq``. Raises ``Unavailable``."""
        snapshot = await self._shared_read(account_id)
        if snapshot.seq < min_seq:  # the shared read began before that event
            snapshot = await self._shared_read(account_id)
        return snapshot

    async def _shared_read(self, account_id: int) -> AccountSnapshot:
        task = self._reads.get(account_id)
        if task is None:
            task = asyncio.create_task(self._read(account_id))
            self._reads[account_id] = task
            task.add_done_callback(lambda _: self._reads.pop(account_id, None))
        return await asyncio.shield(task)

    async def _read(self, account_id: int) -> AccountSnapshot:
        return AccountSnapshot(await self.history.snapshot(account_id, ROWS_MAX))
