"""Decoder of stored command payloads, driven by the types of their fields.

Reads only what ``command_codec`` wrote: absent keys keep their defaults, nothing is validated.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from oms.domain.commands.command import Keep
from oms.domain.value import constructor

Payload = TypeVar("Payload")
Parser = Callable[[Any], Any]

#: Keys that differ from the field's name.
_KEYS = {"stop_loss": "oms_stop_loss", "stop_gain": "oms_stop_gain"}


def stored_key(name: str) -> str:
    """Return the key under which a field is stored."""
    return _KEYS.get(name, name)


def build_decoder(payload_type: type[Payload]) -> Callable[[Mapping[str, Any]], Payload]:
    """Return a function from JSON keys to a payload; keys without a field are ignored."""
    hints = get_type_hints(payload_type)
    names = [each.name for each in fields(payload_type)]  # type: ignore[arg-type]
    keys = {stored_key(name): name for name in names}
    parsers = {name: parser for name in names if (parser := _parser(hints[name])) is not None}
    make = constructor(payload_type)

    def decode(items: Mapping[str, Any]) -> Payload:
        values = {keys[key]: item for key, item in items.items() if key in keys}
        for name in parsers.keys() & values.keys():
            item = values[name]
            if item is not None:
                values[name] = parsers[name](item)
        return make(**values)

    return decode


def _parser(hint: Any) -> Parser | None:
    if isinstance(hint, UnionType):
        (hint,) = (each for each in get_args(hint) if each not in (NoneType, Keep))
    if get_origin(hint) is tuple:
        return _tuple_parser(get_args(hint))
    if hint is Decimal:
        return Decimal
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {each.value: each for each in hint}.__getitem__
    if hint is datetime:
        return datetime.fromisoformat
    if isinstance(hint, type) and is_dataclass(hint):
        return _row_parser(hint)
    return None


def _row_parser(row_type: Any) -> Parser:
    """Return a parser of rows: lists of all fields, or objects of some."""
    hints = get_type_hints(row_type)
    parsers = {each.name: _optional(_parser(hints[each.name])) for each in fields(row_type)}
    parse_object = build_decoder(row_type)

    def parse(row: Any) -> Any:
        if isinstance(row, dict):
            return parse_object(row)
        items = zip(parsers, row, strict=True)
        return row_type(**{name: parsers[name](item) for name, item in items})

    return parse


def _tuple_parser(hints: tuple[Any, ...]) -> Parser:
    if hints[-1] is not Ellipsis:
        parsers = [_optional(_parser(each)) for each in hints]
        return lambda items: tuple(parse(item) for parse, item in zip(parsers, items, strict=True))
    parser = _parser(hints[0])
    return tuple if parser is None else lambda items: tuple(map(parser, items))


def _optional(parser: Parser | None) -> Parser:
    if parser is None:
        return lambda item: item
    return lambda item: None if item is None else parser(item)
