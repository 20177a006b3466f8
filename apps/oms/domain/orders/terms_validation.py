"""Checks of the terms that a change moves, against those of the order."""

from oms.domain.errors import Refused
from oms.domain.orders.order import Order
from oms.domain.orders.order_terms import UNTIL_CANCELED, UNTIL_EXPIRY, NewTerms
from oms.domain.orders.order_types import TRAILING_STOP

_IMMEDIATE = frozenset({"IOC", "FOK"})
_CHANGEABLE = frozenset({UNTIL_CANCELED, UNTIL_EXPIRY, *_IMMEDIATE})
_INVALID = "validation_error"


def refuse_new_terms(terms: NewTerms, order: Order) -> Refused | None:
    """Refuse terms that the order does not have, or that contradict each other."""
    name, kind = f"order {order.id}", order.order_type
    trails = kind == TRAILING_STOP
    waits = order.triggered_at is None and (trails or order.trigger_price is not None)
    if terms.trigger_price is not None and order.trigger_price is None:
        return _invalid(f"{name} is a {kind} order and has no trigger price")
    if terms.distances and not trails:
        return _invalid(f"{name} is a {kind} order and does not trail")
    if terms.distances > 1 or (terms.trailing_percent or 0) >= 100:
        return _invalid("give one trailing distance; one in percent is below 100")
    if terms.moves_trigger and order.triggered_at is not None:
        message = f"{name} has been triggered"
        return Refused(code="invalid_order_state", reason="too_late", message=message)
    kind_of_time = terms.time_in_force
    if kind_of_time is None:
        return None
    if kind_of_time not in _CHANGEABLE:
        listed = ", ".join(sorted(_CHANGEABLE))
        message = f"a change to time in force {kind_of_time} is not supported; use one of {listed}"
        return Refused(code="order_type_not_supported", message=message)
    if kind_of_time in _IMMEDIATE and (not waits or order.post_only):
        return _invalid(f"{name} rests in the book and cannot become {kind_of_time}")
    if kind_of_time == UNTIL_EXPIRY and (terms.expires_at or order.expires_at) is None:
        return _invalid("a GTD order needs new_expires_at")
    if kind_of_time != UNTIL_EXPIRY and terms.expires_at is not None:
        return _invalid("new_expires_at goes with time in force GTD only")
    return None


def _invalid(message: str) -> Refused:
    return Refused(code=_INVALID, message=message)
