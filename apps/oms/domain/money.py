"""Numbers of the trade: exact decimals made from text, and the one place where they are rounded.

Quantities, prices and fees are ``Decimal`` within 18 integer and 18 fractional digits. Inside the
ledger, costs are ``Fraction``: a third of a cost has no decimal end, and rounding it would make
the sum of parts differ from the whole. ``rounded`` is where a number leaves the ledger.
No binary floating point passes through here in either direction.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache

DIGITS_MAX = 18
"""Digits allowed before the point, and after it."""

ZERO = Decimal(0)
_QUANTUM = Decimal(1).scaleb(-DIGITS_MAX)
_SCALE = 10**DIGITS_MAX
#: Wide enough for any exact product of two wire decimals (72 digits) and their sums.
EXACT = Context(prec=120)

# The methods themselves: a function around each would cost as much again, dozens of times a fill.
multiply = EXACT.multiply
"""``left × right``, exactly."""

add = EXACT.add
"""``left + right``, exactly."""

subtract = EXACT.subtract
"""``left − right``, exactly."""


class NotADecimal(ValueError):
    """The text is no plain decimal within 18 integer and 18 fractional digits."""


def parse_decimal(text: str | int | Decimal) -> Decimal:
    """The decimal that ``text`` says, exactly; exponent form is read, nothing is rounded.

    Raises ``NotADecimal`` on anything else: NaN, Infinity, too many digits, a sign alone.
    """
    if isinstance(text, str) and len(text) > 64:
        raise NotADecimal("a number may have at most 64 characters")
    try:
        value = Decimal(text)
    except (InvalidOperation, ValueError):
        raise NotADecimal("not a decimal number") from None
    if not value.is_finite():
        raise NotADecimal("a number must be finite")
    if value == 0:
        return ZERO
    if value.adjusted() >= DIGITS_MAX:
        raise NotADecimal(f"at most {DIGITS_MAX} integer digits are allowed")
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if exponent < -DIGITS_MAX:
        stripped = value.normalize(EXACT)
        if int(stripped.as_tuple().exponent) < -DIGITS_MAX:
            raise NotADecimal(f"at most {DIGITS_MAX} fractional digits are allowed")
        return stripped
    return value


@lru_cache(maxsize=16384)  # one number is told in several rows of one command
def decimal_text(value: Decimal) -> str:
    """``value`` in plain notation: no exponent, no trailing zeros, zero is ``"0"``."""
    if not value:
        return "0"
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text


def round_to_scale(value: Fraction | Decimal) -> Decimal:
    """``value`` at 18 fractional digits, half-even: what may be stored or told."""
    if isinstance(value, Decimal):
        return value.quantize(_QUANTUM, ROUND_HALF_EVEN, EXACT)
    return round_ratio(value.numerator, value.denominator)


def round_ratio(numerator: int, denominator: int) -> Decimal:
    """``numerator / denominator`` at 18 fractional digits, half-even, without a fraction made."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    whole, rest = divmod(numerator * _SCALE, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole % 2):
        whole += 1
    return Decimal(whole).scaleb(-DIGITS_MAX, EXACT)


@lru_cache(maxsize=1024)  # an order's average price is told and stored
def divide(left: Decimal, right: Decimal) -> Decimal:
    """``left / right`` at 18 fractional digits, half-even.

    120 digits on the way are enough: of two numbers of the trade (at most 72 digits) no quotient
    that has no end can be told from a tie only beyond them.
    """
    return round_to_scale(EXACT.divide(left, right))


def is_on_step(value: Decimal, step: Decimal) -> bool:
    """Whether ``value`` is a whole number of steps."""
    return EXACT.remainder(value, step) == 0


def round_down_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The largest whole number of steps that is not above ``value`` (both not negative)."""
    return EXACT.subtract(value, EXACT.remainder(value, step))


def fraction_text(value: Fraction) -> str:
    """``value`` as ``numerator/denominator``, for storage without loss."""
    return f"{value.numerator}/{value.denominator}"
