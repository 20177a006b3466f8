"""Validation of order types, times in force and triggers, and of their combinations.

Each rule has a stable code; the first violated one is returned. Prices, quantities and positions
are checked in ``domain.risk.admission``, prices beyond the market by the exchange.
"""

from collections.abc import Iterator
from decimal import Decimal

from oms.domain.commands.command import LIMIT_TYPES, ClosePosition, SendOrder
from oms.domain.errors import Refused

TRIGGERED_TYPES = frozenset(
    {"stop_market", "stop_limit", "take_profit_market", "take_profit_limit"}
)
"""Types that wait for a trigger price."""

TRAILING_STOP = "trailing_stop"

ORDER_TYPES = frozenset({"market", TRAILING_STOP, *LIMIT_TYPES, *TRIGGERED_TYPES})
"""Types that every engine accepts, natively or emulated."""

TIMES_IN_FORCE = frozenset({"GTC", "IOC", "FOK", "GTD", "PO"})
"""``PO`` is an alias of post-only."""

_TYPES_TOLD = ", ".join(sorted(ORDER_TYPES))
_AT_ONCE = frozenset({"IOC", "FOK"})
_NOT_SUPPORTED = "order_type_not_supported"
_INCOHERENT = "validation_error"


def refuse_invalid_order(wish: SendOrder | ClosePosition, *, is_paper: bool) -> Refused | None:
    """Refuse a type that no exchange supports or a contradictory combination of fields."""
    for code, message in _faults(wish, is_paper=is_paper):
        return Refused(code=code, message=message)
    return None


def is_post_only(wish: SendOrder | ClosePosition) -> bool:
    """Return whether the order must not take liquidity."""
    return wish.post_only or wish.time_in_force == "PO"


def limit_price(wish: SendOrder | ClosePosition) -> Decimal | None:
    """Return the limit price; ``None`` for market types, whatever was sent."""
    return wish.price if wish.order_type in LIMIT_TYPES else None


def valuation_price(wish: SendOrder | ClosePosition, market: Decimal | None) -> Decimal | None:
    """Return the price for valuing the order: its limit, its trigger, or the market price."""
    if wish.order_type in LIMIT_TYPES:
        return wish.price
    return wish.trigger_price if wish.order_type in TRIGGERED_TYPES else market


def _faults(wish: SendOrder | ClosePosition, *, is_paper: bool) -> Iterator[tuple[str, str]]:
    form, force = wish.order_type, wish.time_in_force
    if form not in ORDER_TYPES:
        yield _NOT_SUPPORTED, f"order type {form} is not supported; use one of {_TYPES_TOLD}"
    if force is not None and force not in TIMES_IN_FORCE:
        known = ", ".join(sorted(TIMES_IN_FORCE))
        yield _NOT_SUPPORTED, f"time in force {force} is not supported; use one of {known}"
    if not is_paper and "sim" in wish.params:
        yield "sim_not_supported", "params.sim asks for faults that only a paper exchange has"
    if form == "market" and force is None and not wish.post_only and not _has_triggers(wish):
        return
    yield from _price_faults(wish)
    yield from _time_faults(wish)


def _has_triggers(wish: SendOrder | ClosePosition) -> bool:
    return not (
        wish.trigger_price is None
        and wish.take_profit_price is None
        and wish.trailing_amount is None
        and wish.trailing_percent is None
        and (isinstance(wish, ClosePosition) or wish.expires_at is None)
    )


def _price_faults(wish: SendOrder | ClosePosition) -> Iterator[tuple[str, str]]:
    form = wish.order_type
    if form in LIMIT_TYPES and wish.price is None:
        yield _INCOHERENT, f"a {form} order needs a price"
    if form in TRIGGERED_TYPES and wish.trigger_price is None:
        yield _INCOHERENT, f"a {form} order needs a trigger_price"
    if form not in TRIGGERED_TYPES and wish.trigger_price is not None:
        yield _INCOHERENT, f"a {form} order has no trigger_price"
    if wish.take_profit_price is not None and wish.take_profit_price != wish.trigger_price:
        yield _INCOHERENT, f"a {form} order has no take_profit_price beside its trigger_price"
    distances = [d for d in (wish.trailing_amount, wish.trailing_percent) if d is not None]
    if form == TRAILING_STOP and len(distances) != 1:
        yield (
            _INCOHERENT,
            "a trailing_stop needs one of trailing_amount and trailing_percent",
        )
    if form != TRAILING_STOP and distances:
        yield _INCOHERENT, f"a {form} order does not trail"
    if any(distance <= 0 for distance in distances) or (wish.trailing_percent or 0) >= 100:
        yield _INCOHERENT, "a trailing distance is above 0, and below 100 percent"


def _time_faults(wish: SendOrder | ClosePosition) -> Iterator[tuple[str, str]]:
    form, force = wish.order_type, wish.time_in_force
    expires_at = wish.expires_at if isinstance(wish, SendOrder) else None
    if is_post_only(wish) and form not in LIMIT_TYPES:
        yield _INCOHERENT, f"a {form} order takes from the book and cannot be post-only"
    if is_post_only(wish) and force in _AT_ONCE:
        yield _INCOHERENT, f"an order that is {force} never rests and cannot be post-only"
    if force == "GTD" and expires_at is None:
        yield _INCOHERENT, "a GTD order needs expires_at"
    if force != "GTD" and expires_at is not None:
        yield _INCOHERENT, "expires_at goes with time_in_force GTD only"
