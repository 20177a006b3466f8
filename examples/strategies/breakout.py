"""A strategy of one's own: long above the highest close of the last candles, out below the lowest.

    oms backtest run --csv prices.csv --timeframe 1h \
        --strategies examples/strategies --strategy breakout --param length=48
"""

from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal

from oms.domain.market.timeframe import Timeframe
from oms.strategies.catalog import Number, Parameter, StrategyDefinition
from oms.strategies.strategy import Action, Bars, Decision, PositionSide


class Breakout:
    """Compares each close with the closes before it."""

    def __init__(self, timeframe: Timeframe, length: int, stop_pct: Decimal) -> None:
        self._warmup = {timeframe: length + 1}
        self._closes: deque[Decimal] = deque(maxlen=length)
        self._stop = 1 - stop_pct / 100

    def warmup(self) -> Mapping[Timeframe, int]:
        """Return the candles before the first decision."""
        return self._warmup

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        """Decide at the close of a candle; the decision is executed at the next open."""
        close, closes = bars.base.close, self._closes
        decisions: Sequence[Decision] = ()
        if len(closes) == closes.maxlen:
            if side is PositionSide.FLAT and close > max(closes):
                decisions = [Decision(action=Action.LONG, stop_loss=round(close * self._stop, 8))]
            elif side is PositionSide.LONG and close < min(closes):
                decisions = [Decision(action=Action.LONG_EXIT)]
        closes.append(close)
        return decisions


def build(timeframe: Timeframe, parameters: Mapping[str, Number]) -> Breakout:
    """Return a new strategy for one run."""
    return Breakout(timeframe, int(parameters["length"]), Decimal(parameters["stop_pct"]))


STRATEGIES = [
    StrategyDefinition(
        name="breakout",
        version="1",
        summary="long above the highest close of the last candles, out below the lowest",
        base=None,
        higher=(),
        parameters=(
            Parameter(name="length", default=20, minimum=1, maximum=1000),
            Parameter(
                name="stop_pct",
                default=Decimal(5),
                minimum=Decimal("0.1"),
                maximum=Decimal(50),
            ),
        ),
        build=build,
    )
]
