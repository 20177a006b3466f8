"""ccxt's values as plain JSON values: no ccxt object leaves the adapter."""

from collections.abc import Mapping
from decimal import Decimal

from oms.domain.money import decimal_text


def to_json_value(value: object) -> object:
    """Returns ``value`` as dicts, lists, texts, numbers, booleans and ``None``."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return decimal_text(value)
        case Mapping():
            return {str(key): to_json_value(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_json_value(each) for each in value]
        case _:
            return str(value)
