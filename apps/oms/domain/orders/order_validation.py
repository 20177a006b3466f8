"""Validation of order types, times in force and triggers, and of their combinations.

Each rule has a stable code; the first violated one is returned. Prices, quantities and positions
are checked in ``domain.risk.admission``, prices beyond the market by the exchange.
"""

from collections.abc import Iterator
from decimal import Decimal

from oms.domain.commands.command import ClosePosition, SendOrder
from oms.domain.errors import Refused
from oms.domain.orders.order_types import (
    LIMIT_TYPES,
    OCO_PARAM,
    ORDER_TYPES,
    TRAILING_STOP,
    TRIGGERED_TYPES,
)

TIMES_IN_FORCE = frozenset({"GTC", "IOC", "FOK", "GTD", "PO"})
"""``PO`` is an alias of post-only."""

_TYPES_LISTED = ", ".join(sorted(ORDER_TYPES))
_IMMEDIATE = frozenset({"IOC", "FOK"})
_NOT_SUPPORTED = "order_type_not_supported"
_INVALID = "validation_error"


def refuse_invalid_order(request: SendOrder | ClosePosition, *, is_paper: bool) -> Refused | None:
    """Refuse a type that no exchange supports or a contradictory combination of fields."""
    for code, message in _violations(request, is_paper=is_paper):
        return Refused(code=code, message=message)
    return None


def is_post_only(request: SendOrder | ClosePosition) -> bool:
    """Return whether the order must not take liquidity."""
    return request.post_only or request.time_in_force == "PO"


def limit_price(request: SendOrder | ClosePosition) -> Decimal | None:
    """Return the limit price; ``None`` for market types, whatever was sent."""
    return request.price if request.order_type in LIMIT_TYPES else None


def valuation_price(request: SendOrder | ClosePosition, market: Decimal | None) -> Decimal | None:
    """Return the price for valuing the order: its limit, its trigger, or the market price."""
    if request.order_type in LIMIT_TYPES:
        return request.price
    return request.trigger_price if request.order_type in TRIGGERED_TYPES else market


def _violations(request: SendOrder | ClosePosition, *, is_paper: bool) -> Iterator[tuple[str, str]]:
    order_type, time_in_force = request.order_type, request.time_in_force
    if order_type not in ORDER_TYPES:
        yield (
            _NOT_SUPPORTED,
            f"order type {order_type} is not supported; use one of {_TYPES_LISTED}",
        )
    if time_in_force is not None and time_in_force not in TIMES_IN_FORCE:
        listed = ", ".join(sorted(TIMES_IN_FORCE))
        yield _NOT_SUPPORTED, f"time in force {time_in_force} is not supported; use one of {listed}"
    if not is_paper and "sim" in request.params:
        yield "sim_not_supported", "params.sim asks for faults that only a paper exchange has"
    if OCO_PARAM in request.params and isinstance(request, ClosePosition):
        yield _NOT_SUPPORTED, f"params.{OCO_PARAM} goes with send_order"
    if (
        order_type == "market"
        and time_in_force is None
        and not request.post_only
        and not _has_triggers(request)
    ):
        return
    yield from _price_violations(request)
    yield from _time_violations(request)


def _has_triggers(request: SendOrder | ClosePosition) -> bool:
    return not (
        request.trigger_price is None
        and request.take_profit_price is None
        and request.trailing_amount is None
        and request.trailing_percent is None
        and (isinstance(request, ClosePosition) or request.expires_at is None)
    )


def _price_violations(request: SendOrder | ClosePosition) -> Iterator[tuple[str, str]]:
    order_type = request.order_type
    if order_type in LIMIT_TYPES and request.price is None:
        yield _INVALID, f"a {order_type} order needs a price"
    if order_type in TRIGGERED_TYPES and request.trigger_price is None:
        yield _INVALID, f"a {order_type} order needs a trigger_price"
    if order_type not in TRIGGERED_TYPES and request.trigger_price is not None:
        yield _INVALID, f"a {order_type} order has no trigger_price"
    if request.take_profit_price is not None and request.take_profit_price != request.trigger_price:
        yield _INVALID, f"a {order_type} order has no take_profit_price beside its trigger_price"
    distances = [d for d in (request.trailing_amount, request.trailing_percent) if d is not None]
    if order_type == TRAILING_STOP and len(distances) != 1:
        yield (
            _INVALID,
            "a trailing_stop needs one of trailing_amount and trailing_percent",
        )
    if order_type != TRAILING_STOP and distances:
        yield _INVALID, f"a {order_type} order does not trail"
    if any(distance <= 0 for distance in distances) or (request.trailing_percent or 0) >= 100:
        yield _INVALID, "a trailing distance is above 0, and below 100 percent"


def _time_violations(request: SendOrder | ClosePosition) -> Iterator[tuple[str, str]]:
    order_type, time_in_force = request.order_type, request.time_in_force
    expires_at = request.expires_at if isinstance(request, SendOrder) else None
    if is_post_only(request) and order_type not in LIMIT_TYPES:
        yield _INVALID, f"a {order_type} order takes from the book and cannot be post-only"
    if is_post_only(request) and time_in_force in _IMMEDIATE:
        yield _INVALID, f"an order that is {time_in_force} never rests and cannot be post-only"
    if time_in_force == "GTD" and expires_at is None:
        yield _INVALID, "a GTD order needs expires_at"
    if time_in_force != "GTD" and expires_at is not None:
        yield _INVALID, "expires_at goes with time_in_force GTD only"
