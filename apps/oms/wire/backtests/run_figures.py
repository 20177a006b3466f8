"""The figures that backtests are ranked by."""

from collections.abc import Mapping
from typing import Any

FIGURES = (
    *("initial_balance", "final_balance", "total_return", "total_return_pct", "total_trades"),
    *("winning_trades", "losing_trades", "breakeven_trades", "win_rate", "max_drawdown"),
    *("max_drawdown_seconds", "sharpe_ratio", "sortino_ratio", "profit_factor", "expectancy"),
    *("avg_win", "avg_loss", "fees_paid", "cagr_pct", "exposure_pct"),
    *("buy_and_hold_return_pct", "bars", "warmup_bars", "skipped_min"),
)
"""Names of all figures that are numbers."""

ASCENDING = frozenset(
    {"max_drawdown", "max_drawdown_seconds", "fees_paid", "losing_trades", "skipped_min"}
)
"""Figures of which the lowest is the best."""


def rank_numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures that are defined; amounts become floats, which only order runs."""
    return {name: float(figures[name]) for name in FIGURES if figures[name] is not None}
