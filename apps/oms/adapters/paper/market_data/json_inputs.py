"""Simulation inputs as JSON lines: one object a line, its type in ``do``, its time in ``at``.

``INPUT_TYPES`` maps each ``do`` to a class of ``simulation.inputs``; the other keys are the fields
of that class. The lines are written by users, so every error names the key that is wrong.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, is_dataclass
from dataclasses import fields as fields_of
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from types import MappingProxyType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from oms.domain.errors import Invalid
from oms.domain.money import NotADecimal, parse_decimal
from oms.simulation import inputs
from oms.simulation.inputs import Input

Fields = Mapping[str, Any]
"""A JSON object as ``wire.json.loads`` returns it."""

INPUT_TYPES: Mapping[str, type[Any]] = MappingProxyType(
    {
        "place": inputs.NewOrder,
        "place_pair": inputs.NewOrderPair,
        "change": inputs.ChangeOrder,
        "cancel": inputs.CancelOrder,
        "ask": inputs.QueryOrder,
        "quote": inputs.QuoteUpdate,
        "book": inputs.BookUpdate,
        "print": inputs.TradeTick,
        "candle": inputs.CandleClosed,
        "mark": inputs.MarkPriceUpdate,
        "funding": inputs.FundingRateUpdate,
        "clock": inputs.TimeUpdate,
        "withdraw": inputs.Withdraw,
        "set_leverage": inputs.SetLeverage,
        "set_margin_mode": inputs.SetMarginMode,
        "deposit": inputs.Deposit,
        "reset": inputs.Reset,
    }
)
"""Input class by the value of ``do``; a user-visible format that class names do not change."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: From each power of ten on, a whole number counts nano-, micro- and milliseconds.
_UNITS = ((10**17, 1000), (10**14, 1), (10**11, -1000))


def parse_timestamp(value: object) -> datetime:
    """Returns the time of RFC 3339 text or of whole seconds, milli-, micro- or nanoseconds.

    Raises ``ValueError``.
    """
    text = str(value).strip()
    if not text.isdigit():
        timestamp = datetime.fromisoformat(text)
        if timestamp.tzinfo is None:
            return timestamp.replace(tzinfo=UTC)
        return timestamp.astimezone(UTC)
    number = int(text)
    for least, factor in _UNITS:
        if number >= least:
            micros = number // factor if factor > 0 else number * -factor
            return _EPOCH + timedelta(microseconds=micros)
    return _EPOCH + timedelta(seconds=number)


def parse_input(fields: Fields) -> Input:
    """Returns the input of a JSON object. Raises ``Invalid`` that names the wrong key."""
    name = fields.get("do")
    if not isinstance(name, str) or name not in INPUT_TYPES:
        raise Invalid(f"do: {name!r} is none of {', '.join(INPUT_TYPES)}")
    values = {key: item for key, item in fields.items() if key != "do"}
    try:
        parsed: Input = _parse_object(INPUT_TYPES[name], values)
    except (ValueError, TypeError, NotADecimal) as error:
        raise Invalid(f"{name}: {error}") from None
    return parsed


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    return get_type_hints(cls)


def _parse_object(cls: type, fields: Fields) -> Any:
    """Returns a value of the simulation; a nested one without ``at`` has that of its parent."""
    hints = _hints(cls)
    values: dict[str, Any] = {}
    for name, item in fields.items():
        if name not in hints:
            raise ValueError(f"there is no key {name!r}; the keys are {', '.join(hints)}")
        if "at" in fields and isinstance(item, dict) and "at" in _hints_of(hints[name]):
            item = {"at": fields["at"], **item}
        try:
            values[name] = _parse(hints[name], item)
        except (ValueError, TypeError, NotADecimal) as error:
            raise ValueError(f"{name}: {error}") from None
    required = {each.name for each in fields_of(cls) if _is_required(each)}
    if missing := required - values.keys():
        raise ValueError(f"{', '.join(sorted(missing))} is missing")
    return cls(**values)


def _hints_of(hint: Any) -> Mapping[str, Any]:
    return _hints(hint) if is_dataclass(hint) and isinstance(hint, type) else {}


def _is_required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _parse(hint: Any, item: object) -> Any:
    """Converts ``item`` to ``hint``. Raises ``ValueError``, ``TypeError`` or ``NotADecimal``."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if item is None and type(None) in parts:
            return None
        return _parse(next(part for part in parts if part is not type(None)), item)
    if origin is tuple:
        if not isinstance(item, list):
            raise TypeError("a list is expected")
        hints = [parts[0]] * len(item) if parts[-1] is Ellipsis else list(parts)
        return tuple(_parse(part, each) for part, each in zip(hints, item, strict=True))
    if hint is Decimal:
        if not isinstance(item, str | int | Decimal) or isinstance(item, bool):
            raise TypeError("a decimal is expected")
        return parse_decimal(item)
    if hint is datetime:
        return parse_timestamp(item)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(item)
    if isinstance(item, dict) and _hints_of(hint):
        return _parse_object(hint, item)
    if not isinstance(hint, type) or type(item) is not hint:
        raise TypeError(f"{getattr(hint, '__name__', hint)} is expected")
    return item
