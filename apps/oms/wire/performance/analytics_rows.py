"""Rows of equity curves and of summaries."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.money import add, decimal_text
from oms.domain.performance.equity_curve import CurvePoint
from oms.domain.performance.equity_statistics import EquityStatistics
from oms.domain.performance.result_curve import ResultPoint
from oms.domain.performance.trade_statistics import TradeStatistics
from oms.wire.json import optional_decimal_text, time_text
from oms.wire.responses.value_types import Count, DecimalText, Id, TimeText


class EquityPointRow(TypedDict):
    """Equity at a time."""

    ts: TimeText
    equity: DecimalText
    flows: Annotated[DecimalText, Field(description="Deposits less withdrawals so far.")]
    drawdown_pct: DecimalText | None


class EquityCurveRow(TypedDict):
    """The equity of one account."""

    account_id: Id
    currency: str
    points: list[EquityPointRow]


class ResultPointRow(TypedDict):
    """The sum of net results up to a time."""

    ts: TimeText
    result: DecimalText
    drawdown: Annotated[DecimalText, Field(description="How far it is below its highest value.")]


class ResultCurveRow(TypedDict):
    """What one strategy earned in one currency."""

    strategy_id: Annotated[Count, Field(description="0: positions without a strategy.")]
    currency: str
    points: list[ResultPointRow]


class ResultsRow(TypedDict):
    """Results of closed positions; null is unknown."""

    open_positions: Count
    closed_positions: Count
    closed_today: Count | None
    realized_today: Annotated[
        DecimalText | None, Field(description="Gross, of positions closed today (UTC).")
    ]
    fees_today: DecimalText | None
    win_rate: DecimalText | None


class StrategyResultsRow(ResultsRow):
    """Results of one strategy."""

    strategy_id: Count


class SummaryRow(ResultsRow):
    """Statistics of one account."""

    account_id: Id
    currency: str
    return_pct: DecimalText | None
    max_drawdown_pct: DecimalText | None
    sharpe: Annotated[DecimalText | None, Field(description="Of daily closes, per year.")]
    sortino: DecimalText | None
    strategies: list[StrategyResultsRow]


def result_curve_row(
    strategy_id: int, currency: str, points: Sequence[ResultPoint]
) -> ResultCurveRow:
    """Return the row of a curve of results."""
    return {
        "strategy_id": strategy_id,
        "currency": currency,
        "points": [
            {
                "ts": time_text(each.ts),
                "result": decimal_text(each.result),
                "drawdown": decimal_text(each.drawdown),
            }
            for each in points
        ],
    }


def equity_curve_row(
    account_id: int, currency: str, points: Sequence[CurvePoint]
) -> EquityCurveRow:
    """Return the row of a curve."""
    return {
        "account_id": account_id,
        "currency": currency,
        "points": [
            {
                "ts": time_text(each.ts),
                "equity": decimal_text(each.equity),
                "flows": decimal_text(each.flows),
                "drawdown_pct": optional_decimal_text(each.drawdown_pct),
            }
            for each in points
        ],
    }


def results_row(whole: TradeStatistics, today: TradeStatistics) -> ResultsRow:
    """Return the row of results; an account that never closed a position has no amounts."""
    row: ResultsRow = {
        "open_positions": whole.open_positions,
        "closed_positions": whole.closed_positions,
        "closed_today": None,
        "realized_today": None,
        "fees_today": None,
        "win_rate": optional_decimal_text(whole.winrate),
    }
    if not (whole.closed_positions or today.closed_positions):
        return row
    row["closed_today"] = today.closed_positions
    if not today.closed_positions:
        row["realized_today"] = row["fees_today"] = "0"
    elif today.total_pnl is not None and today.fees_total is not None:
        row["realized_today"] = decimal_text(add(today.total_pnl, today.fees_total))
        row["fees_today"] = decimal_text(today.fees_total)
    return row


def summary_row(
    account_id: int,
    currency: str,
    equity: EquityStatistics,
    results: ResultsRow,
    strategies: Mapping[int, ResultsRow],
) -> SummaryRow:
    """Return the row of a summary."""
    return {
        "account_id": account_id,
        "currency": currency,
        "return_pct": optional_decimal_text(equity.return_pct),
        "max_drawdown_pct": optional_decimal_text(equity.max_drawdown_pct),
        "sharpe": optional_decimal_text(equity.sharpe),
        "sortino": optional_decimal_text(equity.sortino),
        **results,
        "strategies": [
            {"strategy_id": strategy_id, **row} for strategy_id, row in sorted(strategies.items())
        ],
    }
