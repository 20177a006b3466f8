"""Lossless JSON: numbers are parsed from their text, decimals are written as text.

``loads`` never creates a binary float: a JSON number with a point or exponent becomes a
``Decimal``. ``dumps`` writes decimals in plain notation as strings and times as RFC 3339 in UTC
with microseconds. NaN and Infinity are neither accepted nor written. Exponents are bounded, because
the plain notation of ``1e999999999`` has a billion characters.
"""

import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import lru_cache
from typing import Any, NoReturn

import orjson

from oms.domain.money import decimal_text, plain_text
from oms.domain.times import utc_text
from oms.wire.steps import ITEMS_PER_STEP, Steps, chunks

_SPACES = re.compile(r"[ \t\n\r]*")

EXPONENT_MAX = 400
"""Largest power of ten of a number, up or down; a binary double needs 324."""

DIGITS_STORED_MAX = 4000
DIGITS_SENT_MAX = 64
"""Maximum number of characters of one number: in any text, and in the text of a caller."""


_PARSE_ERRORS = (ValueError, InvalidOperation, RecursionError)


class NotJson(ValueError):
    """Invalid JSON text; the message has the position but not the text."""


def loads(text: bytes | str) -> Any:
    """Parse JSON text. Raises ``NotJson``."""
    return _decode(_DECODER, text)


def loads_fast(text: bytes | str) -> Any:
    """Like ``loads``, many times faster, for own text without fractions and large integers.

    Raises ``NotJson``.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _not_json(error) from None


def loads_sent(text: bytes | str) -> Any:
    """Parse JSON text of a caller: numbers are shorter, and no object repeats a key.

    Raises ``NotJson``.
    """
    return _decode(_SENT_DECODER, text)


def loads_sent_items(text: str, item_characters_max: int) -> Generator[Any, None, None]:
    """Yield the items of a JSON list of a caller, each parsed when it is asked for.

    Raises ``NotJson``, also for an item with more characters.
    """
    at = _SPACES.match(text, 0).end() + 1  # type: ignore[union-attr]
    at = _SPACES.match(text, at).end()  # type: ignore[union-attr]
    is_first = True
    while text[at : at + 1] != "]":
        if not is_first:
            if text[at : at + 1] != ",":
                raise NotJson(f"the text is not valid JSON: a comma is expected at character {at}")
            at = _SPACES.match(text, at + 1).end()  # type: ignore[union-attr]
        item, length = _decode_first(text[at : at + item_characters_max])
        yield item
        at = _SPACES.match(text, at + length).end()  # type: ignore[union-attr]
        is_first = False
    if text[at + 1 :].strip(" \t\n\r"):
        raise NotJson(f"the text is not valid JSON: extra data at character {at + 1}")


def _decode_first(text: str) -> tuple[Any, int]:
    """Return the JSON value that the text begins with, and its length. Raises ``NotJson``."""
    try:
        return _SENT_DECODER.raw_decode(text)
    except _PARSE_ERRORS as error:
        raise _not_json(error) from None


def _decode(decoder: json.JSONDecoder, text: bytes | str) -> Any:
    """Return the value of a text, as ``decoder.decode`` in half the time for a short text."""
    try:
        if not isinstance(text, str):
            text = text.decode()
        begin = 0
        if text[:1] in " \t\n\r":
            begin = _SPACES.match(text).end()  # type: ignore[union-attr]
        value, end = decoder.raw_decode(text, begin)
        if end != len(text):
            end = _SPACES.match(text, end).end()  # type: ignore[union-attr]
            if end != len(text):
                raise json.JSONDecodeError("Extra data", text, end)
    except _PARSE_ERRORS as error:
        raise _not_json(error) from None
    return value


def _not_json(error: Exception) -> NotJson:
    """Return the error of a text that could not be parsed."""
    match error:
        case NotJson():
            return error
        case json.JSONDecodeError():
            at = f"line {error.lineno} column {error.colno}"
            return NotJson(f"the text is not valid JSON: {error.msg} at {at}")
        case UnicodeDecodeError():
            return NotJson("the text is not valid UTF-8")
        case RecursionError():
            return NotJson("the text is nested too deeply")
        case _:
            return NotJson("a number in the text is not a finite JSON number of supported size")


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


time_text = utc_text
"""Return a time as a JSON text; it must be aware."""


@lru_cache(maxsize=4096)
def optional_time_text(moment: datetime | None) -> str | None:
    """Return ``time_text``, or ``None``."""
    return None if moment is None else time_text(moment)


@lru_cache(maxsize=4096)
def optional_decimal_text(value: Decimal | None) -> str | None:
    """Return the decimal in plain notation, or ``None``."""
    return None if value is None else decimal_text(value)


def canonical_json_steps(value: Any) -> Steps[str]:
    """Return ``canonical_json`` of a value, in steps if it is a list, or has a long one in it."""
    if isinstance(value, list):
        texts = []
        for items in _groups(value):
            texts.append(canonical_json(items)[1:-1])
            yield
        return "[" + ",".join(texts) + "]"
    if isinstance(value, dict) and any(_is_long(part) for part in value.values()):
        parts = []
        for name in sorted(value):
            text = yield from canonical_json_steps(value[name])
            parts.append(f"{_CANONICAL.encode(name)}:{text}")
        return "{" + ",".join(parts) + "}"
    return canonical_json(value)


def _groups(items: list[Any]) -> Iterator[Sequence[Any]]:
    """Yield the items of a list: objects and lists alone, others in the numbers of one step."""
    for some in chunks(items):
        if any(isinstance(item, (dict, list)) for item in some):
            for item in some:
                yield [item]
        else:
            yield some


def _is_long(value: object) -> bool:
    return isinstance(value, list) and len(value) > ITEMS_PER_STEP


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


def _to_canonical(value: object) -> object:
    # Callers send many different decimals: a cache would only cost.
    return plain_text(value) if isinstance(value, Decimal) else _to_json(value)


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def _read_decimal(text: str) -> Decimal:
    if len(text) > DIGITS_STORED_MAX:
        raise ValueError
    value = Decimal(text)
    if not -EXPONENT_MAX <= value.adjusted() <= EXPONENT_MAX:
        raise ValueError
    return value


def _read_sent_decimal(text: str) -> Decimal:
    if len(text) > DIGITS_SENT_MAX:
        raise ValueError
    return _read_decimal(text)


def _read_sent_integer(text: str) -> int:
    if len(text) > DIGITS_SENT_MAX:
        raise ValueError
    return int(text)


def _read_sent_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotJson("an object of the text has the same key twice")
    return value


_DECODER = json.JSONDecoder(parse_float=_read_decimal, parse_constant=_refuse_constant)
_SENT_DECODER = json.JSONDecoder(
    parse_float=_read_sent_decimal,
    parse_int=_read_sent_integer,
    parse_constant=_refuse_constant,
    object_pairs_hook=_read_sent_object,
)
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=_to_json)
_CANONICAL = json.JSONEncoder(separators=(",", ":"), sort_keys=True, default=_to_canonical)
