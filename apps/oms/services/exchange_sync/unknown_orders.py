"""Orders in doubt are asked for, never sent again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order, OrderState
from oms.services.account_state.state import AccountState

QUERY_AFTER = timedelta(seconds=1)
"""An order whose answer was lost is asked for so long after it."""

CHANGE_QUERY_AFTER = timedelta(seconds=8)
"""A change or cancel that nobody answered is asked for so long after it."""


ALERT_AFTER = timedelta(seconds=30)
"""An order is in doubt for so long before somebody should look at it."""


def newly_overdue_orders(state: AccountState, now: datetime) -> Sequence[Order]:
    """Orders that have been in doubt for too long, each told once while it is."""
    lost = {
        order.id: order
        for order in state.orders.values()
        if order.state is OrderState.UNKNOWN and now - order.updated_at >= ALERT_AFTER
    }
    fresh = [order for order in lost.values() if order.id not in state.alerted_order_ids]
    state.alerted_order_ids = set(lost)
    return fresh


async def query_unknown_orders(state: AccountState, now: datetime) -> Sequence[ExecutionReport]:
    """What the exchange says of the account's orders that are in doubt."""
    told: list[ExecutionReport] = []
    for order in list(state.orders.values()):
        age = now - order.updated_at
        if order.state is OrderState.UNKNOWN and age >= QUERY_AFTER:
            told += await state.exchange.query_order(order, now)
        elif order.pending_change is not None and age >= CHANGE_QUERY_AFTER:
            told += _with_verdict(order, await state.exchange.query_order(order, now), now)
    return told


def _with_verdict(
    order: Order, told: Sequence[ExecutionReport], now: datetime
) -> list[ExecutionReport]:
    """An order that is as it was has not been changed."""
    mine = {report.kind for report in told if report.order_id == order.id}
    if mine - {ReportKind.ACCEPTED}:
        return list(told)
    verdict = ExecutionReport(
        kind=ReportKind.REJECTED,
        order_id=order.id,
        source=ReportSource.RECONCILE,
        received_at=now,
        code="exchange_rejected",
        message=f"the {order.pending_change} was not carried out: the order is as it was",
    )
    return [*told, verdict]
