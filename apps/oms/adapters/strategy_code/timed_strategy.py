"""A strategy of a user as the rest of its process sees it: limited in time, and checked."""

from collections.abc import Mapping, Sequence

from oms.adapters.strategy_code.process_limits import DecisionClock
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.strategies.strategy import (
    Bars,
    BatchStrategy,
    Decision,
    PositionSide,
    ShownStrategy,
    Strategy,
)
from oms.wire.strategies.messages import check_decision

#: A preview of many candles may take as long as so many decisions.
PREVIEW_FACTOR = 4


class TimedStrategy:
    """``Strategy`` that limits each decision of another; a shown or batch strategy stays one."""

    def __init__(self, strategy: Strategy, clock: DecisionClock) -> None:
        self._strategy = strategy
        self._clock = clock
        if isinstance(strategy, ShownStrategy):
            self.state = strategy.state
        if isinstance(strategy, BatchStrategy):
            self._batch = strategy
            self.preview = self._preview

    def warmup(self) -> Mapping[Timeframe, int]:
        """Return the warm-up of the strategy."""
        return self._strategy.warmup()

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        """Return its decisions. Raises ``ValueError`` for what is no decision."""
        with self._clock.limit():
            return [check_decision(each) for each in self._strategy.on_bar(bars, side)]

    def _preview(self, candles: Sequence[Candle]) -> None:
        with self._clock.limit(PREVIEW_FACTOR):
            self._batch.preview(candles)
