"""What a trade request asks of the gateway: a command, or a refusal before anything is sent.

Pure: the instrument, the prices, the position and the order of the request come in.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any

from mt5_driver import constants as c
from mt5_driver.errors import TradeRefused
from mt5_driver.numbers import decimal_text, read_decimal, rfc3339
from mt5_driver.structures import Tick
from mt5_driver.symbols import Instrument
from mt5_driver.trade_requests import ExactRequest

BUYS = frozenset(
    {c.ORDER_TYPE_BUY, c.ORDER_TYPE_BUY_LIMIT, c.ORDER_TYPE_BUY_STOP, c.ORDER_TYPE_BUY_STOP_LIMIT}
)
_LIMITS = frozenset({c.ORDER_TYPE_BUY_LIMIT, c.ORDER_TYPE_SELL_LIMIT})
_STOPS = frozenset({c.ORDER_TYPE_BUY_STOP, c.ORDER_TYPE_SELL_STOP})
_STOP_LIMITS = frozenset({c.ORDER_TYPE_BUY_STOP_LIMIT, c.ORDER_TYPE_SELL_STOP_LIMIT})
_MARKETS = frozenset({c.ORDER_TYPE_BUY, c.ORDER_TYPE_SELL})
_DAY_SECONDS = 86_400
#: Enough for the largest volume in the smallest steps.
_STEP_DIGITS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeCommand:
    """A command of the gateway and its payload. ``is_bounded``: a deal within its deviation."""

    command: str
    payload: Mapping[str, Any]
    is_bounded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a request is judged by. Rows are those of ``view=mt5``, with the gateway's ids."""

    strategy_id: int = 0
    is_hedging: bool = False
    is_instant: bool = False
    #: Whether the exchange takes market orders that are filled whole or not at all.
    has_market_fok: bool = False
    tick: Tick | None = None
    position: Mapping[str, Any] | None = None
    position_by: Mapping[str, Any] | None = None
    order: Mapping[str, Any] | None = None
    now: float = field(default_factory=time.time)


def plan_deal(request: ExactRequest, at: Instrument, around: Surroundings) -> TradeCommand:
    """Returns a market order, or the close of the position that the request names."""
    _refuse_unless(request.type in _MARKETS, c.TRADE_RETCODE_INVALID_ORDER, "Invalid order type")
    is_fillable = request.type_filling in (
        *(c.ORDER_FILLING_FOK, c.ORDER_FILLING_IOC, c.ORDER_FILLING_RETURN),
    )
    _refuse_unless(is_fillable, c.TRADE_RETCODE_INVALID_FILL, "Unsupported filling mode")
    is_whole = _closes_whole(request, at, around)
    payload: dict[str, Any] = {**_execution(request, at, around), **_comment(request)}
    if not is_whole:
        payload["qty"] = _quantity(request, at)
    is_bounded = payload["order_type"] == "limit"
    if request.position or is_whole:
        # The strategy is that of the position: another magic does not keep it open.
        payload["position_id"] = _opposite_position(request, around)["ticket"]
        return TradeCommand(command="close_position", payload=payload, is_bounded=is_bounded)
    payload |= {"symbol": at.symbol, "side": _side(request), **_levels(request, at)}
    payload["strategy_id"] = around.strategy_id
    if around.is_hedging:
        payload["new_position"] = True
    return TradeCommand(command="send_order", payload=payload, is_bounded=is_bounded)


def plan_pending(request: ExactRequest, at: Instrument, around: Surroundings) -> TradeCommand:
    """Returns a limit or stop order."""
    is_pending = request.type in _LIMITS | _STOPS | _STOP_LIMITS
    _refuse_unless(is_pending, c.TRADE_RETCODE_INVALID_ORDER, "Invalid order type")
    payload: dict[str, Any] = {
        "symbol": at.symbol,
        "side": _side(request),
        "qty": _quantity(request, at),
        "strategy_id": around.strategy_id,
        **_pending_prices(request, at, around),
        **_expiry(request, around),
        **_levels(request, at),
        **_comment(request),
    }
    if request.type_filling == c.ORDER_FILLING_BOC and request.type in _LIMITS:
        payload["post_only"] = True
    if around.is_hedging:
        payload["new_position"] = True
    return TradeCommand(command="send_order", payload=payload)


