"""ccxt's values as plain JSON values: what leaves the adapter holds no objects of ccxt."""

from collections.abc import Mapping
from decimal import Decimal

from oms.domain.money import decimal_text


def to_json_value(told: object) -> object:
    """``told`` of dicts, lists, texts, numbers, booleans and ``None`` alone."""
    match told:
        case None | bool() | int() | float() | str():
            return told
        case Decimal():
            return decimal_text(told)
        case Mapping():
            return {str(key): to_json_value(each) for key, each in told.items()}
        case list() | tuple() | set() | frozenset():
            return [to_json_value(each) for each in told]
        case _:
            return str(told)
