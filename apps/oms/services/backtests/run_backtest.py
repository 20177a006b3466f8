"""Runs a strategy on candles, and identifies what it ran on."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from oms.backtest.lookahead import candles_checked, check_lookahead
from oms.backtest.result import BacktestResult, CurvePoint
from oms.backtest.run import Backtest
from oms.backtest.settings import BacktestSettings
from oms.domain.market.candle import Candle
from oms.domain.money import plain_text
from oms.domain.value import value
from oms.strategies.catalog import StrategyDefinition
from oms.strategies.strategy import BatchStrategy, Strategy
from oms.wire.strategies.parameters_json import hash_parameters

Parameters = Mapping[str, int | Decimal]


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
        self._strategy = _new_strategy(request, self._parameters)
        self._backtest = _new_backtest(request, self._strategy, on_point)
        self._digest = hashlib.sha256()

    @property
    def strategy(self) -> Strategy:
        """The strategy that runs."""
        return self._strategy

    def push(self, candle: Candle) -> None:
        """Process one more candle; one at or after the end counts nowhere. Raises ``Invalid``."""
        if self._end is None or candle.open_time < self._end:
            self._digest.update(_line(candle))
            self._backtest.push(candle)

    def finish(self) -> BacktestRun:
        """Return the run. Raises ``Invalid`` if no candle was in the window."""
        return BacktestRun(
            request=self._request,
            version=self._request.definition.version,
            parameters=self._parameters,
            result=self._backtest.finish(),
            params_hash=hash_parameters(self._parameters),
            data_hash=self._digest.hexdigest(),
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
    for candle in _previewed(request, run.strategy, candles):
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
    for candle in _previewed(request, strategy, candles):
        backtest.push(candle)
    return backtest.finish()


def _new_strategy(request: BacktestRequest, parameters: Parameters) -> Strategy:
    return request.definition.make(request.settings.timeframe, parameters)


def _new_backtest(
    request: BacktestRequest, strategy: Strategy, on_point: Callable[[CurvePoint], None]
) -> Backtest:
    return Backtest(request.settings, strategy, request.definition.higher, on_point)


def _previewed(
    request: BacktestRequest, strategy: Strategy, candles: Iterable[Candle]
) -> Iterable[Candle]:
    """Return the candles, after a strategy on data frames has calculated all of them.

    It is checked for look-ahead before. Raises ``Invalid`` with the reason ``lookahead_detected``.
    """
    if not isinstance(strategy, BatchStrategy):
        return candles
    settings, definition = request.settings, request.definition
    known = [each for each in candles if settings.end is None or each.open_time < settings.end]
    parameters = definition.parse(request.parameters)
    newest = known[-candles_checked(strategy, settings.timeframe) :]
    check_lookahead(
        lambda: _new_strategy(request, parameters), newest, settings.timeframe, definition.higher
    )
    strategy.preview(known)
    return known


def hash_candles(candles: Iterable[Candle]) -> str:
    """Return the hash that a run on these candles has."""
    digest = hashlib.sha256()
    for candle in candles:
        digest.update(_line(candle))
    return digest.hexdigest()


def _line(candle: Candle) -> bytes:
    """Return the candle as a line; equal candles have equal lines in any notation of numbers."""
    numbers = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    texts = ("" if each is None else plain_text(each) for each in numbers)
    return f"{candle.open_time:%Y-%m-%dT%H:%M:%SZ},{','.join(texts)}\n".encode()
