"""Executes a stored backtest: from its request and candles to what is stored of its result."""

from collections.abc import Callable, Mapping
from typing import Any

from oms.backtest.curve_sample import CurveSample
from oms.backtest.result import CurvePoint, Execution, RoundTrip
from oms.ports.research.backtest_runs import BacktestOutcome, Row, StoredBacktest
from oms.services.backtests.run_backtest import BacktestRequest, StrategyRun
from oms.strategies.catalog import StrategyDefinition
from oms.wire.backtests.result_json import SIDES, figures_json
from oms.wire.backtests.run_figures import rank_numbers
from oms.wire.backtests.run_settings import read_settings

FindStrategy = Callable[[str], StrategyDefinition]
"""Returns a strategy by its name. Raises ``NotFound``."""


def stored_request(run: StoredBacktest, find: FindStrategy) -> BacktestRequest:
    """Return the request of a stored run. Raises ``NotFound``."""
    request: Mapping[str, Any] = run.order.request
    return BacktestRequest(
        definition=find(run.order.strategy),
        parameters=request["params"],
        settings=read_settings(request["settings"]),
    )


class RunExecution:
    """The execution of one stored run, candle by candle."""

    def __init__(self, request: BacktestRequest) -> None:
        """Raises ``Invalid`` for parameters or settings that are not valid any more."""
        self._settings = request.settings
        self._curve = CurveSample()
        self._run = StrategyRun(request, self._curve.push)
        self.push = self._run.push

    def outcome(self) -> BacktestOutcome:
        """Return the result. Raises ``Invalid`` if no candle was in the window."""
        done = self._run.finish()
        figures = figures_json(done.result, self._settings)
        executions = enumerate(done.result.executions, start=1)
        return BacktestOutcome(
            result=figures,
            figures=rank_numbers(figures),
            data_hash=done.data_hash,
            trades=[_trade(number, each) for number, each in executions],
            round_trips=[_round_trip(each) for each in done.result.round_trips],
            points=[_point(each) for each in self._curve.points()],
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


def failed_message(error: Exception) -> str:
    """Return why an execution failed: the error and where it was raised."""
    trace, where = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        where = f" ({code.co_name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{where}"
