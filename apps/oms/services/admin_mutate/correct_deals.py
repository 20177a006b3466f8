"""Corrections of one symbol's deals, computed as a whole before anything is staged.

The symbol is replayed, and the result is checked as ``oms verify`` and ``oms replay`` check it: a
correction whose rows would not follow from their own executions is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from oms.domain.errors import Refused
from oms.domain.ledger.history_replay import SymbolHistory
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.restatement import apply_correction, apply_update
from oms.domain.orders.execution_report import Execution, ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order
from oms.ports.ids import IdBlocks
from oms.services.admin_mutate.admin_orders import AdminOrderFactory
from oms.services.admin_mutate.mutate_item import MutateTask
from oms.services.ledger.load_history import LoadHistory
from oms.services.ledger.record import RecordReports
from oms.services.replay.rebuild import Books, compare_books, rebuild_books
from oms.services.verify.position_replay import PositionGroup, check_group

IDS_PER_CORRECTION = 64
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class CorrectionStep(NamedTuple):
    """An order's execution to reverse, one to book, or both."""

    order: Order
    original: Execution | None = None
    corrected: Execution | None = None
    #: Whether the order was created for this step.
    is_new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectDeals:
    """Reverses executions and books right ones."""

    record: RecordReports
    ids: IdBlocks
    load_history: LoadHistory
    admin_orders: AdminOrderFactory

    async def __call__(
        self, task: MutateTask, steps: Sequence[CorrectionStep]
    ) -> list[LedgerUpdate] | Refused:
        """Apply all ``steps``, or none. Returns the ledger update of each."""
        state, symbol = task.state, steps[0].order.symbol
        instrument = state.exchange.instruments()[symbol]
        before = await self.load_history(state, instrument, _BEGINNING)
        count = IDS_PER_CORRECTION + 2 * len(before.deals)
        await self.ids.ensure("deal", count * len(steps))
        await self.ids.ensure("position", count * len(steps))
        entries: list[LedgerUpdate] = []
        history = before
        for step in steps:
            bust = _report(ReportKind.BUSTED, step.order, step.original, task.now)
            booking = _report(ReportKind.EXECUTION, step.order, step.corrected, task.now)
            entry = apply_correction(history, step.order, bust, booking, self.ids)
            history = apply_update(history, entry)
            entries.append(entry)
        if not is_sound(history, task.now) and is_sound(before, task.now):
            message = f"the books of {symbol} would not be what their deals give"
            return Refused(code="conflict", reason="not_foldable", message=message)
        for step, entry in zip(steps, entries, strict=True):
            if step.is_new:
                self.admin_orders.put(task, step.order)
            self.record.stage(state, entry, task.changes, before.position_ids)
        state.newest_key.pop(symbol, None)  # Read again: the newest execution may be reversed.
        return entries


def is_sound(history: SymbolHistory, now: datetime) -> bool:
    """Return whether the rows are the replay of their deals, however often they are replayed."""
    orders = list(history.orders.values())
    books = Books(positions=history.positions, deals=history.deals, orders=orders)
    rebuilt_books = rebuild_books(history.mode, history.instrument, books, now)
    if next(compare_books(books, rebuilt_books), None) is not None:
        return False
    positions = sorted(history.positions, key=lambda position: position.id)
    group = PositionGroup(positions=positions, deals=history.deals)
    return not check_group(group, history.instrument)


def _report(
    kind: ReportKind, order: Order, fill: Execution | None, now: datetime
) -> ExecutionReport | None:
    if fill is None:
        return None
    return ExecutionReport(
        kind=kind, order_id=order.id, source=ReportSource.OPERATOR, received_at=now, execution=fill
    )
