"""Timeframes of candles and their boundaries in UTC.

Weeks start on Monday at 00:00 and months on the 1st. An open time is inclusive; the close time is
the next open time and exclusive. The case of a name matters: ``1m`` is a minute, ``1M`` a month.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)


class Timeframe(StrEnum):
    """Length of a candle."""

    MINUTE = "1m"
    MINUTES_5 = "5m"
    MINUTES_15 = "15m"
    MINUTES_30 = "30m"
    HOUR = "1h"
    HOURS_4 = "4h"
    DAY = "1d"
    WEEK = "1w"
    MONTH = "1M"

    @property
    def length(self) -> timedelta | None:
        """Return the length; ``None`` for months, whose lengths differ."""
        return _LENGTHS.get(self)

    def open_of(self, time: datetime) -> datetime:
        """Return the open time of the candle that contains ``time`` (aware), in UTC."""
        time = time.astimezone(UTC)
        length = self.length
        if length is None:
            return datetime(time.year, time.month, 1, tzinfo=UTC)
        return time - (time - _MONDAY) % length

    def next_open(self, open_time: datetime) -> datetime:
        """Return the close time of the candle that opens at ``open_time``."""
        length = self.length
        if length is not None:
            return open_time + length
        if open_time.month == 12:
            return open_time.replace(year=open_time.year + 1, month=1)
        return open_time.replace(month=open_time.month + 1)

    def contains(self, other: "Timeframe") -> bool:
        """Return whether candles of this timeframe consist of whole candles of ``other``."""
        mine, theirs = self.length, other.length
        if theirs is None:
            return mine is None
        if mine is None:
            return timedelta(days=1) % theirs == timedelta(0)
        return mine >= theirs and mine % theirs == timedelta(0)


_LENGTHS = {
    Timeframe.MINUTE: timedelta(minutes=1),
    Timeframe.MINUTES_5: timedelta(minutes=5),
    Timeframe.MINUTES_15: timedelta(minutes=15),
    Timeframe.MINUTES_30: timedelta(minutes=30),
    Timeframe.HOUR: timedelta(hours=1),
    Timeframe.HOURS_4: timedelta(hours=4),
    Timeframe.DAY: timedelta(days=1),
    Timeframe.WEEK: timedelta(weeks=1),
}
