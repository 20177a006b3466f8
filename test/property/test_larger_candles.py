"""A larger candle is joined by its close: it is usable from then on, and not from its open.

For random candles with gaps, in the backtester and for bots: a strategy is handed a larger candle
with the base candle that ends it and with no other one; it has the prices of its base candles and
of nothing later; what was handed out before does not depend on the candles that follow.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.backtests.candles import SETTINGS, START
from oms.backtest.run import Backtest
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import evolve
from oms.services.bots.evaluator import LargerCandles
from oms.strategies.strategy import Bars, Decision, PositionSide

BASE, LARGER = Timeframe.MINUTES_15, (Timeframe.HOUR, Timeframe.HOURS_4)
STEP = timedelta(minutes=15)
COUNT = 48


class Observed:
    """A strategy that keeps what it is handed."""

    def __init__(self) -> None:
        self.seen: list[Bars] = []

    def warmup(self) -> Mapping[Timeframe, int]:
        """Return that it needs no candle before the first decision."""
        return {}

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        """Keep the candles, and decide nothing."""
        self.seen.append(bars)
        return ()


def _backtested(candles: Sequence[Candle]) -> Sequence[Bars]:
    strategy = Observed()
    settings = evolve(SETTINGS, timeframe=BASE)
    backtest = Backtest(settings, strategy, LARGER, lambda _: None)
    for candle in candles:
        backtest.push(candle)
    return strategy.seen


def _of_bots(candles: Sequence[Candle]) -> Sequence[Bars]:
    larger = LargerCandles(BASE, LARGER)
    return [larger.push(candle) for candle in candles]


@st.composite
def candle_series(draw: st.DrawFn) -> list[Candle]:
    """Return candles that begin anywhere within four hours, some of them missing."""
    first = draw(st.integers(0, 15))
    missing = draw(st.sets(st.integers(first, first + COUNT - 1), max_size=8))
    closes = draw(st.lists(st.integers(50, 150), min_size=COUNT, max_size=COUNT))
    return [
        Candle(
            open_time=START + number * STEP,
            open=Decimal(close - 1),
            high=Decimal(close + 2),
            low=Decimal(close - 3),
            close=Decimal(close),
            volume=Decimal(1),
        )
        for number, close in enumerate(closes, start=first)
        if number not in missing
    ]


def _parts(candles: Sequence[Candle], opened: datetime, ends_at: datetime) -> list[Candle]:
    return [each for each in candles if opened <= each.open_time < ends_at]


@pytest.mark.parametrize("seen_of", [_backtested, _of_bots])
@given(candles=candle_series(), count=st.integers(1, COUNT))
def test_a_larger_candle_is_known_from_its_close_on(
    seen_of: Callable[[Sequence[Candle]], Sequence[Bars]], candles: list[Candle], count: int
) -> None:
    seen = seen_of(candles)
    assert [bars.base for bars in seen] == candles
    for bars in seen:
        now = bars.base.open_time + STEP
        for timeframe in LARGER:
            opened = timeframe.open_of(bars.base.open_time)
            ends_at = timeframe.next_open(opened)
            parts = _parts(candles, opened, ends_at)
            is_whole = len(parts) == (ends_at - opened) // STEP
            if now != ends_at or not is_whole:
                assert timeframe not in bars.closed
                continue
            larger = bars.closed[timeframe]
            assert (larger.open_time, larger.open, larger.close) == (
                *(opened, parts[0].open),
                parts[-1].close,
            )
            assert larger.high == max(part.high for part in parts)
            assert larger.low == min(part.low for part in parts)
    assert seen_of(candles[:count]) == seen[:count]
