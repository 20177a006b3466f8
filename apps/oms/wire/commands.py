"""Commands as they stand in the queue: one JSON text per command, written once and read once.

``encode`` leaves out what has its default, so equal wishes share one text and ``fingerprint`` is
the hash of it. ``decode`` reads only what ``encode`` wrote and checks nothing: what a caller sends
is the matter of ``wire.wishes``.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, assert_never

from oms.domain.command import (
    COMMAND_TYPES,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    ClosePosition,
    PaperPrice,
    Payload,
    SendOrder,
)
from oms.domain.money import plain
from oms.domain.order import Side
from oms.wire.json import dumps_plain, time_text

_ORDER_WORDS = ("reason", "comment", "client_order_id", "time_in_force")
_PRICES = {
    "price": "price",
    "oms_stop_loss": "stop_loss",
    "oms_stop_gain": "stop_gain",
    "trigger_price": "trigger_price",
    "take_profit_price": "take_profit_price",
    "trailing_amount": "trailing_amount",
    "trailing_percent": "trailing_percent",
}


def encode(payload: Payload) -> str:
    """The JSON text of ``payload`` under the wire's names, without what has its default."""
    match payload:
        case SendOrder():
            told = _sent(payload)
        case CancelOrder():
            told = {"order_ids": list(payload.order_ids)}
        case ChangeOrder():
            told = {"order_id": payload.order_id}
            _put_decimals(told, new_price=payload.new_price, new_qty=payload.new_qty)
        case ClosePosition():
            told = _closed(payload)
        case PaperPrice():
            told = {"symbol": payload.symbol}
            _put_decimals(told, bid=payload.bid, ask=payload.ask)
            _put_decimals(told, bid_qty=payload.bid_qty, ask_qty=payload.ask_qty)
        case CcxtCall():
            told = {"func": payload.func}
            if payload.args:
                told["args"] = list(payload.args)
            if payload.kwargs:
                told["kwargs"] = _sorted(payload.kwargs)
        case _:
            assert_never(payload)
    if isinstance(payload, (CancelOrder, ChangeOrder)) and payload.comment is not None:
        told["comment"] = payload.comment
    return dumps_plain(told)


def decode(command_type: str, text: str) -> Payload:
    """The payload that ``encode`` wrote as ``text``."""
    told: dict[str, Any] = json.loads(text)
    match command_type:
        case "send_order":
            return _read_send(told)
        case "cancel_order":
            return CancelOrder(order_ids=tuple(told["order_ids"]), comment=told.get("comment"))
        case "change_order":
            return ChangeOrder(
                order_id=told["order_id"],
                new_price=_decimal(told, "new_price"),
                new_qty=_decimal(told, "new_qty"),
                comment=told.get("comment"),
            )
        case "close_position":
            return _read_close(told)
        case "paper_price":
            return PaperPrice(
                symbol=told["symbol"],
                bid=Decimal(told["bid"]),
                ask=Decimal(told["ask"]),
                bid_qty=_decimal(told, "bid_qty"),
                ask_qty=_decimal(told, "ask_qty"),
            )
        case "ccxt_call":
            return CcxtCall(
                func=told["func"],
                args=tuple(told.get("args", ())),
                kwargs=told.get("kwargs", {}),
            )
        case _:
            raise AssertionError(f"no command is called {command_type!r}")


def fingerprint(command_type: str, text: str) -> str:
    """SHA-256 in hex of a command's word and its encoded payload."""
    return hashlib.sha256(f"{command_type}\n{text}".encode()).hexdigest()


def command_type(payload: Payload) -> str:
    """The command's word on the wire."""
    return COMMAND_TYPES[type(payload)]


def _sent(wish: SendOrder) -> dict[str, Any]:
    told: dict[str, Any] = {
        "symbol": wish.symbol,
        "side": wish.side.value,
        "order_type": wish.order_type,
        "qty": plain(wish.qty),
    }
    for name, attribute in _PRICES.items():
        value: Decimal | None = getattr(wish, attribute)
        if value is not None:
            told[name] = plain(value)
    _put_order_words(told, wish)
    if wish.position_id:
        told["position_id"] = wish.position_id
    if wish.reduce_only:
        told["reduce_only"] = True
    if wish.new_position:
        told["new_position"] = True
    if wish.expires_at is not None:
        told["expires_at"] = time_text(wish.expires_at)
    return told


def _closed(wish: ClosePosition) -> dict[str, Any]:
    told: dict[str, Any] = {"position_id": wish.position_id, "order_type": wish.order_type}
    _put_decimals(told, qty=wish.qty, price=wish.price, trigger_price=wish.trigger_price)
    _put_order_words(told, wish)
    return told


def _put_order_words(told: dict[str, Any], wish: SendOrder | ClosePosition) -> None:
    for name in _ORDER_WORDS:
        value: str | None = getattr(wish, name)
        if value is not None and not (name == "reason" and value == "api"):
            told[name] = value
    if wish.strategy_id:
        told["strategy_id"] = wish.strategy_id
    if wish.post_only:
        told["post_only"] = True
    if wish.params:
        told["params"] = _sorted(wish.params)


def _put_decimals(told: dict[str, Any], **values: Decimal | None) -> None:
    told |= {name: plain(value) for name, value in values.items() if value is not None}


def _sorted(value: object) -> Any:
    """``value`` with every mapping in the order of its keys."""
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_sorted(item) for item in value]
    return value


def _read_send(told: Mapping[str, Any]) -> SendOrder:
    expires_at = told.get("expires_at")
    return SendOrder(
        symbol=told["symbol"],
        side=Side(told["side"]),
        order_type=told["order_type"],
        qty=Decimal(told["qty"]),
        price=_decimal(told, "price"),
        stop_loss=_decimal(told, "oms_stop_loss"),
        stop_gain=_decimal(told, "oms_stop_gain"),
        strategy_id=told.get("strategy_id", 0),
        position_id=told.get("position_id", 0),
        reason=told.get("reason", "api"),
        comment=told.get("comment"),
        reduce_only=told.get("reduce_only", False),
        client_order_id=told.get("client_order_id"),
        params=told.get("params", {}),
        post_only=told.get("post_only", False),
        time_in_force=told.get("time_in_force"),
        trigger_price=_decimal(told, "trigger_price"),
        take_profit_price=_decimal(told, "take_profit_price"),
        trailing_amount=_decimal(told, "trailing_amount"),
        trailing_percent=_decimal(told, "trailing_percent"),
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        new_position=told.get("new_position", False),
    )


def _read_close(told: Mapping[str, Any]) -> ClosePosition:
    return ClosePosition(
        position_id=told["position_id"],
        order_type=told["order_type"],
        price=_decimal(told, "price"),
        qty=_decimal(told, "qty"),
        strategy_id=told.get("strategy_id", 0),
        reason=told.get("reason", "api"),
        comment=told.get("comment"),
        client_order_id=told.get("client_order_id"),
        params=told.get("params", {}),
        post_only=told.get("post_only", False),
        time_in_force=told.get("time_in_force"),
        trigger_price=_decimal(told, "trigger_price"),
    )


def _decimal(told: Mapping[str, Any], name: str) -> Decimal | None:
    text = told.get(name)
    return None if text is None else Decimal(text)
