"""JSON codec of the simulation's values, driven by the types of their fields.

Used for what is stored rarely: order terms, contract overrides, and requests and events in flight.
A field at its default is left out. Each object carries its class in ``"is"``, under the name in
``_STORED_TYPES`` where that differs: stored names never change. A field is stored under its
``stored_as`` metadata if it has one. Values of any other type fail an assertion.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from oms.domain.money import decimal_text
from oms.domain.times import utc_text

#: Class name to stored name, where the two differ.
_STORED_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "AttachedExit": "Exit",
        "CancelOrder": "Cancel",
        "ChangeOrder": "Change",
        "ContractOverrides": "ContractTerms",
        "FaultyOrder": "Faulty",
        "InFlight": "Line",
        "NewOrder": "Place",
        "NewOrderPair": "PlacePair",
        "OrderTerms": "Terms",
        "QueuePosition": "Queue",
    }
)


def encode(value: Any) -> Any:
    """Returns the JSON of a dataclass, a mapping with text keys, a tuple or a scalar."""
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
            return utc_text(value)
        case tuple():
            return [encode(item) for item in value]
        case Mapping():
            return {key: encode(item) for key, item in value.items()}
    assert is_dataclass(value), f"{value!r} cannot be encoded"
    encoded: dict[str, Any] = {"is": _stored_type(type(value))}
    for each in fields(value):
        item = getattr(value, each.name)
        if item != _default(each):
            encoded[_stored_field(each)] = encode(item)
    return encoded


def decode(kind: Any, encoded: Any) -> Any:
    """Returns the value of type ``kind`` that ``encode`` was given."""
    if isinstance(kind, UnionType):
        return _decode_union(get_args(kind), encoded)
    if get_origin(kind) is tuple:
        return tuple(decode(get_args(kind)[0], item) for item in encoded)
    if get_origin(kind) is Mapping:
        return {key: decode(get_args(kind)[1], item) for key, item in encoded.items()}
    if kind is datetime:
        return datetime.fromisoformat(encoded)
    if isinstance(kind, type) and is_dataclass(kind):
        field_types = _field_types(kind)
        values = {}
        for stored_name, item in encoded.items():
            if stored_name != "is":
                name, field_type = field_types[stored_name]
                values[name] = decode(field_type, item)
        return kind(**values)
    return kind(encoded)


def _decode_union(kinds: tuple[Any, ...], encoded: Any) -> Any:
    if encoded is None and NoneType in kinds:
        return None
    by_stored_name = {_stored_type(kind): kind for kind in kinds if kind is not NoneType}
    if len(by_stored_name) == 1:
        return decode(next(iter(by_stored_name.values())), encoded)
    return decode(by_stored_name[encoded["is"]], encoded)


def _stored_type(kind: type[Any]) -> str:
    return _STORED_TYPES.get(kind.__name__, kind.__name__)


def _stored_field(each: Field[Any]) -> str:
    name: str = each.metadata.get("stored_as", each.name)
    return name


@cache
def _field_types(kind: type[Any]) -> Mapping[str, tuple[str, Any]]:
    """Returns name and type of each field by its stored name."""
    hints = get_type_hints(kind)
    return {_stored_field(each): (each.name, hints[each.name]) for each in fields(kind)}


def _default(each: Field[Any]) -> Any:
    return each.default_factory() if each.default_factory is not MISSING else each.default
