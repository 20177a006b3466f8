"""The ccxt calls of order requests: place, amend, replace, cancel."""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

from oms.adapters.ccxt.orders.order_cache import TrackedOrder
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.account import PositionMode
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import EXACT, decimal_text, subtract
from oms.domain.orders.order import Order
from oms.domain.orders.order_types import (
    LIMIT_TYPES,
    OCO_PARAM,
    TRAILING_STOP,
    TRIGGERED_TYPES,
    WAITING_TYPES,
)
from oms.domain.quotes import Quote
from oms.domain.side import Side
from oms.domain.value import evolve, value

#: Keys of ``params`` that the gateway reads and does not send.
_OWN_PARAMS = frozenset({"sim", "precision", "deadline_ms", "unknown", OCO_PARAM})

#: Parameters that would change terms of the order, which the ledger and the limits rely on.
_TERM_PARAMS = frozenset(
    {
        *("symbol", "side", "type", "orderType", "category", "instId"),
        *("quantity", "qty", "amount", "size", "sz", "price", "orderPrice", "px"),
        *("priceMatch", "volume", "ordertype", "ordType", "funds", "notional", "baseVolume"),
        *("cost", "quoteOrderQty", "quoteQty", "marketUnit", "tgtCcy", "closePosition"),
        *("isIsolated", "isLeverage", "sideEffectType", "portfolioMargin", "papi"),
        *("test", "sor", "SOR", "stopLossPrice", "trailingDelta", "callbackRate", "trailingStop"),
        *(
            "tradingStopEndpoint",
            "method",
            "newClientOrderId",
            "orderLinkId",
            "clientAlgoId",
            "clOrdId",
        ),
    }
)
#: The parameter of the trigger price is one of these, the first that is there.
_TRIGGER_PARAMS = ("triggerPrice", "stopLossPrice", "takeProfitPrice")
#: Parameters of a placement that ccxt would otherwise reset with a new trigger price.
_KEPT_PARAMS = frozenset({"triggerBy"})

#: The gateway itself cancels an order with an expiry.
_UNTIL_CANCELED = (None, "GTC", "GTD")

#: On spot they would trade on margin.
_MARGIN_PARAMS = frozenset({"marginMode", "tdMode"})

#: They would let a request count for longer than the account's settings say.
_TIME_PARAMS = frozenset({"recvWindow", "recv_window", "timestamp", "expTime", "validUntil"})


class Legs(Enum):
    """How the exchange holds contracts compared with the ledger."""

    #: One position per symbol, at the exchange and in the ledger.
    ONE = "one"
    #: A long and a short leg at the exchange.
    TWO = "two"
    #: The exchange nets what the ledger holds separately: an order that reduces one ticket may
    #: enlarge the net position, so ``reduceOnly`` is not sent.
    VIRTUAL = "virtual"


def choose_legs(mode: PositionMode, *, is_hedged: bool) -> Legs:
    """Returns the legs of an account of ``mode`` at an exchange in hedge mode, or not."""
    if is_hedged:
        return Legs.TWO
    return Legs.ONE if mode is PositionMode.NETTING else Legs.VIRTUAL


@value
class CcxtCall:
    """One ccxt method with its arguments."""

    method: str
    args: tuple[object, ...]
    params: Mapping[str, object]


def call_params(call: CcxtCall) -> dict[str, Any]:
    """Returns the keyword arguments of the call."""
    return {"params": dict(call.params)} if call.params else {}


def refuse_unsupported_order(order: Order, instrument: Instrument, profile: VenueProfile) -> None:
    """Raises ``Invalid`` for forms of orders that the venue does not take natively."""
    message, tag = None, profile.tag_of(instrument.kind)
    if order.order_type == TRAILING_STOP and (text := _refuse_trailing(order, instrument, profile)):
        message = text
    elif order.trigger_price is not None and not profile.supports_triggers(instrument.kind):
        reason = profile.unsupported_triggers[instrument.kind]
        message = f"orders with a trigger are not sent to this exchange: {reason}"
    elif order.order_type in profile.unsupported_types.get(instrument.kind, ()):
        message = f"this exchange has no {order.order_type} here (order_types)"
    elif tag is not None and order.trigger_price is not None and not tag.is_valid(order.params):
        message = f"params.{tag.param} is a whole number of seconds, {tag.seconds_min} or more"
    elif times := _unsupported_times(order, instrument, profile):
        message = f"this exchange has no {min(times)} here (time_in_force)"
    elif _is_market_buy(order) and instrument.kind in profile.market_buy_by_cost_kinds:
        message = "this exchange takes market buys by cost only, never by quantity"
    elif times := _TIME_PARAMS.intersection(order.params):
        message = f"params.{min(times)} is set by options.recvWindow of the account only"
    elif terms := _other_terms(order, instrument):
        message = f"params.{min(terms)} would trade something else than the order says"
    if message is not None:
        raise Invalid(message, code="order_type_not_supported")


