"""Curves of the results of a strategy."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from oms.domain.performance.result_curve import build_result_curve

START = datetime(2026, 1, 1, 22, tzinfo=UTC)


def _results(*amounts: int) -> list[tuple[datetime, Decimal]]:
    return [(START + timedelta(hours=n), Decimal(amount)) for n, amount in enumerate(amounts)]


def test_results_are_summed_in_the_order_of_time() -> None:
    curve = build_result_curve(reversed(_results(-3, 10, -4, 6)), 100)
    assert [int(point.result) for point in curve] == [-3, 7, 3, 9]
    assert [int(point.drawdown) for point in curve] == [3, 0, 4, 0], "below zero counts from zero"


def test_the_last_point_of_each_period_is_kept() -> None:
    curve = build_result_curve(_results(1, 1, 1), 100, "day")
    assert [(point.ts.day, int(point.result)) for point in curve] == [(1, 2), (2, 3)]


def test_a_long_curve_keeps_its_extremes() -> None:
    amounts = [1] * 500 + [-900] + [1] * 500
    curve = build_result_curve(_results(*amounts), 40)
    assert len(curve) <= 40
    results = [int(point.result) for point in curve]
    assert (min(results), max(results)) == (-400, 500)
    assert (results[0], results[-1]) == (1, 100)
