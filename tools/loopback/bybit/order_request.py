"""Converts a create request to an order of the engine, and checks it."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

from loopback.bybit.errors import ApiError, duplicate, invalid_request, wrong_mode
from loopback.bybit.params import LEGS, SIDES, category_of_symbol, parse_number
from loopback.exchange.caller import Caller
from loopback.exchange.partial_fill import partial_fill
from loopback.faults import Fault
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import ZERO, round_down_to_step
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

LINK_CHARACTERS_MAX = 36
_TIMES_IN_FORCE = {
    "GTC": TimeInForce.GTC,
    "PostOnly": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
}


def parse_order(
    caller: Caller, instrument: Instrument, params: Mapping[str, Any], fault: Fault | None
) -> NewOrder:
    """Returns the requested order. Raises ``ApiError``."""
    side = SIDES.get(str(params.get("side")))
    kind = params.get("orderType")
    if side is None or kind not in ("Market", "Limit"):
        raise invalid_request("Side invalid" if side is None else "OrderType invalid")
    price = parse_number(params, "price") if kind == "Limit" else None
    if kind == "Limit" and price is None:
        raise invalid_request("Price invalid")
    qty, cost = _amounts(caller, instrument, params, side, str(kind))
    terms = _terms(params, str(kind))
    is_spot = instrument.kind is InstrumentKind.SPOT
    reduce_only = not is_spot and params.get("reduceOnly") in (True, "true")
    _check_sizes(
        caller, instrument, params, qty=qty, cost=cost, price=price, reduce_only=reduce_only
    )
    _check_triggers(instrument, terms)
    hides_client_id = fault is not None and fault.mode == "child_orders"
    return NewOrder(
        client_id="" if hides_client_id else _link(caller, instrument, params),
        symbol=instrument.symbol,
        side=side,
        order_type=_order_type(caller, instrument, params, side, terms, is_limit=kind == "Limit"),
        qty=ZERO if cost is not None else qty,
        price=price,
        cost=cost,
        reduce_only=reduce_only,
        post_only=params.get("timeInForce") == "PostOnly",
        terms=terms,
        leg=None if is_spot else _leg(caller, instrument.symbol, params),
        fault=partial_fill(fault),
        at=caller.venue.now(),
    )


def _link(caller: Caller, instrument: Instrument, params: Mapping[str, Any]) -> str:
    link = str(params.get("orderLinkId") or "")
    if len(link) > LINK_CHARACTERS_MAX:
        raise invalid_request("orderLinkId is too long")
    if caller.account.records.has_client_id(instrument.symbol, link):
        raise duplicate(category_of_symbol(instrument.symbol))
    return link


def _amounts(
    caller: Caller, instrument: Instrument, params: Mapping[str, Any], side: Side, kind: str
) -> tuple[Decimal, Decimal | None]:
    """Returns the quantity in base, and for a spot buy by cost the quote amount to spend."""
    qty = parse_number(params, "qty")
    if qty is None or qty < 0:
        raise invalid_request("Qty invalid")
    if instrument.kind is not InstrumentKind.SPOT or kind != "Market":
        return qty, None
    unit = params.get("marketUnit") or ("quoteCoin" if side is Side.BUY else "baseCoin")
    if unit == "baseCoin":
        return qty, None
    if side is Side.BUY:
        return ZERO, qty
    market = caller.venue.markets[instrument.symbol]
    best = market.bids[0][0] if market.bids else market.last
    return round_down_to_step(
        (qty / best).quantize(Decimal("1e-18"), ROUND_DOWN), instrument.step
    ), None


def _terms(params: Mapping[str, Any], kind: str) -> OrderTerms:
    name = str(params.get("timeInForce") or "GTC")
    if name not in _TIMES_IN_FORCE:
        raise invalid_request("timeInForce invalid")
    time_in_force = _TIMES_IN_FORCE[name]
    if kind == "Market" and time_in_force is TimeInForce.IOC:
        time_in_force = TimeInForce.GTC
    gain, loss = parse_number(params, "takeProfit"), parse_number(params, "stopLoss")
    terms = OrderTerms(
        time_in_force=time_in_force,
        trigger_price=parse_number(params, "triggerPrice"),
        trigger_by=parse_trigger_by(params.get("triggerBy")),
        take_profit=None if gain is None else AttachedExit(price=gain),
        stop_loss=None
        if loss is None
        else AttachedExit(price=loss, limit_price=parse_number(params, "slLimitPrice")),
    )
    return PLAIN_TERMS if terms == PLAIN_TERMS else terms


def parse_trigger_by(name: object) -> TriggerBy:
    """Returns the price that triggers; the index price equals the mark price here."""
    return TriggerBy.MARK if name in ("MarkPrice", "IndexPrice") else TriggerBy.LAST


def _order_type(
    caller: Caller,
    instrument: Instrument,
    params: Mapping[str, Any],
    side: Side,
    terms: OrderTerms,
    *,
    is_limit: bool,
) -> str:
    """Returns the engine's order type; a trigger above the market is a stop for a buy."""
    if terms.trigger_price is None:
        return "limit" if is_limit else "market"
    if instrument.kind is InstrumentKind.SPOT:
        rises = terms.trigger_price > caller.venue.markets[instrument.symbol].last
    elif str(params.get("triggerDirection")) in ("1", "2"):
        rises = str(params["triggerDirection"]) == "1"
    else:
        raise invalid_request("TriggerDirection invalid")
    is_stop = rises is (side is Side.BUY)
    return f"{'stop' if is_stop else 'take_profit'}_{'limit' if is_limit else 'market'}"


