"""Numbers between ccxt and us: exact decimals from texts in, plain texts out.

Nothing here knows an exchange, and nothing is rounded but to a grid that is named.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any


def to_decimal(value: Any) -> Decimal | None:
    """A venue's number, exact; ``None`` for what is empty: absent is never zero.

    A float, where ccxt keeps no text, is taken as the shortest text that means it. Raises
    ``ValueError`` for what is no finite number.
    """
    if value is None or value == "" or isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = repr(value)
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise ValueError(f"{str(value)[:64]!r} is no number") from error
    if not number.is_finite():
        raise ValueError(f"{value!r} is no number")
    return number


def first_decimal(info: Mapping[str, Any], *keys: str) -> Decimal | None:
    """The first of ``keys`` in ``info`` that holds a number; raises ``ValueError``."""
    for key in keys:
        number = to_decimal(info.get(key))
        if number is not None:
            return number
    return None


def encode_decimals(value: Any, *, whole_as_int: bool = False) -> Any:
    """``value`` with each decimal as a plain text, at any depth.

    ``whole_as_int``: whole numbers as such, for classes of ccxt that compare an amount with one.
    """
    match value:
        case Decimal():
            is_whole = whole_as_int and value == value.to_integral_value()
            return int(value) if is_whole else format(value, "f")
        case dict():
            return {k: encode_decimals(v, whole_as_int=whole_as_int) for k, v in value.items()}
        case list() | tuple():
            return [encode_decimals(each, whole_as_int=whole_as_int) for each in value]
    return value


def round_down(number: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of ``step`` not above ``number``; both not negative."""
    return number // step * step


def round_up(number: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of ``step`` not below ``number``; both not negative."""
    lower = round_down(number, step)
    return lower if lower == number else lower + step


def round_passive(price: Decimal, tick: Decimal, *, is_buy: bool) -> Decimal:
    """A limit price on its grid, never better for the other side than what was asked."""
    return round_down(price, tick) if is_buy else round_up(price, tick)


def round_trigger(trigger: Decimal, tick: Decimal, *, is_buy: bool, is_stop: bool) -> Decimal:
    """A trigger on its grid, on the side that fires sooner.

    A stop that buys waits for a rise, so a lower one is sooner; one that takes profit by buying
    waits for a fall.
    """
    return round_down(trigger, tick) if is_buy is is_stop else round_up(trigger, tick)
