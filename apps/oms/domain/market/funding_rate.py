"""Funding rates of contracts as exchanges published them."""

from datetime import datetime
from decimal import Decimal

from oms.domain.errors import Invalid
from oms.domain.value import value

RATE_MAX = Decimal(1)
"""Largest rate of one payment, of either sign."""


@value
class FundingRate:
    """What longs pay to shorts at a time, as a share of the value; negative: what they get."""

    at: datetime
    rate: Decimal


def check_rate(rate: Decimal) -> None:
    """Raise ``Invalid`` for a rate that no exchange has."""
    if abs(rate) > RATE_MAX:
        raise Invalid(f"rate {rate}: a share of the value, from -1 to 1, is required")
