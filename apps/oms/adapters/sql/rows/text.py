"""Small forms that several tables share."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import overload

from oms.domain.money import plain
from oms.wire.json import dumps_plain, loads

COMMENT_CHARS_MAX = 255


def fees_text(fees: Mapping[str, Decimal]) -> str:
    """Fees by currency as JSON text."""
    if not fees:
        return "{}"
    return dumps_plain({currency: plain(fee) for currency, fee in fees.items()})


def fees_of(text: str) -> dict[str, Decimal]:
    """The fees that ``fees_text`` wrote."""
    if text == "{}":
        return {}
    return {currency: Decimal(fee) for currency, fee in loads(text).items()}


def fraction_of(text: str) -> Fraction:
    """The fraction that ``money.exact_text`` wrote."""
    numerator, _, denominator = text.partition("/")
    return Fraction(int(numerator), int(denominator))


@overload
def clipped(text: None) -> None: ...
@overload
def clipped(text: str) -> str: ...
def clipped(text: str | None) -> str | None:
    """``text`` as long as its column: one long remark must not undo a whole batch."""
    return text if text is None or len(text) <= COMMENT_CHARS_MAX else text[:COMMENT_CHARS_MAX]
