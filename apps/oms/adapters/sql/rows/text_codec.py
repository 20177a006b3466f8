"""Text encodings shared by several tables."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import overload

from oms.domain.ledger.deal import FeeRate
from oms.domain.money import decimal_text
from oms.wire.json import dumps_fast, loads, time_text

COMMENT_CHARACTERS_MAX = 255


def encode_fees(fees: Mapping[str, Decimal]) -> str:
    """Return fees by currency as JSON text."""
    return dumps_fast(fees) if fees else "{}"


def decode_fees(text: str) -> dict[str, Decimal]:
    """Return the fees that ``encode_fees`` wrote."""
    if text == "{}":
        return {}
    return {currency: Decimal(fee) for currency, fee in loads(text).items()}


def encode_rate(rate: FeeRate) -> str:
    """Return the rate of a fee as JSON text."""
    fields = {"rate": decimal_text(rate.rate), "source": rate.source, "at": time_text(rate.at)}
    return dumps_fast(fields)


def decode_rate(text: str) -> FeeRate:
    """Return the rate that ``encode_rate`` wrote."""
    fields = loads(text)
    at = datetime.fromisoformat(fields["at"])
    return FeeRate(rate=Decimal(fields["rate"]), source=fields["source"], at=at)


def decode_fraction(text: str) -> Fraction:
    """Return the fraction that ``money.exact_text`` wrote."""
    numerator, _, denominator = text.partition("/")
    return Fraction(int(numerator), int(denominator))


@overload
def truncate(text: None) -> None: ...
@overload
def truncate(text: str) -> str: ...
def truncate(text: str | None) -> str | None:
    """Return ``text`` cut to its column: a long comment must not fail a whole batch."""
    return (
        text
        if text is None or len(text) <= COMMENT_CHARACTERS_MAX
        else text[:COMMENT_CHARACTERS_MAX]
    )
