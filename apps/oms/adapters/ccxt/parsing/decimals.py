"""Converts numbers between ccxt and the gateway: exact decimals in, plain texts out.

Nothing here is particular to a venue, and nothing is rounded.
"""

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
