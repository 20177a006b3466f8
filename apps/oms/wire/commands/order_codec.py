"""Encoder of ``send_order`` and ``close_position`` payloads; defaults are left out."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from oms.domain.commands.command import ClosePosition, SendOrder
from oms.domain.money import decimal_text
from oms.wire.commands.level_fields import put_levels
from oms.wire.json import time_text

_TEXT_FIELDS = ("reason", "comment", "client_order_id", "time_in_force")
_TRIGGERS = ("trigger_price", "take_profit_price", "trailing_amount", "trailing_percent")


def encode_send_order(payload: SendOrder) -> dict[str, Any]:
    """Return the keys of a ``send_order``."""
    fields: dict[str, Any] = {
        "symbol": payload.symbol,
        "side": payload.side.value,
        "order_type": payload.order_type,
        "qty": decimal_text(payload.qty),
    }
    put_decimals(
        fields,
        price=payload.price,
        oms_stop_loss=payload.stop_loss,
        oms_stop_gain=payload.stop_gain,
    )
    _put_shared(fields, payload)
    if payload.position_id:
        fields["position_id"] = payload.position_id
    if payload.reduce_only:
        fields["reduce_only"] = True
    if payload.new_position:
        fields["new_position"] = True
    put_levels(fields, payload)
    if payload.expires_at is not None:
        fields["expires_at"] = time_text(payload.expires_at)
    return fields


def encode_close_position(payload: ClosePosition) -> dict[str, Any]:
    """Return the keys of a ``close_position``."""
    fields: dict[str, Any] = {"position_id": payload.position_id, "order_type": payload.order_type}
    put_decimals(fields, qty=payload.qty, price=payload.price)
    _put_shared(fields, payload)
    return fields


def put_decimals(fields: dict[str, Any], **values: Decimal | None) -> None:
    """Add those values that are not ``None``, in plain notation."""
    fields |= {name: decimal_text(value) for name, value in values.items() if value is not None}


def sorted_keys(value: object) -> Any:
    """Return ``value`` with the keys of all mappings sorted."""
    if isinstance(value, Mapping):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [sorted_keys(item) for item in value]
    return value


def _put_shared(fields: dict[str, Any], payload: SendOrder | ClosePosition) -> None:
    for name in _TRIGGERS:
        value: Decimal | None = getattr(payload, name)
        if value is not None:
            fields[name] = decimal_text(value)
    for name in _TEXT_FIELDS:
        text: str | None = getattr(payload, name)
        if text is not None and not (name == "reason" and text == "api"):
            fields[name] = text
    if payload.strategy_id:
        fields["strategy_id"] = payload.strategy_id
    if payload.post_only:
        fields["post_only"] = True
    if payload.params:
        fields["params"] = sorted_keys(payload.params)
