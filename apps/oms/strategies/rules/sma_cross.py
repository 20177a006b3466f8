"""``sma_cross``: long when the fast average crosses above the slow one, out or short below."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from oms.domain.market.timeframe import Timeframe
from oms.strategies.crossing import Crossing
from oms.strategies.indicators import SimpleAverage
from oms.strategies.shown_state import compare, state_of_signal
from oms.strategies.signal_rule import decide_by_signal
from oms.strategies.strategy import Bars, Decision, PositionSide, StrategyState


class SmaCross:
    """The rule on closes of one timeframe."""

    def __init__(self, timeframe: Timeframe, *, fast: int, slow: int) -> None:
        self._timeframe = timeframe
        self._warmup = {timeframe: max(fast, slow) + 1}
        self._fast = SimpleAverage(fast)
        self._slow = SimpleAverage(slow)
        self._crossing = Crossing()
        self._values: tuple[Decimal | None, Decimal | None] = (None, None)
        self._signal = 0

    def warmup(self) -> Mapping[Timeframe, int]:
        """Return the candles until both averages have two values."""
        return self._warmup

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        """Return the decisions of a cross at this close."""
        close = bars.base.close
        fast, slow = self._values = self._fast.push(close), self._slow.push(close)
        self._signal = self._crossing.push(fast, slow)
        return decide_by_signal(self._signal, side)

    def state(self) -> StrategyState:
        """Return both averages and the cross at the last close."""
        fast, slow = self._values
        return state_of_signal(
            self._signal,
            lines={"fast": fast, "slow": slow},
            compared={self._timeframe: compare(fast, slow)},
        )
