"""A run that is finished, wherever its strategy ran: what is shown and stored of it."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from oms.backtest.result import CurvePoint, Execution, RoundTrip
from oms.backtest.settings import BacktestSettings
from oms.domain.value import value
from oms.ports.research.backtest_runs import BacktestOutcome, Row
from oms.wire.backtests.result_json import SIDES
from oms.wire.backtests.run_figures import rank_numbers

Parameters = Mapping[str, int | Decimal]


@value
class FinishedRun:
    """A finished run; equal hashes mean equal candles and equal parameters."""

    strategy: str
    version: str
    #: All parameters, with those that have their default.
    parameters: Parameters
    settings: BacktestSettings
    #: ``result_json.figures_json`` of the result.
    figures: Mapping[str, Any]
    executions: Sequence[Execution]
    round_trips: Sequence[RoundTrip]
    params_hash: str
    data_hash: str


def outcome_of(run: FinishedRun, points: Iterable[CurvePoint]) -> BacktestOutcome:
    """Return what is stored of a run and the points of its curve."""
    return BacktestOutcome(
        result=run.figures,
        figures=rank_numbers(run.figures),
        data_hash=run.data_hash,
        trades=[_trade(number, each) for number, each in enumerate(run.executions, start=1)],
        round_trips=[_round_trip(each) for each in run.round_trips],
        points=[_point(each) for each in points],
    )


def _trade(number: int, execution: Execution) -> Row:
    return {
        "number": number,
        "at": execution.at,
        "side": execution.side.value,
        "quantity": execution.qty,
        "price": execution.price,
        "value": execution.value,
        "fee": execution.fee,
        "reason": execution.reason.value,
        "round_trip": execution.round_trip,
    }


def _round_trip(trip: RoundTrip) -> Row:
    return {
        "number": trip.number,
        "side": SIDES[trip.side],
        "entry_time": trip.entry_time,
        "entry_price": trip.entry_price,
        "exit_time": trip.exit_time,
        "exit_price": trip.exit_price,
        "qty": trip.qty,
        "fees": trip.fees,
        "pnl": trip.pnl,
        "pnl_pct": trip.pnl_pct,
        "bars_held": trip.bars_held,
        "exit_reason": trip.exit_reason.value,
    }


def _point(point: CurvePoint) -> Row:
    return {
        "at": point.at,
        "close": point.close,
        "balance": point.cash,
        "position_value": point.position_value,
        "total_equity": point.equity,
    }
