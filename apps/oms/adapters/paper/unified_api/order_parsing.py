"""Parses ccxt's createOrder arguments to a request of the paper exchange.

Amounts are rounded down to the step and prices to the nearest tick, as ccxt does. Order types that
the paper exchange does not have are refused, not emulated.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from oms.adapters.paper.client_order_ids import encode_client_order_id
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument, refuse_off_grid
from oms.domain.money import EXACT, round_down_to_step
from oms.domain.orders.order import Side
from oms.domain.orders.order_types import LIMIT_TYPES
from oms.simulation.inputs import NewOrder, NewOrderPair
from oms.simulation.state.exchange_state import EPOCH
from oms.simulation.state.paper_market import Market
from oms.simulation.state.paper_order import AttachedExit, Leg, OrderTerms, TimeInForce, TriggerBy
from oms.simulation.transport.faults import Fault, parse_fault
from oms.wire.ccxt.trade_requests import CreateRequest, Params, has_flag, positive_number

_NAME_CHARACTERS_MAX = 64
_LEGS: Mapping[str, Leg] = {"long": Leg.LONG, "short": Leg.SHORT}
_HEDGED = ("hedged", "hedgeMode")
_TRIGGER_PRICE_TYPES: Mapping[str, TriggerBy] = {
    "last": TriggerBy.LAST,
    "mark": TriggerBy.MARK,
    "contract": TriggerBy.LAST,
    "bid_ask": TriggerBy.BID_ASK,
}
_DOWNWARD = frozenset({"down", "descending", "below", "fall"})
_UPWARD = frozenset({"up", "ascending", "above", "rise"})
_PLAIN = frozenset({"market", "limit"})


def parse_order(
    command: CreateRequest, instrument: Instrument, market: Market | None, now: datetime
) -> NewOrder | NewOrderPair:
    """Returns the request; an OCO pair where both a stop and a take profit are given.

    Raises ``Invalid`` for invalid or unsupported arguments.
    """
    take_profit = _first_number(command.params, "takeProfitPrice", "take_profit_price")
    stop_loss = _first_number(command.params, "stopLossPrice", "stop_loss_price")
    if take_profit is None or stop_loss is None:
        return _place(command, instrument, market, now)
    other_params = {k: v for k, v in command.params.items() if k not in _EXIT_PARAMS}
    stop_order = _place(
        _with_params(command, other_params | {"stopLossPrice": stop_loss}), instrument, market, now
    )
    if command.order_type == "limit":
        take_profit_order = _with_params(
            command, other_params, price=positive_number("takeProfitPrice", take_profit)
        )
    else:
        take_profit_order = _with_params(
            command,
            other_params,
            price=positive_number("takeProfitPrice", take_profit),
            order_type="limit",
        )
    return NewOrderPair(
        first=_place(take_profit_order, instrument, market, now), second=stop_order, at=now
    )


_EXIT_PARAMS = frozenset(
    {"takeProfitPrice", "take_profit_price", "stopLossPrice", "stop_loss_price"}
)


def round_amount(amount: Decimal, instrument: Instrument) -> Decimal:
    """Returns ``amount`` rounded down to the step. Raises ``Invalid`` where nothing is left."""
    fitted = round_down_to_step(amount, instrument.step)
    refused = refuse_off_grid(instrument, qty=fitted)
    if refused is not None:
        raise Invalid(refused.message, code=refused.code, reason=refused.reason)
    return fitted


def round_price(price: Decimal | None, instrument: Instrument) -> Decimal | None:
    """Returns ``price`` at the nearest tick. Raises ``Invalid`` where that is 0."""
    if price is None:
        return None
    ticks = EXACT.divide(price, instrument.tick).to_integral_value(ROUND_HALF_EVEN)
    fitted = EXACT.multiply(ticks, instrument.tick)
    if fitted <= 0:
        message = f"a price of {instrument.symbol} is at least {instrument.tick}"
        raise Invalid(message, code="precision_mismatch", reason="price")
    return fitted


def trigger_param(params: Params) -> object:
    """Returns the trigger price of an edit, by any of ccxt's names; ``None`` if absent."""
    for name in ("triggerPrice", "trigger_price", "stopPrice", "stop_price", "stopLossPrice"):
        if params.get(name) is not None:
            return params[name]
    return params.get("takeProfitPrice")


def _place(
    command: CreateRequest, instrument: Instrument, market: Market | None, now: datetime
) -> NewOrder:
    params = command.params
    order_type, trigger = _parse_order_type(command, instrument, market)
    time_in_force, post_only = _parse_time_in_force(params)
    is_limit = order_type in LIMIT_TYPES
    return NewOrder(
        client_id=encode_client_order_id(_parse_client_order_id(params)),
        symbol=instrument.symbol,
        side=command.side,
        order_type=order_type,
        qty=Decimal(0) if command.amount is None else round_amount(command.amount, instrument),
        cost=command.cost if command.amount is None else None,
        price=round_price(command.price, instrument) if is_limit else None,
        reduce_only=command.reduce_only,
        post_only=post_only,
        leg=_leg(command),
        terms=OrderTerms(
            time_in_force=time_in_force,
            expires_at=_parse_expiry(params) if time_in_force is TimeInForce.GTD else None,
            trigger_price=round_price(trigger, instrument),
            trigger_by=_trigger_by(params),
            trailing_amount=_first_number(params, "trailingAmount", "trailing_amount"),
            trailing_percent=_first_number(params, "trailingPercent", "trailing_percent"),
            take_profit=_exit("takeProfit", params, instrument),
            stop_loss=_exit("stopLoss", params, instrument),
        ),
        fault=_fault(params.get("sim")),
        at=now,
    )


