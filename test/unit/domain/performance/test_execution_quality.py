"""Slippage against the arrival price, and durations."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from oms.domain.performance.execution_quality import (
    Execution,
    compute_execution,
    slippage_bps,
    slippage_value,
)
from oms.domain.side import Side
from oms.domain.value import evolve

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HUNDRED = Decimal(100)
FILLED = Execution(
    account_id=1,
    strategy_id=0,
    source_id=0,
    symbol="BTC/USDT",
    side=Side.BUY,
    filled_qty=Decimal(2),
    avg_fill_price=Decimal("100.5"),
    arrival_price=HUNDRED,
    is_rejected=False,
    queued_at=NOON,
    admitted_at=NOON + timedelta(milliseconds=3),
    sent_at=NOON + timedelta(milliseconds=5),
    answered_at=None,
)


@pytest.mark.parametrize(
    ("side", "filled_at", "basis_points", "money"),
    [(Side.BUY, "100.5", 50, 1), (Side.BUY, "99", -100, -2), (Side.SELL, "99", 100, 2)],
)
def test_a_worse_price_costs(side: Side, filled_at: str, basis_points: int, money: int) -> None:
    price = Decimal(filled_at)
    assert slippage_bps(side, HUNDRED, price) == basis_points
    assert slippage_value("BTC/USDT:USDT", side, HUNDRED, price, Decimal(2)) == money


def test_unknown_figures_are_none() -> None:
    for arrival, filled in ((None, HUNDRED), (HUNDRED, None), (Decimal(0), HUNDRED)):
        assert slippage_bps(Side.BUY, arrival, filled) is None
    assert slippage_value("BTC/USD:BTC", Side.BUY, HUNDRED, HUNDRED, HUNDRED) is None
    empty = compute_execution([])
    assert (empty.orders, empty.avg_slippage_bps, empty.avg_queue_ms) == (0, None, None)
    assert empty.slippage == {}


def test_means_count_each_order_that_has_the_figure() -> None:
    rows = [
        FILLED,
        evolve(FILLED, avg_fill_price=Decimal("101.5"), queued_at=None),
        evolve(FILLED, arrival_price=None, sent_at=None),
        evolve(FILLED, filled_qty=Decimal(0), avg_fill_price=None, is_rejected=True),
    ]
    figures = compute_execution(rows)
    assert (figures.orders, figures.filled_orders, figures.rejected_orders) == (4, 3, 1)
    assert (figures.measured_orders, figures.avg_slippage_bps) == (2, 100)
    assert (figures.worst_slippage_bps, figures.slippage) == (150, {"USDT": Decimal(4)})
    assert (figures.avg_queue_ms, figures.avg_send_ms) == (3, 2)
    assert figures.avg_exchange_ms is None


def test_a_command_that_is_stored_ahead_of_the_clock_waited_for_nothing() -> None:
    ahead = evolve(FILLED, queued_at=FILLED.admitted_at + timedelta(microseconds=1))
    assert compute_execution([ahead]).avg_queue_ms == 0
