"""Converts the parameters of new orders and new algo orders to orders of the engine."""

from decimal import Decimal

from loopback.exchange.caller import Caller
from loopback.exchange.partial_fill import partial_fill
from loopback.faults import Fault
from loopback.okx.errors import OrderError, parameter_error
from loopback.okx.params import LEGS, Params, parse_number, to_base, to_units
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import ZERO
from oms.domain.orders.order import Side
from oms.simulation.inputs import NewOrder
from oms.simulation.state.paper_order import (
    PLAIN_TERMS,
    AttachedExit,
    Leg,
    OrderTerms,
    TimeInForce,
    TriggerBy,
)

CLIENT_ID_CHARACTERS_MAX = 32
#: Engine type and time in force by ``ordType``.
_TYPES = {
    "market": ("market", TimeInForce.GTC),
    "limit": ("limit", TimeInForce.GTC),
    "post_only": ("limit", TimeInForce.GTC),
    "ioc": ("limit", TimeInForce.IOC),
    "fok": ("limit", TimeInForce.FOK),
    "optimal_limit_ioc": ("market", TimeInForce.GTC),
}
#: Prefixes of the parameters of a take profit and of a stop loss.
EXITS = {"tp": "take_profit", "sl": "stop"}
MARKET_PRICE = "-1"


def parse_order(
    caller: Caller, instrument: Instrument, params: Params, fault: Fault | None
) -> NewOrder:
    """Returns the order of a request to place one. Raises ``OrderError``."""
    if params.get("ordType") not in _TYPES:
        raise parameter_error("ordType")
    kind, time_in_force = _TYPES[str(params["ordType"])]
    price = parse_number(params, "px") if kind == "limit" else None
    if kind == "limit" and price is None:
        raise OrderError(51204, "The price for the limit order cannot be empty")
    _check_tick(instrument, price)
    qty, cost = _amounts(instrument, params, is_market=kind == "market")
    gain, loss = _attached_exit(instrument, params, "tp"), _attached_exit(instrument, params, "sl")
    terms = OrderTerms(time_in_force=time_in_force, take_profit=gain, stop_loss=loss)
    return _new_order(
        caller,
        instrument,
        params,
        fault,
        order_type=kind,
        qty=qty,
        cost=cost,
        price=price,
        terms=PLAIN_TERMS if terms == PLAIN_TERMS else terms,
    )


def parse_algo_order(
    caller: Caller, instrument: Instrument, params: Params, fault: Fault | None
) -> NewOrder:
    """Returns the order of a request to place an algo order. Raises ``OrderError``."""
    match params.get("ordType"):
        case "trigger":
            kind, price, terms = _trigger_terms(caller, instrument, params)
        case "conditional":
            # With both prices only the stop is executed.
            prefix = "sl" if params.get("slTriggerPx") else "tp"
            kind, price, terms = _exit_terms(params, prefix)
        case _:
            raise parameter_error("ordType")
    qty, _ = _amounts(instrument, params, is_market=False)
    _check_tick(instrument, price, terms.trigger_price)
    order_type = f"{kind}_{'market' if price is None else 'limit'}"
    return _new_order(
        caller,
        instrument,
        params,
        fault,
        order_type=order_type,
        qty=qty,
        cost=None,
        price=price,
        terms=terms,
    )


def client_id_of(params: Params) -> str:
    """Returns the client id of a new order; an algo order's own name wins. Raises ``OrderError``.

    OKX takes ``clOrdId`` of an algo order as its ``algoClOrdId``, which ccxt relies on.
    """
    client_id = str(params.get("algoClOrdId") or params.get("clOrdId") or "")
    if client_id and (not client_id.isalnum() or len(client_id) > CLIENT_ID_CHARACTERS_MAX):
        raise parameter_error("clOrdId")
    return client_id


def _new_order(
    caller: Caller,
    instrument: Instrument,
    params: Params,
    fault: Fault | None,
    *,
    order_type: str,
    qty: Decimal,
    cost: Decimal | None,
    price: Decimal | None,
    terms: OrderTerms,
) -> NewOrder:
    side = _parse_side(params)
    is_spot = instrument.kind is InstrumentKind.SPOT
    if params.get("tdMode") not in (("cash", "cross") if is_spot else ("cross", "isolated")):
        raise parameter_error("tdMode")
    leg = None if is_spot else _parse_leg(caller, instrument.symbol, params)
    is_net = leg is Leg.BOTH
    hides_client_id = fault is not None and fault.mode == "child_orders"
    return NewOrder(
        client_id="" if hides_client_id else client_id_of(params),
        symbol=instrument.symbol,
        side=side,
        order_type=order_type,
        qty=ZERO if cost is not None else qty,
        price=price,
        cost=cost,
        # In long/short mode side and position side say it.
        reduce_only=is_net and str(params.get("reduceOnly", "")).lower() == "true",
        post_only=params.get("ordType") == "post_only",
        terms=terms,
        leg=leg,
        fault=partial_fill(fault),
        at=caller.venue.now(),
    )


