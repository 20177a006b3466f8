"""``rsi``: long while the index is below its lower bound, out or short above the upper one."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from oms.domain.market.timeframe import Timeframe
from oms.strategies.indicators import RelativeStrength
from oms.strategies.shown_state import state_of_signal
from oms.strategies.signal_rule import decide_by_signal
from oms.strategies.strategy import Bars, Comparison, Decision, PositionSide, StrategyState


class RsiBounds:
    """The rule on closes of one timeframe."""

    def __init__(
        self, timeframe: Timeframe, *, period: int, lower: Decimal, upper: Decimal
    ) -> None:
        self._timeframe = timeframe
        self._warmup = {timeframe: period + 1}
        self._index = RelativeStrength(period)
        self._lower = lower
        self._upper = upper
        self._seen: tuple[Decimal | None, Decimal | None] = (None, None)

    def warmup(self) -> Mapping[Timeframe, int]:
        """Return the candles until the index has its first value."""
        return self._warmup

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        """Return the decisions of the index at this close."""
        self._seen = bars.base.close, self._index.push(bars.base.close)
        return decide_by_signal(self._signal(), side)

    def state(self) -> StrategyState:
        """Return the index and its bounds at the last close."""
        close, index = self._seen
        signal = self._signal()
        compared = Comparison(price=close, indicator=index, is_long=signal > 0, is_short=signal < 0)
        return state_of_signal(signal, lines={"rsi": index}, compared={self._timeframe: compared})

    def _signal(self) -> int:
        _, index = self._seen
        if index is None:
            return 0
        return 1 if index < self._lower else -1 if index > self._upper else 0
