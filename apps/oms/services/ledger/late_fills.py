"""Executions of one symbol that arrive together and precede executions already applied.

Replaying the history once per execution would cost as many replays as there are executions, so an
import of old executions is applied with a single replay. Executions that need more than a plain
insertion are applied one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.event import Event
from oms.domain.ledger.allocation import ExecutionKey
from oms.domain.ledger.booking import execution_key_of
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.ledger_events import resolution_events
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.orders.order import Order, OrderState
from oms.domain.value import evolve

UNCONFIRMED_STATES = frozenset({OrderState.UNKNOWN, OrderState.REJECTED})
"""Order states that an execution corrects, which emits resolution events."""


@dataclass(slots=True)
class LateFillBatch:
    """The late executions of one symbol collected so far."""

    #: The orders before the change, by id.
    orders: dict[int, Order] = field(default_factory=dict)
    #: The reports, with the order ids of this system.
    reports: list[ExecutionReport] = field(default_factory=list)
    #: The reports as received.
    received: list[ExecutionReport] = field(default_factory=list)
    #: Fees of these executions that arrived before them.
    fees: list[Deal] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def accepts(
        self, order: Order, report: ExecutionReport, newest_key: ExecutionKey | None
    ) -> bool:
        """Return whether the report is plainly late and not a duplicate within the batch."""
        execution = report.execution
        if execution is None or execution.provisional or order.provisional_qty:
            return False
        is_late = newest_key is not None and execution_key_of(execution) < newest_key
        return is_late and execution.exchange_trade_id not in self._names

    def add(self, order: Order, report: ExecutionReport, fees: Sequence[Deal]) -> None:
        """Add an accepted report, with fees that arrived before it."""
        assert report.execution is not None, "only executions are late"
        self.orders[order.id] = order
        self.reports.append(evolve(report, order_id=order.id))
        self.received.append(report)
        self.fees.extend(fees)
        self._names.add(report.execution.exchange_trade_id)

    def earliest_executed_at(self) -> datetime:
        """Return the time from which the history must be replayed."""
        return min(each.execution.executed_at for each in self.reports if each.execution)

    def resolution_events_of(self, entry: LedgerUpdate) -> list[Event]:
        """Return the resolution events of orders that were not known to be placed."""
        after = {order.id: order for order in entry.orders}
        first = {report.order_id: report for report in reversed(self.reports)}
        return [
            event
            for order_id, order in self.orders.items()
            if order.state in UNCONFIRMED_STATES
            for event in resolution_events(order, after[order_id], first[order_id])
        ]


def in_execution_order(reports: Sequence[ExecutionReport]) -> list[ExecutionReport]:
    """Return reports of executions from the oldest to the newest.

    Orders that are looked up at the same time are reported in any order. Applied in that order, an
    execution would be late that is not, and its history would be read and replayed.
    """
    return sorted(reports, key=_execution_key)


def _execution_key(report: ExecutionReport) -> ExecutionKey:
    assert report.execution is not None, "these reports are of executions"
    return execution_key_of(report.execution)
