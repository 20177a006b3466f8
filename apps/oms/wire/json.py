"""Lossless JSON: numbers are parsed from their text, decimals are written as text.

``loads`` never creates a binary float: a JSON number with a point or exponent becomes a
``Decimal``. ``dumps`` writes decimals in plain notation as strings and times as RFC 3339 in UTC
with microseconds. NaN and Infinity are neither accepted nor written.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import lru_cache
from typing import Any, NoReturn

import orjson

from oms.domain.money import decimal_text


class NotJson(ValueError):
    """Invalid JSON text; the message has the position but not the text."""


def loads(text: bytes | str) -> Any:
    """Parse JSON text. Raises ``NotJson``."""
    try:
        return _DECODER.decode(text if isinstance(text, str) else text.decode())
    except json.JSONDecodeError as error:
        at = f"line {error.lineno} column {error.colno}"
        raise NotJson(f"the text is not valid JSON: {error.msg} at {at}") from None
    except UnicodeDecodeError:
        raise NotJson("the text is not valid UTF-8") from None
    except RecursionError:
        raise NotJson("the text is nested too deeply") from None
    except (ValueError, InvalidOperation):
        raise NotJson(
            "a number in the text is not a finite JSON number of supported size"
        ) from None


def dumps(value: Any) -> str:
    """Return ``value`` as compact JSON text; supports decimals, times and enums."""
    return _ENCODER.encode(value)


def dumps_fast(value: Any) -> str:
    """Like ``dumps``, many times faster, for mappings with text keys."""
    try:
        return orjson.dumps(value, _to_json, orjson.OPT_PASSTHROUGH_DATETIME).decode()
    except TypeError:  # orjson has no integers of more than 64 bits
        return _ENCODER.encode(value)


def canonical_json(value: Any) -> str:
    """Return the canonical JSON text of ``value``: sorted keys, plain decimals."""
    return _CANONICAL.encode(value)


@lru_cache(maxsize=4096)  # the same time is written in several columns of several rows
def time_text(moment: datetime) -> str:
    """Return ``2026-02-25T20:00:00.123456Z``; ``moment`` must be aware."""
    if moment.tzinfo is not UTC:
        assert moment.tzinfo is not None, "times are aware"
        moment = moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


@lru_cache(maxsize=4096)
def optional_time_text(moment: datetime | None) -> str | None:
    """Return ``time_text``, or ``None``."""
    return None if moment is None else time_text(moment)


@lru_cache(maxsize=4096)
def optional_decimal_text(value: Decimal | None) -> str | None:
    """Return the decimal in plain notation, or ``None``."""
    return None if value is None else decimal_text(value)


def _to_json(value: object) -> object:
    match value:
        case Decimal():
            return decimal_text(value)
        case datetime():
            return time_text(value)
        case Enum():
            return value.value
        case frozenset() | set():
            return sorted(value)
        case Mapping():
            return dict(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form")


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=_to_json)
_CANONICAL = json.JSONEncoder(separators=(",", ":"), sort_keys=True, default=_to_json)
