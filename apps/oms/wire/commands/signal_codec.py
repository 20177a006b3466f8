"""Encoder of stored signals: one key per field that differs from its default."""

from dataclasses import MISSING, fields
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from oms.domain.money import decimal_text
from oms.domain.signals.signal import ExecuteSignal, SignalRules, Sizing
from oms.wire.commands.payload_decoder import stored_key
from oms.wire.json import time_text


def encode_signal(payload: ExecuteSignal) -> dict[str, Any]:
    """Return the keys of a ``signal``, its rules and their sizing as objects."""
    return _encode_fields(payload)


def _encode_fields(row: ExecuteSignal | SignalRules | Sizing) -> dict[str, Any]:
    values = {each.name: (getattr(row, each.name), each.default) for each in fields(row)}
    return {
        stored_key(name): _encode(value)
        for name, (value, default) in values.items()
        if default is MISSING or value != default
    }


def _encode(value: object) -> Any:
    match value:
        case SignalRules() | Sizing():
            return _encode_fields(value)
        case Decimal():
            return decimal_text(value)
        case datetime():
            return time_text(value)
        case Enum():
            return value.value
        case _:
            return value
