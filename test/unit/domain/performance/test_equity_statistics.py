"""Statistics of an equity curve: returns without deposits, drawdown, Sharpe and Sortino ratio."""

import statistics
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from oms.domain.performance.equity_statistics import (
    EquityPoint,
    compute_equity_statistics,
    daily_closes,
)

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _points(*rows: tuple[str, str]) -> list[EquityPoint]:
    return [
        EquityPoint(ts=START + timedelta(days=day), equity=Decimal(equity), flows=Decimal(flows))
        for day, (equity, flows) in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("rows", "return_pct", "drawdown_pct"),
    [
        ([("100", "0")], None, None),
        ([], None, None),
        ([("100", "0"), ("110", "0")], "10", "0"),
        ([("100", "0"), ("210", "100")], "10", "0"),
        ([("100", "0"), ("60", "-50")], "10", "0"),
        ([("100", "0"), ("90", "0"), ("99", "0")], "-1", "10"),
        ([("100", "0"), ("200", "100"), ("220", "100")], "10", "0"),
        ([("100", "7"), ("50", "7"), ("150", "57")], "0", "50"),
        ([("0", "0"), ("100", "100"), ("110", "100")], None, None),
    ],
)
def test_returns_are_chained_over_deposits(
    rows: list[tuple[str, str]], return_pct: str | None, drawdown_pct: str | None
) -> None:
    figures = compute_equity_statistics(_points(*rows))
    assert figures.return_pct == (None if return_pct is None else Decimal(return_pct))
    assert figures.max_drawdown_pct == (None if drawdown_pct is None else Decimal(drawdown_pct))


def test_ratios_equal_those_of_another_implementation() -> None:
    equities = [100, 103, 101, 106, 104, 109]
    figures = compute_equity_statistics(_points(*((str(each), "0") for each in equities)))
    returns = [after / before - 1 for before, after in pairwise(equities)]
    mean, year = statistics.fmean(returns), 365**0.5
    downside = statistics.fmean(min(each, 0) ** 2 for each in returns) ** 0.5
    assert figures.sharpe is not None and figures.sortino is not None
    assert float(figures.sharpe) == pytest.approx(mean / statistics.stdev(returns) * year)
    assert float(figures.sortino) == pytest.approx(mean / downside * year)


@pytest.mark.parametrize(
    "rows", [("100", "110"), ("100", "100", "100"), ("100", "110", "121", "133.1")]
)
def test_ratios_without_deviation_are_undefined(rows: tuple[str, ...]) -> None:
    figures = compute_equity_statistics(_points(*((each, "0") for each in rows)))
    assert (figures.sharpe, figures.sortino) == (None, None)


def test_a_day_has_its_last_point() -> None:
    hours = (0, 5, 11, 12, 36)
    points = [
        EquityPoint(ts=START + timedelta(hours=each), equity=Decimal(each), flows=Decimal(0))
        for each in hours
    ]
    assert [point.equity for point in daily_closes(points)] == [11, 12, 36]
