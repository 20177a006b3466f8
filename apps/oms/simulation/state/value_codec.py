"""Values of the simulation as JSON and back, by the types of their fields.

For what is rarely stored: terms, and what is under way. A field at its default is left out, a
value of a union says its class. It refuses what the simulation's values are not made of.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache, lru_cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from oms.domain.money import decimal_text


def encode(value: Any) -> Any:
    """JSON of a value, a mapping with text keys, a tuple or a scalar."""
    match value:
        case None | bool() | int():
            return value
        case StrEnum():
            return value.value
        case str():
            return value
        case Decimal():
            return decimal_text(value)
        case datetime():
            return format_time(value)
        case tuple():
            return [encode(each) for each in value]
        case Mapping():
            return {key: encode(each) for key, each in value.items()}
    assert is_dataclass(value), f"{value!r} has no text"
    told: dict[str, Any] = {"is": type(value).__name__}
    for each in fields(value):
        if getattr(value, each.name) != _default(each):
            told[each.name] = encode(getattr(value, each.name))
    return told


def decode(kind: Any, text: Any) -> Any:
    """The value of type ``kind`` that ``encoded`` told."""
    if isinstance(kind, UnionType):
        return _decoded_union(get_args(kind), text)
    if get_origin(kind) is tuple:
        return tuple(decode(get_args(kind)[0], each) for each in text)
    if get_origin(kind) is Mapping:
        return {key: decode(get_args(kind)[1], each) for key, each in text.items()}
    if kind is datetime:
        return datetime.fromisoformat(text)
    if isinstance(kind, type) and is_dataclass(kind):
        types = _types(kind)
        told = {name: decode(types[name], each) for name, each in text.items() if name != "is"}
        return kind(**told)
    return kind(text)


@lru_cache(maxsize=64)  # one moment is told in several rows of one step
def format_time(moment: datetime) -> str:
    """A time in UTC with microseconds."""
    told = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return told.removesuffix("+00:00") + "Z"


def _decoded_union(kinds: tuple[Any, ...], text: Any) -> Any:
    if text is None and NoneType in kinds:
        return None
    named = {each.__name__: each for each in kinds if each is not NoneType}
    if len(named) == 1:
        return decode(next(iter(named.values())), text)
    return decode(named[text["is"]], text)


@cache
def _types(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _default(each: Field[Any]) -> Any:
    return each.default_factory() if each.default_factory is not MISSING else each.default
