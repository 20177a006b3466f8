"""Executions of one symbol that are told together and belong before what is booked.

Folding again once for each of them would take as often as long as the history is: an import of old
executions is booked with one fold. What is more than plainly late goes its own way.
"""

from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.event import Event
from oms.domain.ledger.allocation import ExecutionKey
from oms.domain.ledger.booking import execution_key_of
from oms.domain.ledger.ledger_events import resolution_events
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.orders.order import Order, OrderState
from oms.domain.value import evolve

UNCONFIRMED_STATES = frozenset({OrderState.UNKNOWN, OrderState.REJECTED})
"""States that an execution ends, as something to tell of."""


@dataclass(slots=True)
class LateFillBatch:
    """Those of one symbol so far."""

    #: Orders as they stand before.
    orders: dict[int, Order] = field(default_factory=dict)
    #: About the orders by our ids.
    reports: list[ExecutionReport] = field(default_factory=list)
    #: The same as they came.
    told: list[ExecutionReport] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def takes(self, order: Order, report: ExecutionReport, newest_key: ExecutionKey | None) -> bool:
        """Whether it is plainly late; told twice, it is only once."""
        execution = report.execution
        if execution is None or execution.provisional or order.provisional_qty:
            return False
        is_late = newest_key is not None and execution_key_of(execution) < newest_key
        return is_late and execution.exchange_trade_id not in self._names

    def add(self, order: Order, report: ExecutionReport) -> None:
        """Take it on."""
        assert report.execution is not None, "only executions are late"
        self.orders[order.id] = order
        self.reports.append(evolve(report, order_id=order.id))
        self.told.append(report)
        self._names.add(report.execution.exchange_trade_id)

    def moment(self) -> datetime:
        """From when on the book must be folded again."""
        return min(each.execution.executed_at for each in self.reports if each.execution)

    def doubts(self, entry: LedgerUpdate) -> list[Event]:
        """What is told of orders that nobody knew to be placed."""
        after = {order.id: order for order in entry.orders}
        first = {report.order_id: report for report in reversed(self.reports)}
        return [
            event
            for order_id, order in self.orders.items()
            if order.state in UNCONFIRMED_STATES
            for event in resolution_events(order, after[order_id], first[order_id])
        ]