def _refuse_trailing(order: Order, instrument: Instrument, profile: VenueProfile) -> str | None:
    distances = profile.trailing_distances.get(instrument.kind)
    if distances is None:
        return "trailing stops are not sent to this exchange (order_types)"
    if distances.has(order.trailing_percent, order.trailing_amount):
        return None
    least, most, step = distances.percent_min, distances.percent_max, distances.percent_step
    amounts = " or an amount" if distances.takes_amounts else ""
    text = f"trailing_percent of {least:f} to {most:f} in steps of {step:f}{amounts}"
    return f"this exchange trails at a {text} (trailing)"


def _unsupported_times(
    order: Order, instrument: Instrument, profile: VenueProfile
) -> frozenset[str]:
    requested = {order.time_in_force, "PO" if order.post_only else None} - {None}
    unsupported = profile.unsupported_time_in_force.get(instrument.kind, frozenset())
    return unsupported.intersection(requested)


def _other_terms(order: Order, instrument: Instrument) -> frozenset[str]:
    is_spot = instrument.kind is InstrumentKind.SPOT
    names = _TERM_PARAMS | _MARGIN_PARAMS if is_spot else _TERM_PARAMS
    return names.intersection(order.params)


def _is_market_buy(order: Order) -> bool:
    return order.order_type not in LIMIT_TYPES and order.side is Side.BUY


def build_place_call(
    order: Order, instrument: Instrument, profile: VenueProfile, client_id: str
) -> CcxtCall:
    """Returns the request to place ``order``; ``add_legs`` completes it."""
    is_limit = order.order_type in LIMIT_TYPES
    params: dict[str, object] = {k: v for k, v in order.params.items() if k not in _OWN_PARAMS}
    params["clientOrderId"] = client_id
    if order.post_only or order.time_in_force == "PO":
        params["postOnly"] = True
    elif order.time_in_force not in _UNTIL_CANCELED:
        params["timeInForce"] = order.time_in_force
    if instrument.kind is not InstrumentKind.SPOT and order.reduce_only:
        params["reduceOnly"] = True
    if order.trigger_price is not None and order.order_type in TRIGGERED_TYPES:
        params[_trigger_param(order, profile)] = decimal_text(order.trigger_price)
        params = {**profile.trigger_params, **params}
        if profile.trigger_direction is not None and instrument.kind is not InstrumentKind.SPOT:
            name, up, down = profile.trigger_direction
            params[name] = up if _rises_to_trigger(order) else down
        if (tag := profile.tag_of(instrument.kind)) is not None:
            params[tag.param] = tag.seconds(client_id, order.params)
    if order.order_type == TRAILING_STOP:
        params = {**profile.trigger_params, **params, **_trailing_params(order)}
    amount = EXACT.divide(order.qty, instrument.amount_unit)
    price = order.price if is_limit else None
    kind = "limit" if is_limit else "market"
    args = (order.symbol, kind, order.side.value, amount, price)
    return CcxtCall(method="create_order", args=args, params=params)


def _trailing_params(order: Order) -> Mapping[str, object]:
    if order.trailing_percent is not None:
        return {"trailingPercent": decimal_text(order.trailing_percent)}
    assert order.trailing_amount is not None, "a trailing stop has one of the two distances"
    return {"trailingAmount": decimal_text(order.trailing_amount)}


