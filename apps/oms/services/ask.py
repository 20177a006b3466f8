"""Orders in doubt are asked for, never sent again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from oms.domain.order import Order, OrderState
from oms.domain.report import Heard, Report, ReportKind
from oms.services.home import Home

ASK_AFTER = timedelta(seconds=1)
"""An order whose answer was lost is asked for so long after it."""

CHANGE_ASK_AFTER = timedelta(seconds=8)
"""A change or cancel that nobody answered is asked for so long after it."""


ALARM_AFTER = timedelta(seconds=30)
"""An order is in doubt for so long before somebody should look at it."""


def overdue(home: Home, now: datetime) -> Sequence[Order]:
    """Orders that have been in doubt for too long, each told once while it is."""
    lost = {
        order.id: order
        for order in home.orders.values()
        if order.state is OrderState.UNKNOWN and now - order.updated_at >= ALARM_AFTER
    }
    fresh = [order for order in lost.values() if order.id not in home.alarmed]
    home.alarmed = set(lost)
    return fresh


async def asked(home: Home, now: datetime) -> Sequence[Report]:
    """What the exchange says of the account's orders that are in doubt."""
    told: list[Report] = []
    for order in list(home.orders.values()):
        age = now - order.updated_at
        if order.state is OrderState.UNKNOWN and age >= ASK_AFTER:
            told += await home.exchange.ask(order, now)
        elif order.pending_change is not None and age >= CHANGE_ASK_AFTER:
            told += _with_verdict(order, await home.exchange.ask(order, now), now)
    return told


def _with_verdict(order: Order, told: Sequence[Report], now: datetime) -> list[Report]:
    """An order that is as it was has not been changed."""
    mine = {report.kind for report in told if report.order_id == order.id}
    if mine - {ReportKind.ACCEPTED}:
        return list(told)
    verdict = Report(
        kind=ReportKind.REJECTED,
        order_id=order.id,
        heard=Heard.RECONCILE,
        heard_at=now,
        code="exchange_rejected",
        message=f"the {order.pending_change} was not carried out: the order is as it was",
    )
    return [*told, verdict]
