"""How long orders rest at an exchange: the gateway keeps the expiry, the exchange gets none."""

from datetime import datetime
from decimal import Decimal

from oms.domain.errors import Invalid
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.expiry import EXPIRED
from oms.domain.orders.order import Order
from oms.domain.orders.order_terms import UNTIL_CANCELED, UNTIL_EXPIRY, NewTerms


def refuse_expired(expires_at: datetime | None, now: datetime) -> None:
    """Raise ``Invalid`` for an expiry that has passed."""
    if expires_at is not None and expires_at <= now:
        message = f"expires_at {expires_at.isoformat()} has passed"
        raise Invalid(message, code="validation_error")


def report_time_change(
    order: Order, price: Decimal | None, qty: Decimal | None, terms: NewTerms, now: datetime
) -> ExecutionReport:
    """Return the report that the order expires at another time, or no more; nothing is sent.

    Raises ``Invalid`` for another time in force, and beside terms that the exchange has to change:
    one of both changes could fail.
    """
    if terms.time_in_force not in (None, UNTIL_CANCELED, UNTIL_EXPIRY):
        message = (
            f"an order's time in force is not changed to {terms.time_in_force} at this exchange"
            " (edit_fields)"
        )
        raise Invalid(message, code="order_type_not_supported")
    if price is not None or qty is not None or terms.moves_trigger:
        message = "the expiry is changed by a command of its own at this exchange (edit_fields)"
        raise Invalid(message, code="order_type_not_supported")
    if order.cancel_reason == EXPIRED:
        message = f"order {order.id} has expired and is being canceled"
        raise Invalid(message, code="invalid_order_state")
    refuse_expired(terms.expires_at, now)
    return ExecutionReport(
        kind=ReportKind.CHANGED,
        order_id=order.id,
        source=ReportSource.OPERATOR,
        received_at=now,
        terms=terms,
    )
