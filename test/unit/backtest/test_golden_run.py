"""A run with published figures: 12 hours of ``sma_cross``, one losing trade, to nine places."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from kit.backtests.candles import run_backtest
from kit.backtests.golden_run import EQUITY, PARAMETERS, golden_candles
from oms.backtest.result import ExecutionReason

NINE = Decimal(1).scaleb(-9)


def _nine(number: Decimal | None) -> Decimal:
    assert number is not None
    return number.quantize(NINE)


def test_the_figures_are_the_published_ones() -> None:
    result, points = run_backtest(golden_candles(), "sma_cross", PARAMETERS)

    buy, sell = result.executions
    assert (buy.at, sell.at) == (
        datetime(2024, 1, 1, 6, tzinfo=UTC),
        datetime(2024, 1, 1, 10, tzinfo=UTC),
    )
    assert (buy.qty, buy.price) == (Decimal("92.23300971"), Decimal("103.0515"))
    assert (sell.qty, sell.price) == (Decimal("92.23300971"), Decimal("99.95"))
    (trip,) = result.round_trips
    assert trip.pnl == Decimal("-304.784118936209565")
    assert (trip.bars_held, trip.exit_reason) == (4, ExecutionReason.SIGNAL)
    assert (result.trades.total, result.trades.wins, result.trades.losses) == (1, 0, 1)
    assert result.trades.win_rate == 0
    assert result.equity.total_return == trip.pnl
    assert _nine(result.equity.final_balance) == Decimal("9695.215881064")
    assert _nine(result.equity.total_return_pct) == Decimal("-3.047841189")
    assert _nine(result.equity.max_drawdown_pct) == Decimal("5.527225119")
    assert _nine(result.equity.sharpe_ratio) == Decimal("-18.869219808")
    assert _nine(result.equity.sortino_ratio) == Decimal("-21.746714548")
    assert {bar: _nine(points[bar].equity) for bar in EQUITY} == {
        bar: Decimal(equity).quantize(NINE) for bar, equity in EQUITY.items()
    }
    assert len(points) == 12
    assert all(point.equity == point.cash + point.position_value for point in points)
    # The peak is at the close of bar 7, and the run ends at that of bar 11.
    assert result.equity.max_drawdown_seconds == timedelta(hours=4).total_seconds()
    assert not result.warmup_ok