def _parse_side(params: Params) -> Side:
    try:
        return Side(str(params.get("side", "")))
    except ValueError:
        raise parameter_error("side") from None


def _parse_leg(caller: Caller, symbol: str, params: Params) -> Leg:
    leg = LEGS.get(str(params.get("posSide") or "net"))
    if leg is None or (leg is not Leg.BOTH) is not (symbol in caller.account.hedged):
        raise parameter_error("posSide")
    return leg


def _amounts(
    instrument: Instrument, params: Params, *, is_market: bool
) -> tuple[Decimal, Decimal | None]:
    """Returns the quantity in base, and for a spot buy by cost the quote amount to spend."""
    size = parse_number(params, "sz")
    if size is None or size < 0:
        raise parameter_error("sz")
    is_spot_buy = instrument.kind is InstrumentKind.SPOT and params.get("side") == "buy"
    # Without ``tgtCcy`` a market buy on spot is by cost.
    if is_market and is_spot_buy and params.get("tgtCcy") in (None, "", "quote_ccy"):
        return ZERO, size
    check_size(instrument, size)
    return to_base(instrument, size), None


def check_size(instrument: Instrument, size: Decimal) -> None:
    """Checks a size against the lot. Raises ``OrderError``."""
    lot = to_units(instrument, instrument.step)
    if size < lot:
        raise OrderError(51020, "Your order should meet or exceed the minimum order amount.")
    if size % lot:
        raise OrderError(51121, "Order quantity must be a multiple of the lot size.")


def _check_tick(instrument: Instrument, *prices: Decimal | None) -> None:
    if any(price is not None and (price < 0 or price % instrument.tick) for price in prices):
        raise parameter_error("px")


def _trigger_terms(
    caller: Caller, instrument: Instrument, params: Params
) -> tuple[str, Decimal | None, OrderTerms]:
    """The price is met from the side that it is on when the order is placed."""
    trigger = parse_number(params, "triggerPx")
    if trigger is None:
        raise parameter_error("triggerPx")
    rises = trigger > caller.venue.markets[instrument.symbol].last
    kind = "stop" if rises is (params.get("side") == "buy") else "take_profit"
    terms = OrderTerms(trigger_price=trigger, trigger_by=_trigger_by(params.get("triggerPxType")))
    return kind, _execution_price(params, "orderPx"), terms


def _exit_terms(params: Params, prefix: str) -> tuple[str, Decimal | None, OrderTerms]:
    trigger = parse_number(params, f"{prefix}TriggerPx")
    if trigger is None:
        raise parameter_error(f"{prefix}TriggerPx")
    trigger_by = _trigger_by(params.get(f"{prefix}TriggerPxType"))
    terms = OrderTerms(trigger_price=trigger, trigger_by=trigger_by)
    return EXITS[prefix], _execution_price(params, f"{prefix}OrdPx"), terms


def _execution_price(params: Params, name: str) -> Decimal | None:
    """Returns the price of the order that is placed when triggered; ``None`` is the market's."""
    return None if str(params.get(name)) == MARKET_PRICE else parse_number(params, name)


def _trigger_by(name: object) -> TriggerBy:
    """Returns the price that triggers; the index price equals the mark price here."""
    return TriggerBy.MARK if name in ("mark", "index") else TriggerBy.LAST


def _attached_exit(instrument: Instrument, params: Params, prefix: str) -> AttachedExit | None:
    """Returns the take profit or stop loss in ``attachAlgoOrds``."""
    attached = params.get("attachAlgoOrds")
    for row in attached if isinstance(attached, list) else ():
        level = parse_number(row, f"{prefix}TriggerPx")
        if level is not None:
            _check_tick(instrument, level)
            limit = _execution_price(row, f"{prefix}OrdPx") if prefix == "sl" else None
            return AttachedExit(price=level, limit_price=limit)
    return None
