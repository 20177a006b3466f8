"""Statistics of an equity curve: returns without deposits, drawdown, Sharpe and Sortino ratio."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate

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


#: Computed once with empyrical-reloaded 0.7.1 (numpy 2.4.6) of the returns ``r``:
#: ``sharpe_ratio(r, annualization=365)``, ``sortino_ratio(r, annualization=365)``,
#: ``max_drawdown(r)`` and ``cum_returns_final(r)``.
RECORDED = [
    (
        ("0.03", "-0.02", "0.05", "-0.02", "0.048"),
        (9.55341187212454, 26.582701141908057, -0.019999999999999934, 0.08852888480000032),
    ),
    (
        ("0.01", "0.02", "-0.005", "0", "0.015", "-0.03", "0.007"),
        (2.791374448257628, 4.036225921714454, -0.030000000000000193, 0.016276476900649817),
    ),
    (
        ("-0.1", "-0.2", "0.25", "0.05", "-0.01"),
        (-0.22527162764484832, -0.38171793622298195, -0.27999999999999986, -0.06444999999999979),
    ),
    (
        ("0.1", "0.2", "-0.9", "1.5", "0.3", "-0.04"),
        (4.786570318219028, 10.042868521917093, -0.9, -0.58816),
    ),
]


@pytest.mark.parametrize(("returns", "recorded"), RECORDED)
def test_figures_equal_those_recorded_from_another_program(
    returns: tuple[str, ...], recorded: tuple[float, ...]
) -> None:
    factors = (Decimal(1) + Decimal(each) for each in returns)
    equities = accumulate(factors, Decimal.__mul__, initial=Decimal(100))
    figures = compute_equity_statistics(_points(*((str(each), "0") for each in equities)))
    assert figures.sharpe is not None and figures.sortino is not None
    assert figures.max_drawdown_pct is not None and figures.return_pct is not None
    sharpe, sortino, drawdown, final = recorded
    assert float(figures.sharpe) == pytest.approx(sharpe, rel=1e-10)
    assert float(figures.sortino) == pytest.approx(sortino, rel=1e-10)
    assert float(figures.max_drawdown_pct) == pytest.approx(-100 * drawdown, rel=1e-10)
    assert float(figures.return_pct) == pytest.approx(100 * final, rel=1e-10)


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