def plan_levels(request: ExactRequest, at: Instrument, around: Surroundings) -> TradeCommand:
    """Returns the change of the stop levels of a position; 0 clears one."""
    position = _position(around)
    changes = _changed_levels(request, at, position)
    _refuse_unless(bool(changes), c.TRADE_RETCODE_NO_CHANGES, "No changes")
    payload = {"position_id": position["ticket"], **changes}
    return TradeCommand(command="position_change", payload=payload)


def plan_change(request: ExactRequest, at: Instrument, around: Surroundings) -> TradeCommand:
    """Returns the change of a pending order: prices, levels, expiration."""
    order = around.order
    if order is None:
        raise TradeRefused(c.TRADE_RETCODE_INVALID, f"there is no order {request.order}")
    kind = int(order["type"])
    changes: dict[str, Any] = {}
    is_limit = kind in _LIMITS and order["price_stoplimit"] is None
    wanted = at.price_text(request.price)
    if wanted and read_decimal(wanted) != read_decimal(order["price_open"]):
        changes["new_price" if is_limit else "new_trigger_price"] = wanted
    limit = at.price_text(request.stoplimit)
    present = read_decimal(order["price_stoplimit"])
    if limit and present is not None and read_decimal(limit) != present:
        changes["new_price"] = limit
    expiry = _expiry(request, around)
    until = order["time_expiration"]
    if expiry and request.type_time and expiry["expires_at"] != (until and rfc3339(until)):
        changes |= {"new_expires_at": expiry["expires_at"], "new_time_in_force": "GTD"}
    elif request.type_time == c.ORDER_TIME_GTC and until:
        changes["new_time_in_force"] = "GTC"
    changes |= _changed_levels(request, at, order)
    _refuse_unless(bool(changes), c.TRADE_RETCODE_NO_CHANGES, "No changes")
    payload = {"order_id": request.order, **changes}
    return TradeCommand(command="change_order", payload=payload)


def plan_removal(request: ExactRequest) -> TradeCommand:
    """Returns the cancel of a pending order."""
    _refuse_unless(request.order > 0, c.TRADE_RETCODE_INVALID, "the request names no order")
    return TradeCommand(command="cancel_order", payload={"order_id": request.order})


def plan_close_by(request: ExactRequest, around: Surroundings) -> TradeCommand:
    """Returns the close of a position by an opposite one."""
    position, other = _position(around), around.position_by
    if other is None:
        comment = f"there is no open position {request.position_by}"
        raise TradeRefused(c.TRADE_RETCODE_POSITION_CLOSED, comment)
    payload = {"position_id_a": position["ticket"], "position_id_b": other["ticket"]}
    return TradeCommand(command="close_by", payload={**payload, **_comment(request)})


def _refuse_unless(condition: bool, retcode: int, comment: str) -> None:
    if not condition:
        raise TradeRefused(retcode, comment)


def _position(around: Surroundings) -> Mapping[str, Any]:
    if around.position is None:
        raise TradeRefused(c.TRADE_RETCODE_POSITION_CLOSED, "there is no such open position")
    return around.position


def _opposite_position(request: ExactRequest, around: Surroundings) -> Mapping[str, Any]:
    position = _position(around)
    comment = "a deal that names a position closes it: it has the other side"
    is_opposite = int(position["type"]) != request.type
    _refuse_unless(is_opposite, c.TRADE_RETCODE_INVALID, comment)
    return position


def _closes_whole(request: ExactRequest, at: Instrument, around: Surroundings) -> bool:
    """Whether the volume is that of the position, which need not be a multiple of the step.

    Fees in coins leave positions between two steps.
    """
    position = around.position
    if position is None or int(position["type"]) == request.type:
        return False
    return float(request.volume) == float(at.to_lots(position["volume"]))


def is_between_steps(request: ExactRequest, at: Instrument) -> bool:
    """Whether the volume is no multiple of the step."""
    with localcontext(prec=_STEP_DIGITS):
        return request.volume % at.volume_step != 0


def _side(request: ExactRequest) -> str:
    return "buy" if request.type in BUYS else "sell"


