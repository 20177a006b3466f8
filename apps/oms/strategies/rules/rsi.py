"""``rsi``: long while the index is below its lower bound, out or short above the upper one."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from oms.domain.market.timeframe import Timeframe
from oms.strategies.indicators import RelativeStrength
from oms.strategies.signal_rule import decide_by_signal
from oms.strategies.strategy import Bars, Decision, PositionSide


class RsiBounds:
    """The rule on closes of one timeframe."""

    def __init__(
        self, timeframe: Timeframe, *, period: int, lower: Decimal, upper: Decimal
    ) -> None:
        self._warmup = {timeframe: period + 1}
        self._index = RelativeStrength(period)
        self._lower = lower
        self._upper = upper

    def warmup(self) -> Mapping[Timeframe, int]:
        """Return the candles until the index has its first value."""
        return self._warmup

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        """Return the decisions of the index at this close."""
        index = self._index.push(bars.base.close)
        if index is None:
            return ()
        signal = 1 if index < self._lower else -1 if index > self._upper else 0
        return decide_by_signal(signal, side)
