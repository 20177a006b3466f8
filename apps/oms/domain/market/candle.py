"""Candles: open, high, low, close and volume of one period."""

from datetime import datetime
from decimal import Decimal

from oms.domain.errors import Invalid
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value


@value
class Candle:
    """One closed candle; ``volume`` is ``None`` where its source has none."""

    #: Start of the period, UTC, inclusive.
    open_time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None


def check_candle(candle: Candle, timeframe: Timeframe) -> None:
    """Raise ``Invalid`` for a time that is no boundary and for numbers out of range.

    Prices are positive, open and close lie within low and high, a volume is at least 0.
    """
    time, low, high = candle.open_time, candle.low, candle.high
    if timeframe.open_of(time) != time:
        raise Invalid(f"{time.isoformat()} is not on a boundary of {timeframe.value}")
    if low <= 0:
        raise Invalid(f"low {low} must be above 0")
    if not (low <= candle.open <= high and low <= candle.close <= high):
        raise Invalid(f"open {candle.open} and close {candle.close} must lie in {low} to {high}")
    if candle.volume is not None and candle.volume < 0:
        raise Invalid(f"volume {candle.volume} must be at least 0")
