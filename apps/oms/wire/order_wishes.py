"""Sends and closes as they stand in the queue: the two commands that make an order, as JSON keys.

``write_send`` and ``write_close`` leave out what has its default; the readers read nothing but
what these wrote. No judgement here, and no other command.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.domain.command import ClosePosition, SendOrder
from oms.domain.money import plain
from oms.domain.order import Side
from oms.wire.json import time_text

_WORDS = ("reason", "comment", "client_order_id", "time_in_force")
_TRIGGERS = ("trigger_price", "take_profit_price", "trailing_amount", "trailing_percent")


def write_send(wish: SendOrder) -> dict[str, Any]:
    """The keys of a ``send_order``."""
    told: dict[str, Any] = {
        "symbol": wish.symbol,
        "side": wish.side.value,
        "order_type": wish.order_type,
        "qty": plain(wish.qty),
    }
    put_decimals(told, price=wish.price)
    put_decimals(told, oms_stop_loss=wish.stop_loss, oms_stop_gain=wish.stop_gain)
    _put_shared(told, wish)
    if wish.position_id:
        told["position_id"] = wish.position_id
    if wish.reduce_only:
        told["reduce_only"] = True
    if wish.new_position:
        told["new_position"] = True
    if wish.expires_at is not None:
        told["expires_at"] = time_text(wish.expires_at)
    return told


def write_close(wish: ClosePosition) -> dict[str, Any]:
    """The keys of a ``close_position``."""
    told: dict[str, Any] = {"position_id": wish.position_id, "order_type": wish.order_type}
    put_decimals(told, qty=wish.qty, price=wish.price)
    _put_shared(told, wish)
    return told


def read_send(told: Mapping[str, Any]) -> SendOrder:
    """What ``write_send`` wrote."""
    expires_at = told.get("expires_at")
    return SendOrder(
        symbol=told["symbol"],
        side=Side(told["side"]),
        qty=Decimal(told["qty"]),
        stop_loss=optional(told, "oms_stop_loss"),
        stop_gain=optional(told, "oms_stop_gain"),
        position_id=told.get("position_id", 0),
        reduce_only=told.get("reduce_only", False),
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        new_position=told.get("new_position", False),
        **_shared(told),
    )


def read_close(told: Mapping[str, Any]) -> ClosePosition:
    """What ``write_close`` wrote."""
    return ClosePosition(
        position_id=told["position_id"], qty=optional(told, "qty"), **_shared(told)
    )


def put_decimals(told: dict[str, Any], **values: Decimal | None) -> None:
    """Add the values that there are, in plain notation."""
    told |= {name: plain(value) for name, value in values.items() if value is not None}


def optional(told: Mapping[str, Any], name: str) -> Decimal | None:
    """The decimal under ``name``; null and absent are ``None``."""
    text = told.get(name)
    return None if text is None else Decimal(text)


def sorted_keys(value: object) -> Any:
    """``value`` with every mapping in the order of its keys."""
    if isinstance(value, Mapping):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [sorted_keys(item) for item in value]
    return value


def _put_shared(told: dict[str, Any], wish: SendOrder | ClosePosition) -> None:
    for name in _TRIGGERS:
        number: Decimal | None = getattr(wish, name)
        if number is not None:
            told[name] = plain(number)
    for name in _WORDS:
        word: str | None = getattr(wish, name)
        if word is not None and not (name == "reason" and word == "api"):
            told[name] = word
    if wish.strategy_id:
        told["strategy_id"] = wish.strategy_id
    if wish.post_only:
        told["post_only"] = True
    if wish.params:
        told["params"] = sorted_keys(wish.params)


def _shared(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "order_type": told["order_type"],
        "price": optional(told, "price"),
        "strategy_id": told.get("strategy_id", 0),
        "reason": told.get("reason", "api"),
        "comment": told.get("comment"),
        "client_order_id": told.get("client_order_id"),
        "params": told.get("params", {}),
        "post_only": told.get("post_only", False),
        "time_in_force": told.get("time_in_force"),
        **{name: optional(told, name) for name in _TRIGGERS},
    }
