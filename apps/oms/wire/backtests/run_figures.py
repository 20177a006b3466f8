"""The figures that backtests are ranked by."""

from collections.abc import Mapping
from typing import Any

FIGURES = (
    *("initial_balance", "final_balance", "total_return", "total_return_pct", "total_trades"),
    *("winning_trades", "losing_trades", "breakeven_trades", "win_rate", "max_drawdown"),
    *("max_drawdown_seconds", "sharpe_ratio", "sortino_ratio", "profit_factor", "expectancy"),
    *("avg_win", "avg_loss", "fees_paid", "funding_paid", "cagr_pct"),
    *("exposure_pct", "buy_and_hold_return_pct", "bars", "warmup_bars", "skipped_min"),
)
"""Names of all figures that are numbers."""

SWEEP_FIGURES = (
    *("total_return_pct", "sharpe_ratio", "sortino_ratio", "max_drawdown", "cagr_pct"),
    *("total_trades", "win_rate", "profit_factor", "expectancy", "exposure_pct"),
    *("fees_paid", "final_balance"),
)
"""Figures of a row of a sweep; it can be ranked by those that are numbers."""

SORTABLE = tuple(
    each for each in SWEEP_FIGURES if each not in ("expectancy", "fees_paid", "final_balance")
)
FOLDS_MAX = 50

ASCENDING = frozenset(
    {
        *("max_drawdown", "max_drawdown_seconds", "fees_paid", "funding_paid"),
        *("losing_trades", "skipped_min"),
    }
)
"""Figures of which the lowest is the best."""


def rank_numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures that are known; amounts become floats, which only order runs."""
    known = {name: figures.get(name) for name in FIGURES}
    return {name: float(number) for name, number in known.items() if number is not None}