def _parse_order_type(
    command: CreateRequest, instrument: Instrument, market: Market | None
) -> tuple[str, Decimal | None]:
    """Returns the exchange's order type and the trigger price."""
    params, kind = command.params, command.order_type
    if params.get("trailingTriggerPrice") is not None:
        message = "the paper exchange has no trailing orders that begin at a price"
        raise Invalid(message, code="order_type_not_supported")
    if _first_number(
        params, "trailingAmount", "trailing_amount", "trailingPercent", "trailing_percent"
    ):
        return "trailing_stop", None
    form = "limit" if "limit" in kind or (kind not in _PLAIN and command.price) else "market"
    take_profit = _first_number(params, "takeProfitPrice", "take_profit_price")
    stop_loss = _first_number(params, "stopLossPrice", "stop_loss_price")
    if take_profit is not None:
        return f"take_profit_{form}", take_profit
    if stop_loss is not None:
        return f"stop_{form}", stop_loss
    trigger = _first_number(params, "triggerPrice", "trigger_price", "stopPrice", "stop_price")
    if trigger is None:
        return kind, None
    if kind.startswith(("stop", "take_profit")):
        return f"{'stop' if kind.startswith('stop') else 'take_profit'}_{form}", trigger
    if kind not in _PLAIN:
        return kind, trigger
    is_stop = _is_upward_trigger(params, trigger, market, command.side) is (
        command.side is Side.BUY
    )
    return f"{'stop' if is_stop else 'take_profit'}_{form}", trigger


def _is_upward_trigger(params: Params, trigger: Decimal, market: Market | None, side: Side) -> bool:
    """Returns whether the price must rise to ``trigger``: as given, else relative to the market."""
    direction = params.get("triggerDirection")
    if isinstance(direction, str) and direction.lower() in _DOWNWARD | _UPWARD:
        return direction.lower() in _UPWARD
    best = None if market is None else market.opposite(side).best
    return side is Side.BUY if best is None else trigger >= best[0]


def _parse_time_in_force(params: Params) -> tuple[TimeInForce, bool]:
    value = params.get("timeInForce", params.get("time_in_force"))
    name = "GTC" if value is None else str(value).upper()
    post_only = has_flag(params, "postOnly", "post_only") or name in ("PO", "GTX")
    if name in ("PO", "GTX", "GTC"):
        has_end = _expiry_param(params) is not None
        return (TimeInForce.GTD if has_end else TimeInForce.GTC), post_only
    if name not in TimeInForce.__members__:
        raise Invalid(f"timeInForce: {name[:16]!r} is none of GTC, IOC, FOK, GTD, PO")
    return TimeInForce(name), post_only


def _expiry_param(params: Params) -> object:
    return params.get("goodTillDate", params.get("expireTime"))


def _parse_expiry(params: Params) -> datetime | None:
    value = _expiry_param(params)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**46:
        raise Invalid("goodTillDate: a time in milliseconds is expected")
    return EPOCH + timedelta(milliseconds=value)


def _leg(command: CreateRequest) -> Leg | None:
    leg_name = command.params.get("positionSide", command.params.get("position_side"))
    if isinstance(leg_name, str) and leg_name.lower() in _LEGS:
        return _LEGS[leg_name.lower()]
    if has_flag(command.params, *_HEDGED):
        opens = command.side.opposite if command.reduce_only else command.side
        return Leg.LONG if opens is Side.BUY else Leg.SHORT
    return None


def _trigger_by(params: Params) -> TriggerBy:
    value = params.get("triggerPriceType", params.get("triggerBy"))
    return _TRIGGER_PRICE_TYPES.get(str(value).lower(), TriggerBy.LAST)


def _exit(name: str, params: Params, instrument: Instrument) -> AttachedExit | None:
    """Returns the attached exit of ``{triggerPrice, price?}``, or of a price alone."""
    value = params.get(name)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        value = {"triggerPrice": value}
    trigger = positive_number(
        f"{name}.triggerPrice", value.get("triggerPrice", value.get("stopPrice"))
    )
    if trigger is None:
        raise Invalid(f"params.{name}: a triggerPrice is needed")
    return AttachedExit(
        price=round_price(trigger, instrument),
        limit_price=round_price(positive_number(f"{name}.price", value.get("price")), instrument),
    )


def _fault(value: object) -> Fault | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Invalid("params.sim: the name of a fault is expected")
    return parse_fault(value)


def _parse_client_order_id(params: Params) -> str | None:
    value = params.get("clientOrderId", params.get("client_order_id"))
    if value is None:
        return None
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise Invalid("clientOrderId: a text of visible ASCII characters is expected")
    if not 0 < len(value) <= _NAME_CHARACTERS_MAX or " " in value:
        raise Invalid(f"clientOrderId has 1 to {_NAME_CHARACTERS_MAX} characters")
    return value


def _first_number(params: Params, *names: str) -> Decimal | None:
    """Returns the number of the first of these parameters that is present."""
    for name in names:
        if params.get(name) is not None:
            return positive_number(name, params[name])
    return None


def _with_params(
    command: CreateRequest,
    params: Mapping[str, object],
    *,
    price: Decimal | None = None,
    order_type: str | None = None,
) -> CreateRequest:
    return CreateRequest(
        symbol=command.symbol,
        order_type=order_type or command.order_type,
        side=command.side,
        amount=command.amount,
        price=price if price is not None else command.price,
        params=params,
        cost=command.cost,
    )
