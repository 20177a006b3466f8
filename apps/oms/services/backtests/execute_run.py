"""Executes a stored backtest: from its request and candles to what is stored of its result."""

from collections.abc import Mapping
from typing import Any

from oms.backtest.curve_sample import CurveSample
from oms.backtest.settings import BacktestSettings
from oms.domain.market.timeframe import Timeframe
from oms.ports.research.backtest_runs import BacktestOutcome, StoredBacktest
from oms.ports.research.strategy_process import StartedStrategy, StrategyFailed, StrategyStart
from oms.services.backtests.finished_run import outcome_of
from oms.services.backtests.run_backtest import BacktestRequest, StrategyRun, finished
from oms.strategies.catalog import StrategyDefinition
from oms.wire.backtests.run_settings import read_settings

ERROR_CHARACTERS_MAX = 1000


def stored_settings(run: StoredBacktest) -> BacktestSettings:
    """Return the settings of a stored backtest."""
    request: Mapping[str, Any] = run.order.request
    return read_settings(request["settings"])


def stored_request(run: StoredBacktest, definition: StrategyDefinition) -> BacktestRequest:
    """Return the request of a stored run of a built-in strategy."""
    request: Mapping[str, Any] = run.order.request
    return BacktestRequest(
        definition=definition, parameters=request["params"], settings=stored_settings(run)
    )


def stored_start(run: StoredBacktest) -> StrategyStart:
    """Return which strategy a stored run starts in a process."""
    request: Mapping[str, Any] = run.order.request
    return StrategyStart(
        name=run.order.strategy,
        timeframe=Timeframe(run.order.timeframe),
        parameters=request["params"],
    )


def refuse_other_code(run: StoredBacktest, started: StartedStrategy) -> None:
    """Raise ``StrategyFailed`` (``code_changed``) if it is not the code that was requested."""
    wanted = run.order.request.get("code_hash")
    if started.version == run.order.version and wanted in (None, started.code_hash):
        return
    message = (
        f"strategy {started.name} has changed since the backtest was requested:"
        f" version {run.order.version} with code {str(wanted)[:12]} is not there any more,"
        f" but version {started.version} with code {started.code_hash[:12]}"
    )
    raise StrategyFailed(message, reason="code_changed")


class RunExecution:
    """The execution of one stored run of a built-in strategy, candle by candle."""

    def __init__(self, request: BacktestRequest) -> None:
        """Raises ``Invalid`` for parameters or settings that are not valid any more."""
        self._curve = CurveSample()
        self._run = StrategyRun(request, self._curve.push)
        self.push = self._run.push

    def outcome(self) -> BacktestOutcome:
        """Return the result. Raises ``Invalid`` if no candle was in the window."""
        return outcome_of(finished(self._run.finish()), self._curve.points())


def failed_message(error: Exception) -> str:
    """Return why an execution failed: the error and where it was raised.

    Of a strategy of a user it is the end of the traceback.
    """
    if isinstance(error, StrategyFailed):
        text = error.description
        space = ERROR_CHARACTERS_MAX - len(text) - 1
        trace = error.traceback.strip()
        return f"{text}\n{trace[-space:]}" if trace and space > 0 else text
    trace_back, where = error.__traceback__, ""
    while trace_back is not None:
        code = trace_back.tb_frame.f_code
        where = f" ({code.co_name}, line {trace_back.tb_lineno})"
        trace_back = trace_back.tb_next
    return f"{type(error).__name__}: {error}{where}"
