"""From a create request to an order of the engine, judged by the rules that need no market."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from loopback.bybit.errors import ApiError, duplicate, invalid_request, wrong_mode
from loopback.bybit.params import LEGS, SIDES, category_of_symbol, parse_number
from loopback.server.faults import Fault
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import ZERO, round_down_to_step
from oms.domain.orders.order import Side
from oms.simulation.inputs import NewOrder
from oms.simulation.state.exchange_state import (
    PLAIN_TERMS,
    AttachedExit,
    Leg,
    OrderTerms,
    TimeInForce,
    TriggerBy,
)
from oms.simulation.transport import faults as engine_faults

if TYPE_CHECKING:
    from loopback.bybit.api import Caller

LINK_CHARACTERS_MAX = 36
_TIMES = {
    "GTC": TimeInForce.GTC,
    "PostOnly": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
}


def parse_order(
    caller: "Caller", instrument: Instrument, params: Mapping[str, Any], fault: Fault | None
) -> NewOrder:
    """The order that is wished for. Raises ``Refusal``."""
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
    _judge(caller, instrument, params, qty=qty, cost=cost, price=price, reduce_only=reduce_only)
    _judge_triggers(instrument, terms)
    hides_name = fault is not None and fault.mode == "child_orders"
    return NewOrder(
        client_id="" if hides_name else _link(caller, instrument, params),
        symbol=instrument.symbol,
        side=side,
        order_type=_type(caller, instrument, params, side, terms, is_limit=kind == "Limit"),
        qty=ZERO if cost is not None else qty,
        price=price,
        cost=cost,
        reduce_only=reduce_only,
        post_only=params.get("timeInForce") == "PostOnly",
        terms=terms,
        leg=None if is_spot else _leg(caller, instrument.symbol, params),
        fault=_partial(fault),
        at=caller.venue.now(),
    )


def _link(caller: "Caller", instrument: Instrument, params: Mapping[str, Any]) -> str:
    link = str(params.get("orderLinkId") or "")
    if len(link) > LINK_CHARACTERS_MAX:
        raise invalid_request("orderLinkId is too long")
    if caller.account.records.has_client_id(instrument.symbol, link):
        raise duplicate(category_of_symbol(instrument.symbol))
    return link


def _amounts(
    caller: "Caller", instrument: Instrument, params: Mapping[str, Any], side: Side, kind: str
) -> tuple[Decimal, Decimal | None]:
    """Quantity in base, and for a spot buy by amount the quote to spend in its place."""
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
    shown = caller.venue.shown[instrument.symbol]
    best = shown.bids[0][0] if shown.bids else shown.last
    return round_down_to_step(
        (qty / best).quantize(Decimal("1e-18"), ROUND_DOWN), instrument.step
    ), None


def _terms(params: Mapping[str, Any], kind: str) -> OrderTerms:
    told = str(params.get("timeInForce") or "GTC")
    if told not in _TIMES:
        raise invalid_request("timeInForce invalid")
    time = _TIMES[told]
    if kind == "Market" and time is TimeInForce.IOC:
        time = TimeInForce.GTC
    gain, loss = parse_number(params, "takeProfit"), parse_number(params, "stopLoss")
    terms = OrderTerms(
        time_in_force=time,
        trigger_price=parse_number(params, "triggerPrice"),
        trigger_by=parse_trigger_by(params.get("triggerBy")),
        take_profit=None if gain is None else AttachedExit(price=gain),
        stop_loss=None
        if loss is None
        else AttachedExit(price=loss, limit_price=parse_number(params, "slLimitPrice")),
    )
    return PLAIN_TERMS if terms == PLAIN_TERMS else terms


def parse_trigger_by(told: object) -> TriggerBy:
    """Which price releases; the index is the mark here."""
    return TriggerBy.MARK if told in ("MarkPrice", "IndexPrice") else TriggerBy.LAST


def _type(
    caller: "Caller",
    instrument: Instrument,
    params: Mapping[str, Any],
    side: Side,
    terms: OrderTerms,
    *,
    is_limit: bool,
) -> str:
    """The engine's order type; a trigger above the market is a stop for a buyer."""
    if terms.trigger_price is None:
        return "limit" if is_limit else "market"
    if instrument.kind is InstrumentKind.SPOT:
        rises = terms.trigger_price > caller.venue.shown[instrument.symbol].last
    elif str(params.get("triggerDirection")) in ("1", "2"):
        rises = str(params["triggerDirection"]) == "1"
    else:
        raise invalid_request("TriggerDirection invalid")
    is_stop = rises is (side is Side.BUY)
    return f"{'stop' if is_stop else 'take_profit'}_{'limit' if is_limit else 'market'}"


def _leg(caller: "Caller", symbol: str, params: Mapping[str, Any]) -> Leg:
    index = str(params.get("positionIdx") or 0)
    if not index.isdigit() or int(index) not in LEGS:
        raise invalid_request("positionIdx invalid")
    leg = LEGS[int(index)]
    if (leg is not Leg.BOTH) is not (symbol in caller.account.hedged):
        raise wrong_mode()
    return leg


def _judge(
    caller: "Caller",
    instrument: Instrument,
    params: Mapping[str, Any],
    *,
    qty: Decimal,
    cost: Decimal | None,
    price: Decimal | None,
    reduce_only: bool,
) -> None:
    """Grid and smallest sizes."""
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
    at = price or parse_number(params, "triggerPrice") or caller.venue.shown[instrument.symbol].last
    worth = cost if cost is not None else instrument.notional(qty, at)
    if worth < instrument.min_notional and not reduce_only:
        if is_spot:
            raise ApiError(170140, "Order value exceeded lower limit.")
        least = f"{instrument.min_notional}{instrument.quote}"
        raise ApiError(110094, f"Order does not meet minimum order value {least}")


def _judge_triggers(instrument: Instrument, terms: OrderTerms) -> None:
    exits = [each.price for each in (terms.take_profit, terms.stop_loss) if each is not None]
    for price in (terms.trigger_price, *exits):
        if price is not None and (price < 0 or price % instrument.tick):
            raise invalid_request("TriggerPrice invalid")


def _partial(fault: Fault | None) -> engine_faults.Fault | None:
    if fault is None or fault.mode != "partial":
        return None
    share = Decimal(fault.word("share", "0.5"))
    return engine_faults.Fault(kind=engine_faults.FaultKind.PARTIAL, amount=share)
