"""Runs a strategy on candles, and identifies what it ran on."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from oms.backtest.result import BacktestResult, CurvePoint
from oms.backtest.run import Backtest
from oms.backtest.settings import BacktestSettings
from oms.domain.market.candle import Candle
from oms.domain.money import plain_text
from oms.domain.value import value
from oms.strategies.catalog import StrategyDefinition
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


def run_backtest(
    request: BacktestRequest,
    candles: Iterable[Candle],
    on_point: Callable[[CurvePoint], None] = lambda _: None,
) -> BacktestRun:
    """Run a strategy on candles in ascending order; ``on_point`` receives the equity curve.

    Raises ``Invalid`` for bad parameters, settings or candles.
    """
    definition = request.definition
    parameters = definition.parse(request.parameters)
    digest = hashlib.sha256()
    return BacktestRun(
        request=request,
        version=definition.version,
        parameters=parameters,
        result=run_strategy(request, _hashed(candles, digest.update), on_point),
        params_hash=hash_parameters(parameters),
        data_hash=digest.hexdigest(),
    )


def run_strategy(
    request: BacktestRequest,
    candles: Iterable[Candle],
    on_point: Callable[[CurvePoint], None] = lambda _: None,
) -> BacktestResult:
    """Like ``run_backtest``, without what identifies the run."""
    definition, settings = request.definition, request.settings
    strategy = definition.make(settings.timeframe, definition.parse(request.parameters))
    backtest = Backtest(settings, strategy, definition.higher, on_point)
    for candle in candles:
        backtest.push(candle)
    return backtest.finish()


def _hashed(candles: Iterable[Candle], update: Callable[[bytes], None]) -> Iterator[Candle]:
    for candle in candles:
        update(_line(candle))
        yield candle


def _line(candle: Candle) -> bytes:
    """Return the candle as a line; equal candles have equal lines in any notation of numbers."""
    numbers = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    texts = ("" if each is None else plain_text(each) for each in numbers)
    return f"{candle.open_time:%Y-%m-%dT%H:%M:%SZ},{','.join(texts)}\n".encode()
