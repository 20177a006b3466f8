"""Candles: open, high, low, close and volume of one period."""

from datetime import datetime
from decimal import Decimal

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
