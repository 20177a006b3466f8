"""Small forms that several tables share."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import overload

from oms.domain.money import decimal_text
from oms.wire.json import dumps_fast, loads

COMMENT_CHARACTERS_MAX = 255


def encode_fees(fees: Mapping[str, Decimal]) -> str:
    """Fees by currency as JSON text."""
    if not fees:
        return "{}"
    return dumps_fast({currency: decimal_text(fee) for currency, fee in fees.items()})


def decode_fees(text: str) -> dict[str, Decimal]:
    """The fees that ``fees_text`` wrote."""
    if text == "{}":
        return {}
    return {currency: Decimal(fee) for currency, fee in loads(text).items()}


def decode_fraction(text: str) -> Fraction:
    """The fraction that ``money.exact_text`` wrote."""
    numerator, _, denominator = text.partition("/")
    return Fraction(int(numerator), int(denominator))


@overload
def truncate(text: None) -> None: ...
@overload
def truncate(text: str) -> str: ...
def truncate(text: str | None) -> str | None:
    """``text`` as long as its column: one long remark must not undo a whole batch."""
    return (
        text
        if text is None or len(text) <= COMMENT_CHARACTERS_MAX
        else text[:COMMENT_CHARACTERS_MAX]
    )
