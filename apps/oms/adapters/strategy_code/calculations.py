"""What a process calculates from all candles of a series: they arrive in parts, then it ends.

``StrategyHost`` begins one with a message, gives it candles in ascending order, and returns what
``finish`` returns.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from oms.adapters.strategy_code.frames import Message
from oms.backtest.lookahead import check_lookahead
from oms.backtest.strategy_chart import ChartRange, StrategyChart, Timeline
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.strategies.strategy import BatchStrategy, Strategy
from oms.wire.strategies.chart_json import chart_json
from oms.wire.strategies.messages import decode_time


@value
class StartedRun:
    """A strategy that can be built again for each run of a calculation."""

    make: Callable[[], Strategy]
    base: Timeframe
    higher: Sequence[Timeframe]


class Calculation(Protocol):
    """A calculation from candles."""

    def push(self, candles: Sequence[Candle]) -> None:
        """Take more candles."""
        ...

    def finish(self) -> Message:
        """Return the result as JSON."""
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

    def push(self, candles: Sequence[Candle]) -> None:
        """Add candles to the chart."""
        if isinstance(self._strategy, BatchStrategy):
            self._strategy.preview(candles)
        for candle in candles:
            self._chart.push(candle)

    def finish(self) -> Message:
        """Return the chart."""
        return chart_json(self._chart.result())


class LookaheadCalculation:
    """The look-ahead check of a strategy."""

    def __init__(self, run: StartedRun, _: Message) -> None:
        self._run = run
        self._candles: list[Candle] = []

    def push(self, candles: Sequence[Candle]) -> None:
        """Keep the candles."""
        self._candles += candles

    def finish(self) -> Message:
        """Check all candles. Raises ``Invalid`` with the reason ``lookahead_detected``."""
        run = self._run
        found = check_lookahead(run.make, self._candles, run.base, run.higher)
        return {
            "candles": found.candles,
            "samples": found.samples,
            "decisions": found.decisions,
        }


CALCULATIONS: Mapping[str, Callable[[StartedRun, Message], Calculation]] = {
    "chart": ChartCalculation,
    "lookahead": LookaheadCalculation,
}
"""By the name that a message begins them with."""
