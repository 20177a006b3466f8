"""Candles on which variant 1 of ``hma_sma`` decides exactly three times.

13,116 candles of five minutes: a close of 100, then one hundredth more, a jump, a fall. Any other
first entry means that a larger candle was used before its close, or that 100 counted as above 100.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from oms.domain.market.candle import Candle
from oms.domain.market.resampler import Resampler
from oms.domain.market.timeframe import Timeframe

FIVE_MINUTES = timedelta(minutes=5)
AT = datetime(2024, 1, 1, tzinfo=UTC)
GOLDEN_END = datetime(2024, 2, 15, 13, tzinfo=UTC)
GOLDEN = (
    ("2024-02-15T10:05:00Z", "long", 100.01, "2024-02-15T10:10:00Z", 100.01),
    ("2024-02-15T12:05:00Z", "long_exit", 90.0, "2024-02-15T12:10:00Z", 90.0),
    ("2024-02-15T12:10:00Z", "short", 90.0, "2024-02-15T12:15:00Z", 90.0),
)
"""Source time, direction, price, decision time and price of the fill."""


def candles_of_closes(
    closes: Sequence[Decimal], volume: Decimal | None = Decimal(1)
) -> list[Candle]:
    """Return candles of five minutes that open at the close before."""
    previous, candles = Decimal(100), []
    for number, close in enumerate(closes):
        candles.append(
            Candle(
                open_time=AT + number * FIVE_MINUTES,
                open=previous,
                high=max(previous, close),
                low=min(previous, close),
                close=close,
                volume=volume,
            )
        )
        previous = close
    return candles


def golden_candles() -> list[Candle]:
    """Return the candles."""
    count = (GOLDEN_END - AT) // FIVE_MINUTES
    return candles_of_closes([_golden_close(AT + n * FIVE_MINUTES) for n in range(count)])


def larger_candles(candles: Iterable[Candle], timeframe: Timeframe) -> list[Candle]:
    """Return the complete candles of a larger timeframe."""
    resampler = Resampler(Timeframe.MINUTES_5, timeframe)
    made = [resampler.push(each) for each in candles]
    return [each for each in made if each is not None]


def _golden_close(at: datetime) -> Decimal:
    if at >= datetime(2024, 2, 15, 12, tzinfo=UTC):
        return Decimal(90)
    if at >= datetime(2024, 2, 15, 10, 55, tzinfo=UTC):
        return Decimal(200)
    return Decimal("100.01") if at >= datetime(2024, 2, 15, 10, 5, tzinfo=UTC) else Decimal(100)
