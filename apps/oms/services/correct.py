"""Corrections of one symbol's deals, planned whole before anything of them is kept.

All of the symbol is folded again, and the outcome is checked as ``oms verify`` and ``oms replay``
check it: a correction that would leave books which their own facts do not give is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from oms.domain.entry import Entry
from oms.domain.errors import Refused
from oms.domain.order import Order
from oms.domain.refold import History
from oms.domain.report import Execution, Heard, Report, ReportKind
from oms.domain.rewrite import corrected, overlaid
from oms.ports.ids import IdBlocks
from oms.services.admin_order import AdminOrders
from oms.services.record import Record
from oms.services.replay.rebuild import Books, differences, rebuilt
from oms.services.task import Task
from oms.services.unfold import Unfold
from oms.services.verify.folds import Group, group_findings

IDS_PER_CORRECTION = 64
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Step(NamedTuple):
    """An order's execution that is taken back, one that is booked, or both."""

    order: Order
    victim: Execution | None = None
    right: Execution | None = None
    #: Whether the order was made for this.
    is_new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Correct:
    """Takes executions back and books right ones."""

    record: Record
    ids: IdBlocks
    unfold: Unfold
    admin_orders: AdminOrders

    async def __call__(self, task: Task, steps: Sequence[Step]) -> list[Entry] | Refused:
        """Do all ``steps``, or none of them; what each changed."""
        home, symbol = task.home, steps[0].order.symbol
        instrument = home.exchange.instruments()[symbol]
        before = await self.unfold(home, instrument, _BEGINNING)
        count = IDS_PER_CORRECTION + 2 * len(before.deals)
        await self.ids.ensure("deal", count * len(steps))
        await self.ids.ensure("position", count * len(steps))
        entries: list[Entry] = []
        history = before
        for step in steps:
            bust = _report(ReportKind.BUSTED, step.order, step.victim, task.now)
            right = _report(ReportKind.EXECUTION, step.order, step.right, task.now)
            entry = corrected(history, step.order, bust, right, self.ids)
            history = overlaid(history, entry)
            entries.append(entry)
        if not is_sound(history, task.now) and is_sound(before, task.now):
            message = f"the books of {symbol} would not be what their deals give"
            return Refused(code="conflict", reason="not_foldable", message=message)
        for step, entry in zip(steps, entries, strict=True):
            if step.is_new:
                self.admin_orders.put(task, step.order)
            self.record.keep(home, entry, task.changes, before)
        home.newest.pop(symbol, None)  # read again: what was newest may be taken back
        return entries


def is_sound(history: History, now: datetime) -> bool:
    """Whether the rows are the fold of their deals, however often they are folded."""
    orders = list(history.orders.values())
    books = Books(positions=history.positions, deals=history.deals, orders=orders)
    again = rebuilt(history.mode, history.instrument, books, now)
    if next(differences(books, again), None) is not None:
        return False
    positions = sorted(history.positions, key=lambda position: position.id)
    group = Group(positions=positions, deals=history.deals)
    return not group_findings(group, history.instrument)


def _report(kind: ReportKind, order: Order, fill: Execution | None, now: datetime) -> Report | None:
    if fill is None:
        return None
    return Report(kind=kind, order_id=order.id, heard=Heard.OPERATOR, heard_at=now, execution=fill)
