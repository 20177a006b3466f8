"""Converts the parameters of a new order to an order of the engine, and checks it."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from loopback.binance.errors import ApiError, missing_parameter
from loopback.binance.params import Caller, Params, parse_number
from loopback.exchange.partial_fill import partial_fill
from loopback.faults import Fault
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO
from oms.domain.orders.order import Side
from oms.simulation.inputs import NewOrder
from oms.simulation.state.paper_order import PLAIN_TERMS, Leg, OrderTerms, TimeInForce, TriggerBy

_SPOT: Mapping[str, str] = MappingProxyType(
    {
        "LIMIT": "limit",
        "LIMIT_MAKER": "limit",
        "MARKET": "market",
        "STOP_LOSS": "stop_market",
        "STOP_LOSS_LIMIT": "stop_limit",
        "TAKE_PROFIT": "take_profit_market",
        "TAKE_PROFIT_LIMIT": "take_profit_limit",
    }
)
_LINEAR: Mapping[str, str] = MappingProxyType({"LIMIT": "limit", "MARKET": "market"})
_ALGO: Mapping[str, str] = MappingProxyType(
    {
        "STOP": "stop_limit",
        "STOP_MARKET": "stop_market",
        "TAKE_PROFIT": "take_profit_limit",
        "TAKE_PROFIT_MARKET": "take_profit_market",
        "TRAILING_STOP_MARKET": "trailing_stop",
    }
)
_LEGS = {"BOTH": Leg.BOTH, "LONG": Leg.LONG, "SHORT": Leg.SHORT}
_TIMES_IN_FORCE = {
    "GTC": TimeInForce.GTC,
    "GTX": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
}


def parse_order(
    caller: Caller,
    instrument: Instrument,
    params: Params,
    fault: Fault | None,
    *,
    algo: bool = False,
) -> NewOrder:
    """Returns the requested order. Raises ``ApiError``."""
    types = _SPOT if caller.spot else _ALGO if algo else _LINEAR
    kind = types.get(str(params.get("type")))
    if kind is None:
        raise ApiError(-1116, "Invalid orderType.")
    side = _side(params)
    price = parse_number(params, "price") if kind.endswith("limit") else None
    if kind.endswith("limit") and price is None:
        raise missing_parameter("price")
    cost = parse_number(params, "quoteOrderQty") if kind == "market" and caller.spot else None
    if cost is not None and side is Side.SELL:
        raise ApiError(-1102, "quoteOrderQty of a sale is not supported by the loopback exchange")
    qty = ZERO if cost is not None else parse_number(params, "quantity")
    if qty is None:
        raise missing_parameter("quantity")
    reduce_only = not caller.spot and str(params.get("reduceOnly", "")).lower() == "true"
    leg = None if caller.spot else _leg(caller, instrument, params, reduce_only=reduce_only)
    _check_sizes(caller, instrument, qty=qty, cost=cost, price=price, reduce_only=reduce_only)
    hides_client_id = fault is not None and fault.mode == "child_orders"
    return NewOrder(
        client_id="" if hides_client_id else parse_client_order_id(params),
        symbol=instrument.symbol,
        side=side,
        order_type=kind,
        qty=qty,
        price=price,
        cost=cost,
        reduce_only=reduce_only,
        post_only="LIMIT_MAKER" in str(params.get("type")) or params.get("timeInForce") == "GTX",
        terms=_terms(instrument, params, kind),
        leg=leg,
        fault=partial_fill(fault),
        at=caller.venue.now(),
    )


def parse_client_order_id(params: Params) -> str:
    """Returns the client id of a new order. Raises ``ApiError``."""
    name = str(params.get("newClientOrderId") or params.get("clientAlgoId") or "")
    if len(name) > 36:
        raise ApiError(-1100, "Illegal characters found in parameter 'newClientOrderId'.")
    return name


def _side(params: Params) -> Side:
    try:
        return Side(str(params.get("side", "")).lower())
    except ValueError:
        raise ApiError(-1117, "Invalid side.") from None


def _leg(caller: Caller, instrument: Instrument, params: Params, *, reduce_only: bool) -> Leg:
    leg = _LEGS.get(str(params.get("positionSide") or "BOTH"))
    if leg is None:
        raise missing_parameter("positionSide")
    hedged = instrument.symbol in caller.account.hedged
    if (leg is not Leg.BOTH) is not hedged:
        raise ApiError(-4061, "Order's position side does not match user's setting.")
    if hedged and reduce_only:
        raise ApiError(-1106, "Parameter 'reduceonly' sent when not required.")
    return leg


def _terms(instrument: Instrument, params: Params, kind: str) -> OrderTerms:
    time_in_force = str(params.get("timeInForce") or "GTC")
    if time_in_force not in _TIMES_IN_FORCE:
        raise ApiError(-1115, "Invalid timeInForce.")
    is_trailing = kind == "trailing_stop"
    trigger = parse_number(params, "triggerPrice") or parse_number(params, "stopPrice")
    if trigger is None and kind not in ("market", "limit", "trailing_stop"):
        raise missing_parameter("stopPrice")
    if trigger is not None and trigger % instrument.tick:
        raise ApiError(-1013, "Filter failure: PRICE_FILTER")
    by_mark = params.get("workingType") == "MARK_PRICE"
    terms = OrderTerms(
        time_in_force=_TIMES_IN_FORCE[time_in_force],
        trigger_price=None if is_trailing or kind in ("market", "limit") else trigger,
        trigger_by=TriggerBy.MARK if by_mark else TriggerBy.LAST,
        trailing_percent=parse_number(params, "callbackRate") if is_trailing else None,
    )
    return PLAIN_TERMS if terms == PLAIN_TERMS else terms


def _check_sizes(
    caller: Caller,
    instrument: Instrument,
    *,
    qty: Decimal,
    cost: Decimal | None,
    price: Decimal | None,
    reduce_only: bool,
) -> None:
    """Checks steps and minimum sizes. Raises ``ApiError``."""
    if cost is None and (qty % instrument.step or qty < instrument.step):
        if caller.spot:
            raise ApiError(-1013, "Filter failure: LOT_SIZE")
        raise ApiError(-1111, "Precision is over the maximum defined for this asset.")
    if price is not None and (price % instrument.tick or price < 0):
        if caller.spot:
            raise ApiError(-1013, "Filter failure: PRICE_FILTER")
        raise ApiError(-4014, "Price not increased by tick size.")
    reference_price = price or caller.venue.markets[instrument.symbol].last
    notional = cost if cost is not None else instrument.notional(qty, reference_price)
    if notional < instrument.min_notional and not reduce_only:
        if caller.spot:
            raise ApiError(-1013, "Filter failure: NOTIONAL")
        minimum = instrument.min_notional
        message = f"Order's notional must be no smaller than {minimum} (unless you choose reduce"
        raise ApiError(-4164, f"{message} only).")
