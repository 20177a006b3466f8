"""Converts an order of the ledger, with its ``params``, to a request of the simulation.

Supported ``params`` are ``sim`` (fault injection), ``stopLoss`` and ``takeProfit`` (attached exits,
as in ccxt), ``triggerPriceType``, and for a take profit ``stopLossPrice``, the other order of an
OCO pair. Their prices are rounded to the tick as those of orders, or refused with ``precision`` set
to ``refuse``. Other params are ignored, as exchanges do, or refused if ``unknown`` is set to
``refuse``.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument
from oms.domain.money import NotADecimal, decimal_text, is_on_step, parse_decimal
from oms.domain.orders.order import Order
from oms.domain.orders.order_rounding import (
    Rounding,
    is_rounding_refused,
    round_gain,
    round_limit,
    round_stop,
)
from oms.domain.orders.order_terms import NewTerms
from oms.domain.orders.order_types import LIMIT_TYPES, OCO_PARAM, TAKE_PROFIT_TYPES
from oms.domain.side import Side
from oms.domain.value import constructor, evolve
from oms.simulation.inputs import ChangeOrder, NewOrder, NewOrderPair
from oms.simulation.state.paper_order import (
    PLAIN_TERMS,
    AttachedExit,
    OrderTerms,
    TimeInForce,
    TriggerBy,
)
from oms.simulation.transport.faults import Fault, parse_fault

SIBLING_STOP_PARAM = "stopLossPrice"
"""Parameter of a take profit: trigger price of the stop that cancels it, and that it cancels."""

_PARAMS = frozenset(
    {
        *("sim", "stopLoss", "takeProfit", "triggerPriceType", SIBLING_STOP_PARAM, OCO_PARAM),
        *("precision", "deadline_ms", "unknown"),
    }
)

_new_place = constructor(NewOrder)


POST_ONLY = "PO"
"""A time in force that means post-only."""


def build_order_request(
    order: Order, instrument: Instrument, now: datetime, *, is_virtual: bool = False
) -> NewOrder | NewOrderPair:
    """Returns the request to place ``order``, as an OCO pair if its params name the sibling stop.

    The sibling is an order of the exchange itself. Raises as ``build_new_order``.
    """
    place = build_new_order(order, instrument, now, is_virtual=is_virtual)
    if OCO_PARAM in order.params:
        return _limit_and_stop(place, order, instrument, now)
    if order.order_type not in TAKE_PROFIT_TYPES or SIBLING_STOP_PARAM not in order.params:
        return place
    sibling = _price(SIBLING_STOP_PARAM, order.params[SIBLING_STOP_PARAM])
    if sibling is None:
        return place
    trigger_price = _fit(SIBLING_STOP_PARAM, sibling, order.side, order, instrument, round_stop)
    terms = OrderTerms(trigger_price=trigger_price, trigger_by=place.terms.trigger_by)
    stop = evolve(place, client_id="", order_type="stop_market", price=None, terms=terms)
    return NewOrderPair(first=place, second=evolve(stop, post_only=False, fault=None), at=now)


def _limit_and_stop(
    place: NewOrder, order: Order, instrument: Instrument, now: datetime
) -> NewOrderPair:
    """Returns the pair of a limit order and the stop that its params describe."""
    side, name = order.side.opposite, OCO_PARAM
    exit = _exit(name, evolve(order, side=side), instrument, round_stop)
    if order.order_type != "limit" or exit is None:
        raise Invalid(f"params.{name} goes with a limit order", code="order_type_not_supported")
    terms = OrderTerms(trigger_price=exit.price, trigger_by=place.terms.trigger_by)
    order_type = "stop_market" if exit.limit_price is None else "stop_limit"
    stop = evolve(place, client_id="", order_type=order_type, price=exit.limit_price, terms=terms)
    return NewOrderPair(first=place, second=evolve(stop, post_only=False, fault=None), at=now)


def build_new_order(
    order: Order, instrument: Instrument, now: datetime, *, is_virtual: bool = False
) -> NewOrder:
    """Returns the request to place ``order``. Raises ``Invalid`` for invalid ``params``.

    With *virtual* positions the exchange nets what the ledger holds separately: an order that
    reduces a ledger position may enlarge the net one, so it is not sent as reduce-only.
    """
    params = order.params
    _refuse_unknown(params)
    return _new_place(
        client_id=str(order.id),
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        qty=order.qty,
        price=order.price if order.order_type in LIMIT_TYPES else None,
        reduce_only=order.reduce_only and not is_virtual,
        post_only=order.post_only or order.time_in_force == POST_ONLY,
        terms=PLAIN_TERMS if _is_plain(order) else _terms(order, instrument),
        fault=_fault(params["sim"]) if "sim" in params else None,
        at=now,
    )


def build_change_request(
    order: Order,
    price: Decimal | None,
    qty: Decimal | None,
    now: datetime,
    terms: NewTerms | None = None,
) -> ChangeOrder:
    """Returns the request to change ``order``; ``None`` keeps a value."""
    request = ChangeOrder(
        client_id=str(order.id),
        exchange_order_id=order.exchange_order_id or "",
        symbol=order.symbol,
        price=price,
        qty=qty,
        at=now,
    )
    if terms is None:
        return request
    kind = terms.time_in_force
    return evolve(
        request,
        trigger_price=terms.trigger_price,
        trailing_amount=terms.trailing_amount,
        trailing_percent=terms.trailing_percent,
        time_in_force=None if kind is None else TimeInForce(kind),
        expires_at=terms.expires_at,
    )


def _refuse_unknown(params: Mapping[str, object]) -> None:
    unknown = sorted(params.keys() - _PARAMS) if params else []
    if unknown and params.get("unknown") == "refuse":
        message = f"params.{unknown[0]}: a paper exchange has no such parameter"
        raise Invalid(message, code="order_type_not_supported", reason="unknown_parameter")


def _is_plain(order: Order) -> bool:
    return (
        order.time_in_force in (None, POST_ONLY, "GTC")
        and order.trigger_price is None
        and order.trailing_amount is None
        and order.trailing_percent is None
        and not order.params
    )


def _terms(order: Order, instrument: Instrument) -> OrderTerms:
    params, time_in_force = order.params, order.time_in_force
    return OrderTerms(
        time_in_force=TimeInForce.GTC
        if time_in_force in (None, POST_ONLY)
        else TimeInForce(time_in_force),
        expires_at=order.expires_at,
        trigger_price=order.trigger_price,
        trigger_by=_trigger_by(params),
        trailing_amount=order.trailing_amount,
        trailing_percent=order.trailing_percent,
        take_profit=_exit("takeProfit", order, instrument, round_gain),
        stop_loss=_exit("stopLoss", order, instrument, round_stop),
    )


def _fault(value: object) -> Fault:
    if not isinstance(value, str):
        raise Invalid("params.sim: the name of a fault is expected")
    return parse_fault(value)


def _trigger_by(params: Mapping[str, object]) -> TriggerBy:
    value = params.get("triggerPriceType", TriggerBy.LAST)
    if value not in TriggerBy.__members__.values():
        names = ", ".join(TriggerBy)
        raise Invalid(f"params.triggerPriceType: {value!r} is none of {names}")
    return TriggerBy(str(value))


def _exit(
    name: str, order: Order, instrument: Instrument, round_trigger: Rounding
) -> AttachedExit | None:
    """Returns the attached exit of ``{triggerPrice, price?}``, ``None`` if absent."""
    value = order.params.get(name)
    if value is None:
        return None
    if not isinstance(value, Mapping) or value.keys() - {"triggerPrice", "price", "type"}:
        raise Invalid(f"params.{name}: {{triggerPrice, price?}} is expected")
    trigger_name, limit_name = f"{name}.triggerPrice", f"{name}.price"
    trigger_price = _price(trigger_name, value.get("triggerPrice"))
    limit_price = _price(limit_name, value.get("price"))
    if trigger_price is None:
        raise Invalid(f"params.{name}: a triggerPrice is needed")
    side = order.side.opposite
    return AttachedExit(
        price=_fit(trigger_name, trigger_price, side, order, instrument, round_trigger),
        limit_price=None
        if limit_price is None
        else _fit(limit_name, limit_price, side, order, instrument, round_limit),
    )


def _price(name: str, value: object) -> Decimal | None:
    if value is None:
        return None
    try:
        price = parse_decimal(repr(value) if isinstance(value, float) else value)  # type: ignore[arg-type]
    except (NotADecimal, TypeError):
        raise Invalid(f"params.{name}: a price is expected") from None
    if isinstance(value, bool) or price <= 0:
        raise Invalid(f"params.{name}: a price above 0 is expected")
    return price


def _fit(
    name: str, price: Decimal, side: Side, order: Order, instrument: Instrument, fit: Rounding
) -> Decimal:
    """Returns a price of the exit on ``side`` at a tick. Raises ``Invalid`` if it may not round."""
    if is_rounding_refused(order.params) and not is_on_step(price, instrument.tick):
        tick = decimal_text(instrument.tick)
        message = f"params.{name}: {decimal_text(price)} is not a multiple of {tick}"
        raise Invalid(message, code="precision_mismatch")
    return fit(price, side, instrument.tick)
