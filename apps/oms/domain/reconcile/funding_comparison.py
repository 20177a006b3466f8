"""Comparison of booked funding with the exchange's list of payments.

The sums of each symbol and due time are compared: a payment may be booked in several parts.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from oms.domain.ledger.deal import Deal, DealType
from oms.domain.money import ZERO, add, decimal_text
from oms.domain.orders.execution_report import Charge, ChargeKind
from oms.domain.value import value

DueTime = tuple[str, datetime]
"""A symbol, and when its funding was due."""


@value
class FundingDifference:
    """The sums of one symbol and due time at the exchange and in the ledger."""

    symbol: str
    due_at: datetime
    exchange_sum: Decimal
    booked_sum: Decimal

    def evidence(self) -> dict[str, str]:
        """Return due time and sums as text; positive sums were received."""
        return {
            "symbol": self.symbol,
            "due_at": self.due_at.isoformat(),
            "exchange_sum": decimal_text(self.exchange_sum),
            "booked_sum": decimal_text(self.booked_sum),
        }


def funding_differences(
    payments: Iterable[Charge], deals: Iterable[Deal], since: datetime, until: datetime
) -> list[FundingDifference]:
    """Return the due times in ``[since, until)`` whose sums differ, in order."""
    paid = _sums(
        ((each.booking_symbol, each.executed_at), each.amount)
        for each in payments
        if each.kind is ChargeKind.FUNDING
    )
    booked = _sums(
        ((deal.symbol, deal.executed_at), deal.profit)
        for deal in deals
        if deal.type is DealType.FUNDING
    )
    return [
        FundingDifference(
            symbol=key[0],
            due_at=key[1],
            exchange_sum=paid.get(key, ZERO),
            booked_sum=booked.get(key, ZERO),
        )
        for key in sorted(paid.keys() | booked.keys())
        if since <= key[1] < until and paid.get(key, ZERO) != booked.get(key, ZERO)
    ]


def _sums(amounts: Iterable[tuple[DueTime, Decimal]]) -> Mapping[DueTime, Decimal]:
    sums: dict[DueTime, Decimal] = {}
    for key, amount in amounts:
        sums[key] = add(sums.get(key, ZERO), amount)
    return sums
