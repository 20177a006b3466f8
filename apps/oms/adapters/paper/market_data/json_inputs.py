"""Inputs of the paper exchange as JSON lines: one object a line, ``do`` its word, ``at`` its time.

The words and keys are those of ``simulation.inputs``: ``place``, ``cancel``, ``quote``, ``book``,
``print`` and so on, so whatever the simulation learns can be written down at once. It reads what
people wrote, so every fault is told with its place; it decides nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, is_dataclass
from dataclasses import fields as fields_of
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from oms.domain.errors import Invalid
from oms.domain.money import NotADecimal, parse_decimal
from oms.simulation.inputs import Input

Fields = Mapping[str, Any]
"""A JSON object as ``wire.json.loads`` reads it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Powers of ten from which on a whole number counts milli-, micro- and nanoseconds.
_UNITS = ((10**17, 1000), (10**14, 1), (10**11, -1000))


def parse_timestamp(told: object) -> datetime:
    """A time told as RFC 3339 text or as whole seconds, milli-, micro- or nanoseconds.

    Raises ``ValueError``.
    """
    text = str(told).strip()
    if not text.isdigit():
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    number = int(text)
    for least, factor in _UNITS:
        if number >= least:
            micros = number // factor if factor > 0 else number * -factor
            return _EPOCH + timedelta(microseconds=micros)
    return _EPOCH + timedelta(seconds=number)


@cache
def input_types() -> Mapping[str, type[Any]]:
    """The inputs by their words."""
    return {_word(cls): cls for cls in get_args(Input)}


def input_word(input: Input) -> str:
    """The word of an input."""
    return _word(type(input))


def parse_input(fields: Fields) -> Input:
    """The input that a JSON object tells. Raises ``Invalid`` naming the key that is wrong."""
    known = input_types()
    word = fields.get("do")
    if not isinstance(word, str) or word not in known:
        raise Invalid(f"do: {word!r} is none of {', '.join(known)}")
    told = {name: each for name, each in fields.items() if name != "do"}
    try:
        made: Input = _object(known[word], told)
    except (ValueError, TypeError, NotADecimal) as wrong:
        raise Invalid(f"{word}: {wrong}") from None
    return made


def _word(cls: type[Any]) -> str:
    name = cls.__name__.removesuffix("Seen")
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    return get_type_hints(cls)


def _object(cls: type, told: Fields) -> Any:
    """A value of the simulation; one inside another has its time where it tells none."""
    hints = _hints(cls)
    values: dict[str, Any] = {}
    for name, each in told.items():
        if name not in hints:
            raise ValueError(f"no key is called {name!r}; known are {', '.join(hints)}")
        if "at" in told and isinstance(each, dict) and "at" in _hints_of(hints[name]):
            each = {"at": told["at"], **each}
        try:
            values[name] = _read(hints[name], each)
        except (ValueError, TypeError, NotADecimal) as wrong:
            raise ValueError(f"{name}: {wrong}") from None
    needed = {each.name for each in fields_of(cls) if _is_needed(each)}
    if missing := needed - values.keys():
        raise ValueError(f"{', '.join(sorted(missing))} is missing")
    return cls(**values)


def _hints_of(hint: Any) -> Mapping[str, Any]:
    return _hints(hint) if is_dataclass(hint) and isinstance(hint, type) else {}


def _is_needed(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _read(hint: Any, told: object) -> Any:
    """``told`` as ``hint`` says. Raises ``ValueError``, ``TypeError`` or ``NotADecimal``."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if told is None and type(None) in parts:
            return None
        return _read(next(part for part in parts if part is not type(None)), told)
    if origin is tuple:
        if not isinstance(told, list):
            raise TypeError("a list is expected")
        hints = [parts[0]] * len(told) if parts[-1] is Ellipsis else list(parts)
        return tuple(_read(part, item) for part, item in zip(hints, told, strict=True))
    if hint is Decimal:
        if not isinstance(told, str | int | Decimal) or isinstance(told, bool):
            raise TypeError("a decimal is expected")
        return parse_decimal(told)
    if hint is datetime:
        return parse_timestamp(told)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(told)
    if isinstance(told, dict) and _hints_of(hint):
        return _object(hint, told)
    if not isinstance(hint, type) or type(told) is not hint:
        raise TypeError(f"{getattr(hint, '__name__', hint)} is expected")
    return told
