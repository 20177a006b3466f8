"""A run with published figures: 12 hours of ``sma_cross``, one losing trade, to nine places."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from kit.backtests.candles import candles_of, run_backtest
from oms.backtest.result import ExecutionReason

OPENS = "100 100 101 99 98 99 103 104 106 105 100 98"
HIGHS = "101 102 101 99 100 103 105 107 107 105 102 99"
LOWS = "99 99 98 97 97 98 101 103 104 100 97 96"
CLOSES = "100 101 99 98 99 102 104 106 105 101 98 97"
EQUITY = {
    5: "10000",
    6: "10077.978259710",
    7: "10262.444279130",
    8: "10170.211269420",
    9: "9801.279230580",
    10: "9695.215881064",
    11: "9695.215881064",
}
NINE = Decimal(1).scaleb(-9)


def _nine(number: Decimal | None) -> Decimal:
    assert number is not None
    return number.quantize(NINE)


def test_the_figures_are_the_published_ones() -> None:
    candles = candles_of(zip(*(line.split() for line in (OPENS, HIGHS, LOWS, CLOSES)), strict=True))
    result, points = run_backtest(candles, "sma_cross", {"fast": "2", "slow": "4"})

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
