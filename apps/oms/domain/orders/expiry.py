"""The expiry of orders at exchanges, where the gateway cancels an order whose time has come."""

from oms.domain.orders.execution_report import ExecutionReport, ReportKind
from oms.domain.orders.order import Order
from oms.domain.value import evolve

EXPIRED = "expired"
"""``cancel_reason`` of an order that is canceled because its expiry is reached."""


def is_expiring(order: Order) -> bool:
    """Return whether the order is open and to be canceled at its expiry."""
    return order.is_open and order.expires_at is not None and order.cancel_reason is None


def as_expiry(order: Order, report: ExecutionReport) -> ExecutionReport:
    """Return the report that the order has expired for one that it was canceled for that."""
    if report.kind is not ReportKind.CANCELED or order.cancel_reason != EXPIRED:
        return report
    return evolve(report, kind=ReportKind.EXPIRED)
