"""The look-ahead check."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from oms.backtest.lookahead import CANDLES_MIN, candles_checked, check_lookahead
from oms.domain.errors import Invalid
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.strategies.catalog import CATALOG, find_strategy
from oms.strategies.signal_rule import decide_by_signal
from oms.strategies.strategy import Bars, Decision, PositionSide

AT = datetime(2024, 1, 1, tzinfo=UTC)


def _candles(count: int) -> list[Candle]:
    draw = random.Random(5)
    price, candles = Decimal(100), []
    for number in range(count):
        opened, price = price, price + Decimal(draw.randint(-10, 10)) / 10
        candles.append(
            Candle(
                open_time=AT + number * timedelta(hours=1),
                open=opened,
                high=max(opened, price),
                low=min(opened, price),
                close=price,
                volume=Decimal(1),
            )
        )
    return candles


class _Previews:
    """Buys before the price rises by ``steps`` candles; 0 is the candle itself."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._closes: list[Decimal] = []
        self._next = 0

    def warmup(self) -> Mapping[Timeframe, int]:
        return {}

    def preview(self, candles: Sequence[Candle]) -> None:
        self._closes += [each.close for each in candles]

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        at, self._next = self._next, self._next + 1
        later = min(at + self._steps, len(self._closes) - 1)
        change = self._closes[later] - self._closes[max(later - 1, 0)]
        return decide_by_signal(int(change > 0) - int(change < 0), side)


@pytest.mark.parametrize("steps", [1, 2, 20])
def test_a_strategy_that_reads_ahead_is_detected(steps: int) -> None:
    with pytest.raises(Invalid, match="uses later candles") as detected:
        check_lookahead(lambda: _Previews(steps), _candles(300), Timeframe.HOUR, ())
    assert detected.value.reason == "lookahead_detected"


def test_the_same_strategy_on_known_candles_passes() -> None:
    found = check_lookahead(lambda: _Previews(0), _candles(300), Timeframe.HOUR, ())
    assert found.candles == 300
    assert found.samples > 10
    assert found.decisions > 10


def test_answers_that_differ_from_run_to_run_are_detected() -> None:
    draw = random.Random(1)

    class Dice(_Previews):
        def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
            return decide_by_signal(draw.choice((-1, 1)), side)

    with pytest.raises(Invalid, match="differ from run to run"):
        check_lookahead(lambda: Dice(0), _candles(100), Timeframe.HOUR, ())


@pytest.mark.parametrize("name", [each.name for each in CATALOG])
def test_built_in_strategies_pass(name: str) -> None:
    definition = find_strategy(name)
    base = definition.base or Timeframe.HOUR
    parameters = definition.parse({"length": 4} if name == "hma_sma" else {})
    candles = [
        Candle(
            open_time=AT + number * (base.length or timedelta()),
            open=each.open,
            high=each.high,
            low=each.low,
            close=each.close,
            volume=each.volume,
        )
        for number, each in enumerate(_candles(600))
    ]
    found = check_lookahead(
        lambda: definition.make(base, parameters), candles, base, definition.higher
    )
    assert found.decisions > 0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_candles_pass(count: int) -> None:
    check_lookahead(lambda: _Previews(0), _candles(count), Timeframe.HOUR, ())


def test_the_warm_up_of_larger_timeframes_is_part_of_what_is_checked() -> None:
    definition = find_strategy("hma_sma")
    strategy = definition.make(Timeframe.MINUTES_5, definition.parse({}))
    assert candles_checked(strategy, Timeframe.MINUTES_5) == 213 * 48 * 3 // 2
    assert candles_checked(_Previews(0), Timeframe.HOUR) == CANDLES_MIN
