"""Booked funding against the exchange's list: sums by symbol and due time."""

from datetime import timedelta
from decimal import Decimal

from kit.builders import NOON
from kit.databases.store_rows import a_deal
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.orders.execution_report import Charge, ChargeKind, ReportSource
from oms.domain.reconcile.funding_comparison import funding_differences

SYMBOL = "BTC/USDT:USDT"
HOUR = timedelta(hours=1)


def paid(name: str, amount: str, hours: int = 0) -> Charge:
    return Charge(
        kind=ChargeKind.FUNDING,
        charge_id=name,
        amount=Decimal(amount),
        currency="USDT",
        symbol=SYMBOL,
        executed_at=NOON + hours * HOUR,
        source=ReportSource.RECONCILE,
        received_at=NOON,
    )


def booked(number: int, amount: str, hours: int = 0) -> Deal:
    return a_deal(
        number,
        1,
        type=DealType.FUNDING,
        symbol=SYMBOL,
        profit=Decimal(amount),
        executed_at=NOON + hours * HOUR,
    )


def test_parts_of_one_due_time_are_summed() -> None:
    deals = [booked(1, "-0.32"), booked(2, "0.08"), booked(3, "0.06")]
    payments = [paid("a", "-0.24"), paid("b", "0.06")]
    assert funding_differences(payments, deals, NOON, NOON + HOUR) == []


def test_each_due_time_that_differs_is_found_within_the_period() -> None:
    payments = [paid("a", "-1"), paid("b", "-2", 1), paid("c", "-3", 2)]
    deals = [booked(1, "-1"), booked(2, "-2.5", 1), booked(4, "-7", 3)]
    found = funding_differences(payments, deals, NOON, NOON + 3 * HOUR)
    assert [(each.due_at - NOON, each.exchange_sum, each.booked_sum) for each in found] == [
        (HOUR, Decimal(-2), Decimal("-2.5")),
        (2 * HOUR, Decimal(-3), Decimal(0)),
    ]
    assert found[0].evidence() == {
        "symbol": SYMBOL,
        "due_at": "2026-02-25T13:00:00+00:00",
        "exchange_sum": "-2",
        "booked_sum": "-2.5",
    }