def _quantity(request: ExactRequest, at: Instrument) -> str:
    is_valid = (
        at.volume_min <= request.volume
        and (at.volume_max is None or request.volume <= at.volume_max)
        and not is_between_steps(request, at)
    )
    comment = f"the volume is a multiple of {at.volume_step:f}, from {at.volume_min:f} on"
    _refuse_unless(is_valid, c.TRADE_RETCODE_INVALID_VOLUME, comment)
    return decimal_text(at.to_quantity(request.volume))


def _execution(request: ExactRequest, at: Instrument, around: Surroundings) -> dict[str, Any]:
    """Returns the order type of a deal: within its deviation a limit order, else a market one."""
    is_whole = request.type_filling == c.ORDER_FILLING_FOK
    if around.is_instant and request.price:
        distance = request.deviation * at.point
        bound = request.price + (distance if request.type == c.ORDER_TYPE_BUY else -distance)
        limit = at.price_text(max(bound, at.tick))
        filling = "FOK" if is_whole else "IOC"
        return {"order_type": "limit", "price": limit, "time_in_force": filling}
    is_fok = is_whole and around.has_market_fok
    return {"order_type": "market", **({"time_in_force": "FOK"} if is_fok else {})}


def _comment(request: ExactRequest) -> dict[str, str]:
    return {"comment": request.comment} if request.comment else {}


def _levels(request: ExactRequest, at: Instrument) -> dict[str, str]:
    texts = {"stop_loss": at.price_text(request.sl), "stop_gain": at.price_text(request.tp)}
    return {name: text for name, text in texts.items() if text is not None}


def _changed_levels(
    request: ExactRequest, at: Instrument, row: Mapping[str, Any]
) -> dict[str, str | None]:
    wanted = {"stop_loss": at.price_text(request.sl), "stop_gain": at.price_text(request.tp)}
    present = {"stop_loss": row["sl"], "stop_gain": row["tp"]}
    return {
        name: text
        for name, text in wanted.items()
        if read_decimal(text) != read_decimal(present[name])
    }


def _pending_prices(request: ExactRequest, at: Instrument, around: Surroundings) -> dict[str, str]:
    """Returns type and prices of a pending order; refuses prices on the wrong side."""
    price, limit = at.price_text(request.price), at.price_text(request.stoplimit)
    tick, is_buy = around.tick, request.type in BUYS
    if price is None:
        raise TradeRefused(c.TRADE_RETCODE_INVALID_PRICE, "the request has no price")
    if tick is not None:
        market = Decimal(repr(tick.ask if is_buy else tick.bid))
        is_below = Decimal(price) < market
        is_right = Decimal(price) != market and is_below == (is_buy == (request.type in _LIMITS))
        comment = f"the price {price} is on the wrong side of {market:f}"
        _refuse_unless(is_right, c.TRADE_RETCODE_INVALID_PRICE, comment)
    if request.type in _LIMITS:
        return {"order_type": "limit", "price": price}
    if request.type in _STOPS:
        return {"order_type": "stop_market", "trigger_price": price}
    if limit is None:
        raise TradeRefused(c.TRADE_RETCODE_INVALID_PRICE, "the request has no stoplimit")
    is_right = Decimal(limit) <= Decimal(price) if is_buy else Decimal(limit) >= Decimal(price)
    comment = f"stoplimit {limit} is beyond the price {price}"
    _refuse_unless(is_right, c.TRADE_RETCODE_INVALID_PRICE, comment)
    return {"order_type": "stop_limit", "trigger_price": price, "price": limit}


def _expiry(request: ExactRequest, around: Surroundings) -> dict[str, str]:
    if request.type_time == c.ORDER_TIME_GTC:
        return {}
    if request.type_time == c.ORDER_TIME_DAY:
        until = _day_end(around.now)
    elif request.type_time == c.ORDER_TIME_SPECIFIED:
        until = request.expiration
    elif request.type_time == c.ORDER_TIME_SPECIFIED_DAY:
        until = _day_end(request.expiration)
    else:
        raise TradeRefused(c.TRADE_RETCODE_INVALID_EXPIRATION, "Invalid expiration type")
    comment = "the expiration is not in the future"
    _refuse_unless(until > around.now, c.TRADE_RETCODE_INVALID_EXPIRATION, comment)
    return {"time_in_force": "GTD", "expires_at": rfc3339(until)}


def _day_end(seconds: float) -> int:
    day = datetime.fromtimestamp(seconds, UTC).date()
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + _DAY_SECONDS - 1
