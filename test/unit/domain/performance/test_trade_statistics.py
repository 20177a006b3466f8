"""Statistics of closed positions: a table of cases, the golden one first."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from oms.domain.performance.trade_statistics import (
    ClosedPosition,
    TradeStatistics,
    compute_statistics,
    group_positions,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
AMOUNTS = (
    *("total_pnl", "avg_pnl_per_trade", "avg_pnl_win", "avg_pnl_loss", "profit_factor"),
    *("payoff_ratio", "expectancy", "max_drawdown", "fees_total"),
)


def _closed(number: int, result: str, reason: str = "manual", **more: object) -> ClosedPosition:
    fields = {
        "id": number,
        "account_id": 1,
        "strategy_id": 0,
        "symbol": "BTC/USDT",
        "exchange": "paper.binance",
        "currency": "USDT",
        "result": Decimal(result),
        "fees": Decimal("0.5"),
        "close_reason": reason,
        "closed_at": START + timedelta(minutes=number),
    }
    return ClosedPosition(**(fields | more))  # type: ignore[arg-type]


def _of(*results: str) -> TradeStatistics:
    rows = [_closed(number, result) for number, result in enumerate(results, 1)]
    return compute_statistics(rows, 0)


def test_the_golden_statistics() -> None:
    rows = [
        _closed(1, "10", "tp"),
        _closed(2, "5", "tp"),
        _closed(3, "-4", "sl"),
        _closed(4, "0", "manual"),
    ]
    figures = compute_statistics(rows, open_positions=1)
    expected = {
        "total_positions": 5,
        "open_positions": 1,
        "closed_positions": 4,
        "total_pnl": 11,
        "winrate": 50,
        "avg_pnl_per_trade": Decimal("2.75"),
        "avg_pnl_win": Decimal("7.5"),
        "avg_pnl_loss": -4,
        "profit_factor": Decimal("3.75"),
        "payoff_ratio": Decimal("1.875"),
        "expectancy": Decimal("2.75"),
        "winning_trades": 2,
        "losing_trades": 1,
        "breakeven_trades": 1,
        "tp_count": 2,
        "sl_count": 1,
        "manual_count": 1,
        "trailing_count": 0,
        "timeout_count": 0,
        "max_win_streak": 2,
        "max_loss_streak": 1,
        "max_drawdown": 4,
        "fees_total": 2,
        "currency": "USDT",
    }
    assert {name: getattr(figures, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("results", "name", "expected"),
    [
        (("1", "1", "1"), "profit_factor", None),
        (("1", "1", "1"), "payoff_ratio", None),
        (("1", "1", "1"), "avg_pnl_loss", None),
        (("1", "1", "1"), "max_drawdown", 0),
        (("1", "1", "1"), "winrate", 100),
        (("-1", "-2"), "avg_pnl_win", None),
        (("-1", "-2"), "profit_factor", 0),
        (("-1", "-2"), "max_drawdown", 3),
        (("-1", "-2"), "max_loss_streak", 2),
        (("0",), "winrate", 0),
        (("0",), "profit_factor", None),
        (("3", "-1", "-1", "5", "-4"), "max_drawdown", 4),
        (("3", "-5", "1", "-2"), "max_drawdown", 6),
        (("1", "0", "1", "1"), "max_win_streak", 2),
        (("1", "1", "-1"), "winrate", Decimal("66.666666666666666667")),
        (("1", "1", "-3"), "payoff_ratio", Decimal("0.333333333333333333")),
    ],
)
def test_figures(results: tuple[str, ...], name: str, expected: object) -> None:
    assert getattr(_of(*results), name) == expected


def test_without_closed_positions_every_figure_is_unknown() -> None:
    figures = compute_statistics([], open_positions=2)
    assert (figures.total_positions, figures.closed_positions) == (2, 0)
    assert [getattr(figures, name) for name in ("winrate", "currency", *AMOUNTS)] == [None] * 11


def test_amounts_of_two_currencies_are_not_added() -> None:
    rows = [_closed(1, "10"), _closed(2, "-1", currency="BTC", symbol="BTC/USD:BTC")]
    figures = compute_statistics(rows, 0)
    assert [getattr(figures, name) for name in ("currency", *AMOUNTS)] == [None] * 10
    assert (figures.winrate, figures.winning_trades, figures.losing_trades) == (50, 1, 1)


def test_the_order_is_that_of_the_closing() -> None:
    late = _closed(1, "-2", closed_at=START + timedelta(days=1))
    figures = compute_statistics([late, _closed(2, "1"), _closed(3, "1")], 0)
    assert (figures.max_win_streak, figures.max_drawdown) == (2, 2)


def test_groups_are_in_the_order_of_their_keys() -> None:
    rows = [_closed(1, "1", symbol="B"), _closed(2, "2", symbol="A"), _closed(3, "3", symbol="B")]
    groups = group_positions(rows, lambda each: each.symbol)
    assert {key: [row.id for row in group] for key, group in groups.items()} == {
        "A": [2],
        "B": [1, 3],
    }
    assert list(groups) == ["A", "B"]
