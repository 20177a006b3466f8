"""Values of fees in the settle currency of their instrument.

A fee is kept as it was charged. One in a *third* currency, which is neither the settle currency nor
taken from the coins of a spot execution, has a value by a rate only. The rate is stored with the
deal, with its source and time, and never changes; no quantity and no booked profit depends on it
(decision 0053).
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import mul
from typing import NamedTuple

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.deal import Deal, DealType, FeeRate, settle_fee
from oms.domain.money import ZERO, divide, multiply, round_to_scale

EXECUTION_PRICE = "execution"
"""Source of a rate that the price of the execution itself gives."""


def is_third_currency(instrument: Instrument, deal: Deal) -> bool:
    """Return whether the fee of the deal has a value by a rate only."""
    currency = deal.fee_currency
    return currency is not None and settle_fee(instrument, ZERO, currency, _price(deal)) is None


def fee_value(instrument: Instrument, deal: Deal) -> Decimal | None:
    """Return the fee of the deal in the settle currency at 18 places, ``None`` without a rate."""
    if deal.fee is None or deal.fee_currency is None:
        return ZERO
    booked = settle_fee(instrument, deal.fee, deal.fee_currency, _price(deal))
    if booked is None and deal.fee_rate is not None:
        return value_at(deal.fee, deal.fee_rate)
    return booked


def value_at(fee: Decimal, rate: FeeRate) -> Decimal:
    """Return a fee at its rate, at 18 places."""
    return round_to_scale(multiply(fee, rate.rate))


def execution_rate(instrument: Instrument, deal: Deal) -> FeeRate | None:
    """Return the rate that the price of the deal gives, if it is between the two currencies."""
    if not deal.price:
        return None
    is_inverse = instrument.kind is InstrumentKind.INVERSE
    if deal.fee_currency != (instrument.quote if is_inverse else instrument.base):
        return None
    rate = divide(Decimal(1), deal.price) if is_inverse else deal.price
    return FeeRate(rate=rate, source=EXECUTION_PRICE, at=deal.executed_at)


class MarketPrice(NamedTuple):
    """The exact price of a conversion in one market."""

    price: Fraction
    symbol: str
    at: datetime


def chain_prices(prices: Sequence[MarketPrice]) -> FeeRate:
    """Return the rate of conversions one after the other, rounded once to 18 places.

    Its time is that of the oldest price.
    """
    return FeeRate(
        rate=round_to_scale(reduce(mul, (each.price for each in prices))),
        source=",".join(each.symbol for each in prices),
        at=min(each.at for each in prices),
    )


def _price(deal: Deal) -> Decimal | None:
    """Return the price at which a fee in coins was booked; a fee reported later takes no coins."""
    return None if deal.type is DealType.COMMISSION else deal.price
