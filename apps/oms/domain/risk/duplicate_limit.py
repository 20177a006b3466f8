"""Limit on orders that are sent twice within a short time."""

from datetime import timedelta
from decimal import Decimal

from oms.domain.errors import Refused
from oms.domain.money import decimal_text
from oms.domain.risk.measure import Measure, refused_by
from oms.domain.risk.policy import Limit, scope_text


def check_duplicate(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    """Refuse an order if the same one was sent less than the window ago."""
    repeated = measure.context.repeated
    if repeated is None or repeated.age >= timedelta(seconds=int(number)):
        return None
    seconds = max(repeated.age // timedelta(seconds=1), 0)
    what = f"command {repeated.id}" if repeated.is_call else f"order {repeated.id}"
    message = (
        f"{what} with the same terms was sent {seconds} s ago; {scope_text(limit)}"
        f" demands {decimal_text(number)} s between two, or a request_id, an"
        " Idempotency-Key or a client_order_id"
    )
    return refused_by(limit, measure, message, Decimal(seconds))
