"""Exact decimals for quantities, prices and money, and the only place where they are rounded.

Quantities, prices and fees are ``Decimal`` within 18 integer and 18 fractional digits. Costs inside
the ledger are ``Fraction``: a third has no finite decimal form, and rounding it would make the sum
of parts differ from the whole. ``round_to_scale`` converts to decimals where numbers leave the
ledger. Binary floating point is not used.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache, reduce

DIGITS_MAX = 18
"""Maximum number of digits before and after the decimal point."""

ZERO = Decimal(0)
_QUANTUM = Decimal(1).scaleb(-DIGITS_MAX)
_SCALE = 10**DIGITS_MAX
#: Wide enough for any exact product of two input decimals (72 digits) and their sums.
EXACT = Context(prec=120)

# The bound methods themselves: a wrapper function would double the cost of each call.
multiply = EXACT.multiply
"""``left × right``, exact."""

add = EXACT.add
"""``left + right``, exact."""

subtract = EXACT.subtract
"""``left − right``, exact."""


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum; zero if there are none."""
    return reduce(add, amounts, ZERO)


class NotADecimal(ValueError):
    """The text is no plain decimal within 18 integer and 18 fractional digits."""


def parse_decimal(text: str | int | Decimal) -> Decimal:
    """Return the exact decimal of ``text``; exponent notation is accepted, nothing is rounded.

    Raises ``NotADecimal`` for anything else: NaN, Infinity, too many digits, a sign alone.
    """
    is_short = False
    if isinstance(text, str):
        length = len(text)
        if length > 64:
            raise NotADecimal("a number may have at most 64 characters")
        # Without an exponent at most DIGITS_MAX characters follow the point.
        is_short = length <= DIGITS_MAX + 1 and "e" not in text and "E" not in text
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
    if is_short:
        return value
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if exponent < -DIGITS_MAX:
        stripped = value.normalize(EXACT)
        if int(stripped.as_tuple().exponent) < -DIGITS_MAX:
            raise NotADecimal(f"at most {DIGITS_MAX} fractional digits are allowed")
        return stripped
    return value


def plain_text(value: Decimal) -> str:
    """Return ``value`` in plain notation: no exponent, no trailing zeros, zero is ``"0"``."""
    if not value:
        return "0"
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text


decimal_text = lru_cache(maxsize=16384)(plain_text)
"""``plain_text`` with a cache: the same number is written in several rows of one command."""


def round_to_scale(value: Fraction | Decimal) -> Decimal:
    """Return ``value`` rounded to 18 fractional digits, half-even."""
    if isinstance(value, Decimal):
        return value.quantize(_QUANTUM, ROUND_HALF_EVEN, EXACT)
    return round_ratio(value.numerator, value.denominator)


def round_ratio(numerator: int, denominator: int) -> Decimal:
    """Return ``numerator / denominator`` rounded to 18 fractional digits, half-even."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    whole, rest = divmod(numerator * _SCALE, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole % 2):
        whole += 1
    return Decimal(whole).scaleb(-DIGITS_MAX, EXACT)


@lru_cache(maxsize=1024)  # the average price of an order is computed for its row and its events
def divide(left: Decimal, right: Decimal) -> Decimal:
    """Return ``left / right`` rounded to 18 fractional digits, half-even.

    Intermediate precision of 120 digits suffices: for operands of at most 72 digits, a
    non-terminating quotient differs from a tie within that precision.
    """
    return round_to_scale(EXACT.divide(left, right))


def is_on_step(value: Decimal, step: Decimal) -> bool:
    """Return whether ``value`` is a multiple of ``step``."""
    return EXACT.remainder(value, step) == 0


def round_down_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of ``step`` not above ``value`` (both not negative)."""
    return EXACT.subtract(value, EXACT.remainder(value, step))


def exact_fraction(value: Decimal) -> Fraction:
    """Return the decimal as a fraction, as ``Fraction(value)`` in less time."""
    return Fraction(*value.as_integer_ratio())


def sum_of(left: Fraction, right: Fraction) -> Fraction:
    """Return ``left + right`` in less time."""
    number, parts = left.as_integer_ratio()
    added, other_parts = right.as_integer_ratio()
    if parts == other_parts:
        return Fraction(number + added, parts)
    return Fraction(number * other_parts + added * parts, parts * other_parts)


def part_of(value: Fraction, part: Decimal, whole: Decimal) -> Fraction:
    """Return ``value × part / whole`` in less time; the whole is not 0."""
    number, parts = value.as_integer_ratio()
    up, down = part.as_integer_ratio()
    whole_up, whole_down = whole.as_integer_ratio()
    return Fraction(number * up * whole_down, parts * down * whole_up)


def fraction_text(value: Fraction) -> str:
    """Return ``value`` as ``numerator/denominator``, for storage without loss."""
    numerator, denominator = value.as_integer_ratio()
    return f"{numerator}/{denominator}"