def add_legs(call: CcxtCall, instrument: Instrument, legs: Legs) -> CcxtCall:
    """Returns the request to place an order at an exchange that holds ``legs``."""
    params = dict(call.params)
    if instrument.kind is not InstrumentKind.SPOT:
        match legs:
            case Legs.TWO:
                params["hedged"] = True
            case Legs.VIRTUAL:
                params.pop("reduceOnly", None)
    return evolve(call, params=params)


def build_amend_call(
    tracked: TrackedOrder,
    instrument: Instrument,
    qty: Decimal,
    price: Decimal | None,
    trigger_price: Decimal | None = None,
) -> CcxtCall:
    """Returns the request to amend an order; price and quantity are always sent.

    A new trigger price is that of the same price as before: last, mark or index.
    """
    amount = EXACT.divide(subtract(qty, tracked.filled_before), instrument.amount_unit)
    kind = "limit" if price is not None else "market"
    args = (tracked.current_order_id, tracked.symbol, kind, tracked.side.value, amount, price)
    params: dict[str, object] = {}
    if trigger_price is not None:
        params["triggerPrice"] = decimal_text(trigger_price)
        params |= {name: tracked.params[name] for name in _KEPT_PARAMS & tracked.params.keys()}
    return CcxtCall(method="edit_order", args=args, params=params)


def build_replace_call(
    tracked: TrackedOrder, new: TrackedOrder, instrument: Instrument
) -> CcxtCall:
    """Returns the request that cancels ``tracked``, if it has no fills, and places ``new``."""
    amount = EXACT.divide(new.qty, instrument.amount_unit)
    params = {**tracked.params, "clientOrderId": new.client_id, "cancelRestrictions": "ONLY_NEW"}
    args = (
        tracked.exchange_order_id,
        tracked.symbol,
        "limit",
        tracked.side.value,
        amount,
        new.price,
    )
    return CcxtCall(method="edit_order", args=args, params=params)


def build_replacement_call(new: TrackedOrder, instrument: Instrument) -> CcxtCall:
    """Returns the request to place the remaining quantity of an order, with the same parameters."""
    kind = "limit" if new.order_type in LIMIT_TYPES else "market"
    amount = EXACT.divide(new.qty, instrument.amount_unit)
    price = new.price if kind == "limit" else None
    params = {**new.params, "clientOrderId": new.client_id}
    args = (new.symbol, kind, new.side.value, amount, price)
    return CcxtCall(method="create_order", args=args, params=params)


def build_cancel_call(tracked: TrackedOrder, profile: VenueProfile) -> CcxtCall:
    """Returns the request to cancel the remaining quantity of an order."""
    is_stop = profile.cancels_triggers_apart(tracked.symbol) and (
        tracked.is_waiting or tracked.order_type in WAITING_TYPES
    )
    params: dict[str, object] = (
        {"trigger": True} if is_stop and tracked.triggered_order_id is None else {}
    )
    return CcxtCall(
        method="cancel_order", args=(tracked.current_order_id, tracked.symbol), params=params
    )


def has_trigger_param(params: Mapping[str, object]) -> bool:
    """Returns whether the parameters of a placement contain a trigger price."""
    return any(name in params for name in _TRIGGER_PARAMS)


def move_trigger(params: Mapping[str, object], trigger_price: Decimal) -> Mapping[str, object]:
    """Returns the parameters of a placement with another trigger price, if they have one."""
    name = next((each for each in _TRIGGER_PARAMS if each in params), None)
    return params if name is None else {**params, name: decimal_text(trigger_price)}


def is_trigger_reached(order: Order, trigger_price: Decimal, quote: Quote) -> bool:
    """Returns whether the last price has reached a new trigger price of the order."""
    price = quote.mid if quote.last is None else quote.last
    return price >= trigger_price if _rises_to_trigger(order) else price <= trigger_price


def _trigger_param(order: Order, profile: VenueProfile) -> str:
    """The parameter of the trigger price."""
    if not profile.has_typed_triggers:
        return "triggerPrice"
    return "stopLossPrice" if order.order_type.startswith("stop") else "takeProfitPrice"


def _rises_to_trigger(order: Order) -> bool:
    """Whether the price meets the trigger from below: a stop buys above and sells below."""
    is_stop = order.order_type.startswith("stop")
    return (order.side is Side.BUY) is is_stop
