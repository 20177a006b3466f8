"""Snapshots for listeners: one read of an account for all who ask at the same moment."""

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
    """An account as it was at ``seq``, for those who may see all of it or some strategies."""

    snapshot: LedgerSnapshot
    _all: tuple[str, str] | None = None

    @property
    def seq(self) -> int:
        """The number of the last event that is in it."""
        return self.snapshot.seq

    def items(self, allowed: frozenset[int] | None) -> tuple[str, str]:
        """Orders and positions as JSON lists; made once for all who may see everything."""
        if allowed is None and self._all is not None:
            return self._all
        made = (
            dumps_fast([order_row(order) for order in self.orders(allowed)]),
            dumps_fast([position_row(held) for held in self.positions(allowed)]),
        )
        if allowed is None:
            self._all = made
        return made

    def orders(self, allowed: frozenset[int] | None) -> Sequence[Order]:
        """Open orders of the strategies."""
        rows = self.snapshot.orders
        return rows if allowed is None else [o for o in rows if o.strategy_id in allowed]

    def positions(self, allowed: frozenset[int] | None) -> Sequence[Position]:
        """Open positions of the strategies."""
        rows = self.snapshot.positions
        return rows if allowed is None else [p for p in rows if p.strategy_id in allowed]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotLoader:
    """Takes pictures."""

    history: HistoryReads
    _taking: dict[int, "asyncio.Task[AccountSnapshot]"] = field(default_factory=dict)

    async def __call__(self, account_id: int, at_least: int) -> AccountSnapshot:
        """A picture that holds the event ``at_least``. Raises ``Unavailable``."""
        picture = await self._taken(account_id)
        if picture.seq < at_least:  # it was begun by somebody who was not that far
            picture = await self._taken(account_id)
        return picture

    async def _taken(self, account_id: int) -> AccountSnapshot:
        task = self._taking.get(account_id)
        if task is None:
            task = asyncio.create_task(self._take(account_id))
            self._taking[account_id] = task
            task.add_done_callback(lambda _: self._taking.pop(account_id, None))
        return await asyncio.shield(task)

    async def _take(self, account_id: int) -> AccountSnapshot:
        return AccountSnapshot(await self.history.snapshot(account_id, ROWS_MAX))
