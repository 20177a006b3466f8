"""Candles made for tests, and a run on them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from oms.backtest.result import BacktestResult, CurvePoint
from oms.backtest.run import Backtest
from oms.backtest.settings import BacktestSettings, contract_of
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import evolve
from oms.strategies.catalog import find_strategy
from oms.strategies.strategy import Bars, Decision, PositionSide

START = datetime(2024, 1, 1, tzinfo=UTC)
SETTINGS = BacktestSettings(instrument=contract_of("BTC/USDT"), timeframe=Timeframe.HOUR)


def candles_of(
    rows: Iterable[Sequence[str]], timeframe: Timeframe = Timeframe.HOUR
) -> list[Candle]:
    """Return candles of rows of open, high, low and close."""
    candles, at = [], START
    for row in rows:
        opened, high, low, close = map(Decimal, row)
        candles.append(
            Candle(open_time=at, open=opened, high=high, low=low, close=close, volume=Decimal(1))
        )
        at = timeframe.next_open(at)
    return candles


class ScriptedStrategy:
    """Makes given decisions at the close of given candles, counted from 0."""

    def __init__(self, script: Mapping[int, Sequence[Decision]]) -> None:
        self._script = script
        self._bars = 0
        self.sides: list[PositionSide] = []

    def warmup(self) -> Mapping[Timeframe, int]:
        """Return that it needs no candle before the first decision."""
        return {}

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        """Return the decisions of this candle."""
        self.sides.append(side)
        self._bars += 1
        return self._script.get(self._bars - 1, ())


def run_backtest(
    candles: Iterable[Candle],
    strategy: str | ScriptedStrategy,
    parameters: Mapping[str, str] | None = None,
    **settings: object,
) -> tuple[BacktestResult, list[CurvePoint]]:
    """Run a strategy by name or by script; returns the result and the equity curve."""
    chosen = evolve(SETTINGS, **settings)
    points: list[CurvePoint] = []
    if isinstance(strategy, ScriptedStrategy):
        backtest = Backtest(chosen, strategy, (), points.append)
    else:
        definition = find_strategy(strategy)
        made = definition.make(chosen.timeframe, definition.parse(parameters or {}))
        backtest = Backtest(chosen, made, definition.higher, points.append)
    for candle in candles:
        backtest.push(candle)
    return backtest.finish(), points
