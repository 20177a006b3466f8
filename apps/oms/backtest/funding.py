"""Funding of the position of a backtest, from recorded rates.

A payment belongs to the candle that its time lies in, at its close: the position held there pays
its value times the rate, a long to a short. One opened at a time of funding does not pay it.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from oms.domain.market.funding_rate import FundingRate
from oms.domain.money import ZERO, add, multiply, round_to_scale


class FundingPayments:
    """The payments of one run; its rates ascend."""

    def __init__(self, rates: Sequence[FundingRate], begins_at: datetime) -> None:
        self._rates = rates
        self._next = 0
        self.take(begins_at)
        #: Sum of what was paid, net of what was received; in quote.
        self.paid = ZERO

    def take(self, until: datetime) -> Decimal:
        """Return the sum of the rates that were due since the last call, until a time."""
        total = ZERO
        while self._next < len(self._rates) and self._rates[self._next].at <= until:
            total = add(total, self._rates[self._next].rate)
            self._next += 1
        return total

    def payment(self, qty: Decimal, price: Decimal, until: datetime) -> Decimal:
        """Return what a position receives for what was due; negative: what it pays."""
        rate = self.take(until)
        if not rate or not qty:
            return ZERO
        amount = round_to_scale(multiply(multiply(qty, price), rate)).copy_negate()
        self.paid = add(self.paid, amount.copy_negate())
        return amount
