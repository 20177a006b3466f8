"""The sample of an equity curve, returns by month, and candles of a year."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.backtests.candles import SETTINGS
from oms.backtest.curve_sample import CurveSample
from oms.backtest.figures import periods_per_year
from oms.backtest.monthly_returns import MonthlyReturns
from oms.backtest.result import CurvePoint
from oms.domain.market.market_instrument import TradingSession
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import evolve
from oms.wire.backtests.result_json import settings_json
from oms.wire.backtests.run_settings import read_settings

START = datetime(2026, 1, 1, tzinfo=UTC)


def _point(hour: int, equity: int) -> CurvePoint:
    return CurvePoint(
        at=START + timedelta(hours=hour),
        close=Decimal(1),
        cash=Decimal(equity),
        position_value=Decimal(0),
        equity=Decimal(equity),
    )


@settings(max_examples=100)
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=300), st.integers(6, 40))
def test_a_sample_keeps_ends_and_extremes(equities: list[int], points_max: int) -> None:
    curve = [_point(hour, equity) for hour, equity in enumerate(equities)]
    sample = CurveSample(points_max)
    for point in curve:
        sample.push(point)
    kept = sample.points()
    assert len(kept) <= points_max
    assert [point.at for point in kept] == sorted({point.at for point in kept})
    assert set(map(id, kept)) <= set(map(id, curve))
    assert (kept[0], kept[-1]) == (curve[0], curve[-1])
    assert {min(equities), max(equities)} <= {int(point.equity) for point in kept}
    if len(curve) <= points_max - 2:
        assert kept == curve


def test_months_follow_each_other() -> None:
    months = MonthlyReturns()
    for hour, equity in ((0, 100), (700, 110), (800, 99), (1500, 198)):
        months.push(_point(hour, equity))
    found = [(each.month, each.return_pct) for each in months.returns()]
    assert found == [(1, Decimal(10)), (2, Decimal(-10)), (3, Decimal(100))]


@pytest.mark.parametrize(
    ("timeframe", "session", "count"),
    [
        ("5m", "24x7", 105_120),
        ("1h", "24x7", 8760),
        ("1d", "24x7", 365),
        ("1M", "24x7", 12),
        ("5m", "us_equity", 252 * 78),
        ("1h", "us_equity", 252 * 7),
        ("4h", "us_equity", 252 * 2),
        ("1d", "us_equity", 252),
        ("1w", "us_equity", 52),
        ("1M", "us_equity", 12),
    ],
)
def test_candles_of_a_year(timeframe: str, session: str, count: int) -> None:
    assert periods_per_year(Timeframe(timeframe), TradingSession(session)) == count


def test_stored_settings_are_read_as_they_were() -> None:
    chosen = evolve(
        SETTINGS,
        start=START,
        session=TradingSession.US_EQUITY,
        commission=Decimal("0.00075"),
        stop_loss_pct=Decimal("2.5"),
        volume_cap_pct=Decimal(10),
        allow_short=True,
    )
    assert read_settings(settings_json(chosen)) == chosen
