"""Rows of statistics of closed positions."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.performance.trade_statistics import TradeStatistics
from oms.wire.json import optional_decimal_text
from oms.wire.responses.value_types import Count, DecimalText


class StatisticsRow(TypedDict):
    """Statistics of closed positions, net of fees; null is undefined."""

    total_positions: Count
    open_positions: Count
    closed_positions: Count
    winning_trades: Count
    losing_trades: Count
    breakeven_trades: Count
    tp_count: Count
    sl_count: Count
    trailing_count: Count
    timeout_count: Count
    manual_count: Annotated[Count, Field(description="By close_reason: api or manual.")]
    max_win_streak: Count
    max_loss_streak: Count
    winrate: Annotated[DecimalText | None, Field(description="0 to 100.")]
    currency: Annotated[
        str | None, Field(description="Of the amounts; null: none, or several, then no amounts.")
    ]
    total_pnl: DecimalText | None
    avg_pnl_per_trade: DecimalText | None
    avg_pnl_win: DecimalText | None
    avg_pnl_loss: DecimalText | None
    profit_factor: DecimalText | None
    payoff_ratio: DecimalText | None
    expectancy: DecimalText | None
    max_drawdown: Annotated[
        DecimalText | None, Field(description="Largest fall of the cumulative result.")
    ]
    fees_total: DecimalText | None


class StatisticsGroup(StatisticsRow):
    """Statistics of one group."""

    key: str | int


class StatisticsBody(StatisticsRow):
    """Statistics of all positions, and of each group if a grouping is requested."""

    group_by: str | None
    groups: list[StatisticsGroup]


def statistics_row(figures: TradeStatistics) -> StatisticsRow:
    """Return the row of statistics."""
    text = optional_decimal_text
    return {
        "total_positions": figures.total_positions,
        "open_positions": figures.open_positions,
        "closed_positions": figures.closed_positions,
        "winning_trades": figures.winning_trades,
        "losing_trades": figures.losing_trades,
        "breakeven_trades": figures.breakeven_trades,
        "tp_count": figures.tp_count,
        "sl_count": figures.sl_count,
        "trailing_count": figures.trailing_count,
        "timeout_count": figures.timeout_count,
        "manual_count": figures.manual_count,
        "max_win_streak": figures.max_win_streak,
        "max_loss_streak": figures.max_loss_streak,
        "winrate": text(figures.winrate),
        "currency": figures.currency,
        "total_pnl": text(figures.total_pnl),
        "avg_pnl_per_trade": text(figures.avg_pnl_per_trade),
        "avg_pnl_win": text(figures.avg_pnl_win),
        "avg_pnl_loss": text(figures.avg_pnl_loss),
        "profit_factor": text(figures.profit_factor),
        "payoff_ratio": text(figures.payoff_ratio),
        "expectancy": text(figures.expectancy),
        "max_drawdown": text(figures.max_drawdown),
        "fees_total": text(figures.fees_total),
    }
