"""Converts numbers between ccxt and the gateway: exact decimals in, plain texts out.

Nothing here is particular to a venue, and nothing is rounded but to a given step.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

EXPONENT_MAX = 100
"""Largest power of ten of a venue's number, up or down: beyond it, no price or amount."""


def to_decimal(value: Any) -> Decimal | None:
    """Returns a venue's number, exactly; ``None`` for an empty one: absent is never zero.

    A float, where ccxt keeps no text, is read as its shortest text. Raises ``ValueError`` for
    anything but a finite number.
    """
    if value is None or value == "" or isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = repr(value)
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise ValueError(f"{str(value)[:64]!r} is no number") from error
    if not number.is_finite() or not -EXPONENT_MAX <= number.adjusted() <= EXPONENT_MAX:
        raise ValueError(f"{str(value)[:64]!r} is no number")
    return number


def first_decimal(info: Mapping[str, Any], *keys: str) -> Decimal | None:
    """Returns the first number under ``keys``. Raises ``ValueError``."""
    for key in keys:
        number = to_decimal(info.get(key))
        if number is not None:
            return number
    return None


def encode_decimals(value: Any, *, whole_as_int: bool = False) -> Any:
    """Returns ``value`` with each decimal as plain text, at any depth.

    ``whole_as_int``: whole numbers as ``int``, for ccxt classes that compare amounts with numbers.
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
    """Returns the largest multiple of ``step`` not above ``number``; both not negative."""
    return number // step * step


def round_up(number: Decimal, step: Decimal) -> Decimal:
    """Returns the smallest multiple of ``step`` not below ``number``; both not negative."""
    lower = round_down(number, step)
    return lower if lower == number else lower + step


def round_passive(price: Decimal, tick: Decimal, *, is_buy: bool) -> Decimal:
    """Rounds a limit price to its tick, never in favour of the counterparty."""
    return round_down(price, tick) if is_buy else round_up(price, tick)


def round_trigger(trigger: Decimal, tick: Decimal, *, is_buy: bool, is_stop: bool) -> Decimal:
    """Rounds a trigger to its tick, to the side that triggers earlier.

    A buy stop waits for a rise, so a lower trigger is earlier; a buy take profit waits for a fall.
    """
    return round_down(trigger, tick) if is_buy is is_stop else round_up(trigger, tick)
