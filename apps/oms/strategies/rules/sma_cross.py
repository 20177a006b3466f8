"""``sma_cross``: long when the fast average crosses above the slow one, out or short below."""

from collections.abc import Mapping, Sequence

from oms.domain.market.timeframe import Timeframe
from oms.strategies.crossing import Crossing
from oms.strategies.indicators import SimpleAverage
from oms.strategies.signal_rule import decide_by_signal
from oms.strategies.strategy import Bars, Decision, PositionSide


class SmaCross:
    """The rule on closes of one timeframe."""

    def __init__(self, timeframe: Timeframe, *, fast: int, slow: int) -> None:
        self._warmup = {timeframe: max(fast, slow) + 1}
        self._fast = SimpleAverage(fast)
        self._slow = SimpleAverage(slow)
        self._crossing = Crossing()

    def warmup(self) -> Mapping[Timeframe, int]:
        """Return the candles until both averages have two values."""
        return self._warmup

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        """Return the decisions of a cross at this close."""
        close = bars.base.close
        signal = self._crossing.push(self._fast.push(close), self._slow.push(close))
        return decide_by_signal(signal, side)
