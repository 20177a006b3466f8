"""Runs a built-in strategy on candles, in this process."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from oms.backtest.result import BacktestResult, CurvePoint
from oms.backtest.run import Backtest
from oms.backtest.settings import BacktestSettings
from oms.domain.market.candle import Candle
from oms.domain.value import value
from oms.services.backtests.candle_hash import CandleHash
from oms.services.backtests.finished_run import FinishedRun, Parameters
from oms.strategies.catalog import StrategyDefinition
from oms.strategies.strategy import Strategy
from oms.wire.backtests.result_json import figures_json
from oms.wire.strategies.parameters_json import hash_parameters


@value
class BacktestRequest:
    """A strategy, its parameters that differ from the defaults, and settings."""

    definition: StrategyDefinition
    parameters: Mapping[str, str | int | Decimal]
    settings: BacktestSettings


@value
class BacktestRun:
    """A finished run; equal hashes mean equal candles and equal parameters."""

    request: BacktestRequest
    version: str
    #: All parameters, with those that have their default.
    parameters: Parameters
    result: BacktestResult
    params_hash: str
    data_hash: str


class StrategyRun:
    """A strategy on candles that are pushed in ascending order."""

    def __init__(
        self, request: BacktestRequest, on_point: Callable[[CurvePoint], None] = lambda _: None
    ) -> None:
        """``on_point`` receives the equity curve. Raises ``Invalid``."""
        self._request = request
        self._end = request.settings.end
        self._parameters = request.definition.parse(request.parameters)
        strategy = _new_strategy(request, self._parameters)
        self._backtest = _new_backtest(request, strategy, on_point)
        self._hash = CandleHash()

    def push(self, candle: Candle) -> None:
        """Process one more candle; one at or after the end counts nowhere. Raises ``Invalid``."""
        if self._end is None or candle.open_time < self._end:
            self._hash.update(candle)
            self._backtest.push(candle)

    def finish(self) -> BacktestRun:
        """Return the run. Raises ``Invalid`` if no candle was in the window."""
        return BacktestRun(
            request=self._request,
            version=self._request.definition.version,
            parameters=self._parameters,
            result=self._backtest.finish(),
            params_hash=hash_parameters(self._parameters),
            data_hash=self._hash.text(),
        )


def run_backtest(
    request: BacktestRequest,
    candles: Iterable[Candle],
    on_point: Callable[[CurvePoint], None] = lambda _: None,
) -> BacktestRun:
    """Run a strategy on candles in ascending order; ``on_point`` receives the equity curve.

    Raises ``Invalid`` for bad parameters, settings or candles.
    """
    run = StrategyRun(request, on_point)
    for candle in candles:
        run.push(candle)
    return run.finish()


def run_strategy(
    request: BacktestRequest,
    candles: Iterable[Candle],
    on_point: Callable[[CurvePoint], None] = lambda _: None,
) -> BacktestResult:
    """Like ``run_backtest``, without what identifies the run."""
    strategy = _new_strategy(request, request.definition.parse(request.parameters))
    backtest = _new_backtest(request, strategy, on_point)
    for candle in candles:
        backtest.push(candle)
    return backtest.finish()


def _new_strategy(request: BacktestRequest, parameters: Parameters) -> Strategy:
    return request.definition.make(request.settings.timeframe, parameters)


def _new_backtest(
    request: BacktestRequest, strategy: Strategy, on_point: Callable[[CurvePoint], None]
) -> Backtest:
    return Backtest(request.settings, strategy, request.definition.higher, on_point)


def finished(run: BacktestRun) -> FinishedRun:
    """Return what is shown and stored of a run."""
    settings, result = run.request.settings, run.result
    return FinishedRun(
        strategy=run.request.definition.name,
        version=run.version,
        parameters=run.parameters,
        settings=settings,
        figures=figures_json(result, settings),
        executions=result.executions,
        round_trips=result.round_trips,
        params_hash=run.params_hash,
        data_hash=run.data_hash,
    )
