"""What a process calculates from all candles of a series: they arrive in parts, then it ends.

``StrategyHost`` begins one with a message, gives it candles in ascending order, and returns what
``push`` and ``finish`` return. ``finish`` is called again while its answer has ``CONTINUES``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from oms.adapters.strategy_code.frames import CONTINUES, Message
from oms.backtest.lookahead import candles_checked, check_lookahead
from oms.backtest.result import CurvePoint
from oms.backtest.run import Backtest
from oms.backtest.strategy_chart import ChartRange, StrategyChart, Timeline
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.strategies.strategy import BatchStrategy, Strategy
from oms.wire.backtests.result_json import figures_json
from oms.wire.backtests.run_messages import (
    encode_execution,
    encode_point,
    encode_round_trip,
    read_run_message,
)
from oms.wire.strategies.chart_json import chart_json
from oms.wire.strategies.messages import decode_time

Item = TypeVar("Item")

ITEMS_PER_PART = 2000
"""Rows of a part of a result."""


@value
class StartedRun:
    """A strategy that can be built again for each run of a calculation."""

    make: Callable[[], Strategy]
    base: Timeframe
    higher: Sequence[Timeframe]


class Calculation(Protocol):
    """A calculation from candles."""

    def push(self, candles: Sequence[Candle]) -> Message:
        """Take more candles; returns what is known of the result by now."""
        ...

    def finish(self) -> Message:
        """Return the result as JSON, or the next part of it."""
        ...


class ChartCalculation:
    """The chart of a strategy."""

    def __init__(self, run: StartedRun, message: Message) -> None:
        start, end = message["start"], message["end"]
        shown = ChartRange(
            view=Timeframe(message["view"]),
            start=None if start is None else decode_time(start),
            end=None if end is None else decode_time(end),
            limit=message["limit"],
            timeline=Timeline(message["timeline"]),
        )
        self._strategy = run.make()
        self._chart = StrategyChart(self._strategy, run.base, run.higher, shown)

    def push(self, candles: Sequence[Candle]) -> Message:
        """Add candles to the chart."""
        if isinstance(self._strategy, BatchStrategy):
            self._strategy.preview(candles)
        for candle in candles:
            self._chart.push(candle)
        return {}

    def finish(self) -> Message:
        """Return the chart."""
        return chart_json(self._chart.result())


class LookaheadCalculation:
    """The look-ahead check of a strategy."""

    def __init__(self, run: StartedRun, _: Message) -> None:
        self._run = run
        self._candles: list[Candle] = []

    def push(self, candles: Sequence[Candle]) -> Message:
        """Keep the candles."""
        self._candles += candles
        return {}

    def finish(self) -> Message:
        """Check all candles. Raises ``Invalid`` with the reason ``lookahead_detected``."""
        run = self._run
        found = check_lookahead(run.make, self._candles, run.base, run.higher)
        return {
            "candles": found.candles,
            "samples": found.samples,
            "decisions": found.decisions,
        }


class BacktestCalculation:
    """A backtest: points of the curve while candles arrive, then its trades and figures.

    A strategy on data frames is checked for look-ahead and calculates all candles at their end.
    """

    def __init__(self, run: StartedRun, message: Message) -> None:
        self._run, self._returns_trades = run, message["trades"]
        self._settings = read_run_message(message)
        self._points: list[CurvePoint] = []
        self._strategy = run.make()
        on_point = self._points.append if message["curve"] else _ignore_point
        self._backtest = Backtest(self._settings, self._strategy, run.higher, on_point)
        #: Of a strategy on data frames.
        self._waiting: list[Candle] = []
        self._parts = self._finish()

    def push(self, candles: Sequence[Candle]) -> Message:
        """Process candles."""
        if isinstance(self._strategy, BatchStrategy):
            end = self._settings.end
            self._waiting += [each for each in candles if end is None or each.open_time < end]
            return {}
        for candle in candles:
            self._backtest.push(candle)
        return self._take_points()

    def finish(self) -> Message:
        """Return the next part of the result. Raises ``Invalid`` without a candle to trade."""
        return next(self._parts)

    def _finish(self) -> Iterator[Message]:
        yield from self._run_waiting()
        result = self._backtest.finish()
        yield {CONTINUES: True, **self._take_points()}
        if self._returns_trades:
            for part in _parts_of(result.executions):
                yield {CONTINUES: True, "executions": [encode_execution(each) for each in part]}
            for trips in _parts_of(result.round_trips):
                yield {CONTINUES: True, "round_trips": [encode_round_trip(each) for each in trips]}
        yield {"figures": figures_json(result, self._settings)}

    def _run_waiting(self) -> Iterator[Message]:
        if not isinstance(self._strategy, BatchStrategy):
            return
        run, known = self._run, self._waiting
        newest = known[-candles_checked(self._strategy, run.base) :]
        check_lookahead(run.make, newest, run.base, run.higher)
        self._strategy.preview(known)
        for part in _parts_of(known):
            for candle in part:
                self._backtest.push(candle)
            yield {CONTINUES: True, **self._take_points()}

    def _take_points(self) -> Message:
        points = [encode_point(each) for each in self._points]
        self._points.clear()
        return {"points": points} if points else {}


def _ignore_point(_: CurvePoint) -> None:
    """Leave the curve out."""


def _parts_of(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), ITEMS_PER_PART):
        yield items[start : start + ITEMS_PER_PART]


CALCULATIONS: Mapping[str, Callable[[StartedRun, Message], Calculation]] = {
    "backtest": BacktestCalculation,
    "chart": ChartCalculation,
    "lookahead": LookaheadCalculation,
}
"""By the name that a message begins them with."""
