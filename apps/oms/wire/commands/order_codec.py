"""Codec of ``send_order`` and ``close_position`` in the queue.

Encoders leave out defaults; decoders read only what the encoders wrote. Nothing is validated.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.domain.commands.command import ClosePosition, SendOrder
from oms.domain.money import decimal_text
from oms.domain.orders.order import Side
from oms.wire.json import time_text

_WORDS = ("reason", "comment", "client_order_id", "time_in_force")
_TRIGGERS = ("trigger_price", "take_profit_price", "trailing_amount", "trailing_percent")

_SIDES = {str(side): side for side in Side}
#: Parsers of values that JSON has no type for.
_READERS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("qty", "price", "oms_stop_loss", "oms_stop_gain", *_TRIGGERS), Decimal),
    "side": _SIDES.__getitem__,
    "expires_at": datetime.fromisoformat,
}
#: Field names that differ from the wire.
_FIELDS = {"oms_stop_loss": "stop_loss", "oms_stop_gain": "stop_gain"}


def encode_send_order(wish: SendOrder) -> dict[str, Any]:
    """Return the keys of a ``send_order``."""
    told: dict[str, Any] = {
        "symbol": wish.symbol,
        "side": wish.side.value,
        "order_type": wish.order_type,
        "qty": decimal_text(wish.qty),
    }
    put_decimals(told, price=wish.price, oms_stop_loss=wish.stop_loss, oms_stop_gain=wish.stop_gain)
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


def encode_close_position(wish: ClosePosition) -> dict[str, Any]:
    """Return the keys of a ``close_position``."""
    told: dict[str, Any] = {"position_id": wish.position_id, "order_type": wish.order_type}
    put_decimals(told, qty=wish.qty, price=wish.price)
    _put_shared(told, wish)
    return told


def decode_send_order(told: Mapping[str, Any]) -> SendOrder:
    """Decode the output of ``encode_send_order``."""
    return SendOrder(**_fields(told))


def decode_close_position(told: Mapping[str, Any]) -> ClosePosition:
    """Decode the output of ``encode_close_position``."""
    return ClosePosition(**_fields(told))


def put_decimals(told: dict[str, Any], **values: Decimal | None) -> None:
    """Add those values that are not ``None``, in plain notation."""
    told |= {name: decimal_text(value) for name, value in values.items() if value is not None}


def optional_decimal_of(told: Mapping[str, Any], name: str) -> Decimal | None:
    """Return the decimal under ``name``; ``None`` if null or absent."""
    text = told.get(name)
    return None if text is None else Decimal(text)


def sorted_keys(value: object) -> Any:
    """Return ``value`` with the keys of all mappings sorted."""
    if isinstance(value, Mapping):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [sorted_keys(item) for item in value]
    return value


def _put_shared(told: dict[str, Any], wish: SendOrder | ClosePosition) -> None:
    for name in _TRIGGERS:
        number: Decimal | None = getattr(wish, name)
        if number is not None:
            told[name] = decimal_text(number)
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


def _fields(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the payload; left-out fields keep their defaults."""
    return {
        _FIELDS.get(name, name): _READERS[name](text) if name in _READERS else text
        for name, text in told.items()
        if text is not None
    }
