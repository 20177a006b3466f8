"""Stop levels as JSON text: what is not set is left out."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.domain.money import decimal_text
from oms.domain.protection.levels import (
    Levels,
    NativeOrder,
    NativeState,
    PendingClose,
    StopKind,
    Target,
)
from oms.wire.json import dumps, loads, optional_decimal_text, time_text

_DECIMALS = (
    "stop_loss_pct",
    "stop_gain_pct",
    "stop_trailing_pct",
    "stop_trailing_amount",
    "stop_trailing_activation_pct",
    "stop_trailing_best",
    "tp_sl_base_price",
)


def encode_levels(levels: Levels | None) -> str | None:
    """Return the JSON text of ``levels``."""
    if levels is None:
        return None
    fields: dict[str, Any] = {}
    for name in _DECIMALS:
        value: Decimal | None = getattr(levels, name)
        if value is not None:
            fields[name] = decimal_text(value)
    if levels.max_hold_seconds is not None:
        fields["max_hold_seconds"] = levels.max_hold_seconds
    if levels.targets is not None:
        fields["targets"] = [_encode_target(each) for each in levels.targets]
    if levels.stop_trailing_from_target is not None:
        fields["stop_trailing_from_target"] = levels.stop_trailing_from_target
    if levels.arming:
        fields["arming"] = levels.arming
    if (pending := levels.pending_close) is not None:
        retry_at = None if pending.retry_at is None else time_text(pending.retry_at)
        fields["pending_close"] = {
            "kind": pending.kind.value,
            "command_id": pending.command_id,
            "failures": pending.failures,
            "retry_at": retry_at,
        }
        if pending.closed_until is not None:
            fields["pending_close"]["closed_until"] = decimal_text(pending.closed_until)
    if levels.native:
        fields["native"] = [_encode_native(each) for each in levels.native]
    return dumps(fields)


def decode_levels(text: str | None) -> Levels | None:
    """Return the levels of a JSON text."""
    if text is None:
        return None
    fields: dict[str, Any] = loads(text)
    for name in _DECIMALS:
        if name in fields:
            fields[name] = Decimal(fields[name])
    if (pending := fields.get("pending_close")) is not None:
        retry_at = pending["retry_at"]
        fields["pending_close"] = PendingClose(
            kind=StopKind(pending["kind"]),
            command_id=pending["command_id"],
            failures=pending["failures"],
            retry_at=None if retry_at is None else datetime.fromisoformat(retry_at),
            closed_until=_decimal(pending.get("closed_until")),
        )
    if "targets" in fields:
        fields["targets"] = tuple(map(_decode_target, fields["targets"]))
    fields["native"] = tuple(map(_decode_native, fields.get("native", ())))
    return Levels(**fields)


def _encode_target(target: Target) -> dict[str, Any]:
    return {
        "qty_pct": decimal_text(target.qty_pct),
        "price": optional_decimal_text(target.price),
        "pct": optional_decimal_text(target.pct),
        "is_reached": target.is_reached,
    }


def _decode_target(row: dict[str, Any]) -> Target:
    return Target(
        qty_pct=Decimal(row["qty_pct"]),
        price=_decimal(row["price"]),
        pct=_decimal(row["pct"]),
        is_reached=row["is_reached"],
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _encode_native(order: NativeOrder) -> dict[str, Any]:
    return {
        "kind": order.kind.value,
        "command_id": order.command_id,
        "level": decimal_text(order.level),
        "qty": decimal_text(order.qty),
        "state": order.state.value,
        "order_id": order.order_id,
        "trigger": None if order.trigger is None else decimal_text(order.trigger),
        **({} if order.best is None else {"best": decimal_text(order.best)}),
    }


def _decode_native(row: dict[str, Any]) -> NativeOrder:
    return NativeOrder(
        kind=StopKind(row["kind"]),
        command_id=row["command_id"],
        level=Decimal(row["level"]),
        qty=Decimal(row["qty"]),
        state=NativeState(row["state"]),
        order_id=row["order_id"],
        trigger=None if row["trigger"] is None else Decimal(row["trigger"]),
        best=_decimal(row.get("best")),
    )