def _leg(caller: Caller, symbol: str, params: Mapping[str, Any]) -> Leg:
    index = str(params.get("positionIdx") or 0)
    if not index.isdigit() or int(index) not in LEGS:
        raise invalid_request("positionIdx invalid")
    leg = LEGS[int(index)]
    if (leg is not Leg.BOTH) is not (symbol in caller.account.hedged):
        raise wrong_mode()
    return leg


def _check_sizes(
    caller: Caller,
    instrument: Instrument,
    params: Mapping[str, Any],
    *,
    qty: Decimal,
    cost: Decimal | None,
    price: Decimal | None,
    reduce_only: bool,
) -> None:
    """Checks steps and minimum sizes. Raises ``ApiError``."""
    is_spot = instrument.kind is InstrumentKind.SPOT
    if cost is None and qty % instrument.step:
        raise (
            ApiError(170137, "Order volume decimal too long.")
            if is_spot
            else invalid_request("Qty invalid")
        )
    if cost is None and qty < instrument.step:
        if is_spot:
            raise ApiError(170136, "Order quantity exceeded lower limit.")
        raise invalid_request("The number of contracts exceeds minimum limit allowed")
    if price is not None and price % instrument.tick:
        raise (
            ApiError(170134, "Order price decimal too long.")
            if is_spot
            else invalid_request("Price invalid")
        )
    reference_price = (
        price
        or parse_number(params, "triggerPrice")
        or caller.venue.markets[instrument.symbol].last
    )
    notional = cost if cost is not None else instrument.notional(qty, reference_price)
    if notional < instrument.min_notional and not reduce_only:
        if is_spot:
            raise ApiError(170140, "Order value exceeded lower limit.")
        minimum = f"{instrument.min_notional}{instrument.quote}"
        raise ApiError(110094, f"Order does not meet minimum order value {minimum}")


def _check_triggers(instrument: Instrument, terms: OrderTerms) -> None:
    exits = [each.price for each in (terms.take_profit, terms.stop_loss) if each is not None]
    for price in (terms.trigger_price, *exits):
        if price is not None and (price < 0 or price % instrument.tick):
            raise invalid_request("TriggerPrice invalid")
