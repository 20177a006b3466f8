"""Orders of unknown outcome are queried at the exchange, never sent again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order, OrderState
from oms.services.account_state.state import AccountState

QUERY_AFTER = timedelta(seconds=1)
"""An order whose answer was lost is queried after this time."""

CHANGE_QUERY_AFTER = timedelta(seconds=8)
"""A change or cancel without an answer is queried after this time."""


ALERT_AFTER = timedelta(seconds=30)
"""An order of unknown outcome raises an alert after this time."""


def newly_overdue_orders(state: AccountState, now: datetime) -> Sequence[Order]:
    """Return orders of unknown outcome for too long, each once while it is unknown."""
    overdue = {
        order.id: order
        for order in state.orders.values()
        if order.state is OrderState.UNKNOWN and now - order.updated_at >= ALERT_AFTER
    }
    new = [order for order in overdue.values() if order.id not in state.alerted_order_ids]
    state.alerted_order_ids = set(overdue)
    return new


async def query_unknown_orders(state: AccountState, now: datetime) -> Sequence[ExecutionReport]:
    """Return what the exchange reports of the account's orders of unknown outcome."""
    reports: list[ExecutionReport] = []
    for order in list(state.orders.values()):
        age = now - order.updated_at
        if order.state is OrderState.UNKNOWN and age >= QUERY_AFTER:
            reports += await state.exchange.query_order(order, now)
        elif order.pending_change is not None and age >= CHANGE_QUERY_AFTER:
            reports += _with_rejection(order, await state.exchange.query_order(order, now), now)
    return reports


def _with_rejection(
    order: Order, reports: Sequence[ExecutionReport], now: datetime
) -> list[ExecutionReport]:
    """Add a rejection if the query shows that a change or cancel had no effect."""
    kinds = {report.kind for report in reports if report.order_id == order.id}
    if kinds - {ReportKind.ACCEPTED}:
        return list(reports)
    rejection = ExecutionReport(
        kind=ReportKind.REJECTED,
        order_id=order.id,
        source=ReportSource.RECONCILE,
        received_at=now,
        code="exchange_rejected",
        message=f"the {order.pending_change} was not executed: the order is unchanged",
    )
    return [*reports, rejection]
