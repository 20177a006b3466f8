"""Encoder of ``send_order`` and ``close_position`` payloads; defaults are left out."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from oms.domain.commands.command import ClosePosition, SendOrder
from oms.domain.money import decimal_text
from oms.wire.commands.level_fields import put_levels
from oms.wire.json import time_text


def encode_send_order(payload: SendOrder) -> dict[str, Any]:
    """Return the keys of a ``send_order``."""
    fields: dict[str, Any] = {
        "symbol": payload.symbol,
        "side": str(payload.side),
        "order_type": payload.order_type,
        "qty": decimal_text(payload.qty),
    }
    if payload.price is not None:
        fields["price"] = decimal_text(payload.price)
    if payload.stop_loss is not None:
        fields["oms_stop_loss"] = decimal_text(payload.stop_loss)
    if payload.stop_gain is not None:
        fields["oms_stop_gain"] = decimal_text(payload.stop_gain)
    _put_shared(fields, payload)
    if payload.position_id:
        fields["position_id"] = payload.position_id
    if payload.reduce_only:
        fields["reduce_only"] = True
    if payload.new_position:
        fields["new_position"] = True
    if payload.session_policy is not None:
        fields["session_policy"] = payload.session_policy
    put_levels(fields, payload)
    if payload.bracket is not None:
        fields["bracket"] = sorted_keys(payload.bracket)
    if payload.expires_at is not None:
        fields["expires_at"] = time_text(payload.expires_at)
    return fields


def encode_close_position(payload: ClosePosition) -> dict[str, Any]:
    """Return the keys of a ``close_position``."""
    fields: dict[str, Any] = {"position_id": payload.position_id, "order_type": payload.order_type}
    put_decimals(fields, qty=payload.qty, qty_pct=payload.qty_pct, price=payload.price)
    if payload.for_level:
        fields["for_level"] = True
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
    if payload.trigger_price is not None:
        fields["trigger_price"] = decimal_text(payload.trigger_price)
    if payload.take_profit_price is not None:
        fields["take_profit_price"] = decimal_text(payload.take_profit_price)
    if payload.trailing_amount is not None:
        fields["trailing_amount"] = decimal_text(payload.trailing_amount)
    if payload.trailing_percent is not None:
        fields["trailing_percent"] = decimal_text(payload.trailing_percent)
    if payload.reason != "api":
        fields["reason"] = payload.reason
    if payload.comment is not None:
        fields["comment"] = payload.comment
    if payload.client_order_id is not None:
        fields["client_order_id"] = payload.client_order_id
    if payload.time_in_force is not None:
        fields["time_in_force"] = payload.time_in_force
    if payload.strategy_id:
        fields["strategy_id"] = payload.strategy_id
    if payload.post_only:
        fields["post_only"] = True
    if payload.params:
        fields["params"] = sorted_keys(payload.params)
    if payload.signal_id is not None:
        fields |= {"signal_id": payload.signal_id, "source_id": payload.source_id}
    if payload.bot_id is not None:
        fields["bot_id"] = payload.bot_id
