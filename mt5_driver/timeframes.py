"""Bars of the package's timeframes: where they begin, and how they are made of shorter candles."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from mt5_driver.errors import invalid_argument

_HOURS, _WEEK, _MONTH = 0x4000, 0x8000, 0xC000
_MINUTES = frozenset({1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30})
_HOUR_COUNTS = frozenset({1, 2, 3, 4, 6, 8, 12, 24})
_DAY_SECONDS = 86_400
#: Weeks of MetaTrader begin on Sunday; 1970-01-04 was one.
_FIRST_SUNDAY = 3 * _DAY_SECONDS
_WEEK_SECONDS = 7 * _DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Candle:
    """Prices and volume from ``time`` (seconds since 1970, UTC) on; no volume is 0."""

    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Timeframe:
    """A timeframe: ``seconds`` long, except months, whose length is that of the longest one."""

    number: int
    seconds: int

    @property
    def is_calendar(self) -> bool:
        """Whether its bars are not multiples of its length since 1970."""
        return self.number in (_WEEK | 1, _MONTH | 1)

    def open_of(self, time: int) -> int:
        """Returns the opening time of the bar that contains a time."""
        if self.number == _MONTH | 1:
            day = datetime.fromtimestamp(time, UTC)
            return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp())
        offset = _FIRST_SUNDAY if self.number == _WEEK | 1 else 0
        return (time - offset) // self.seconds * self.seconds + offset

    def close_of(self, time: int) -> int:
        """Returns the opening time of the bar after the one that contains a time."""
        if self.number == _MONTH | 1:
            first = datetime.fromtimestamp(self.open_of(time), UTC)
            following = (first + timedelta(days=32)).replace(day=1)
            return int(following.timestamp())
        return self.open_of(time) + self.seconds

    def back(self, time: int, bars: int) -> int:
        """Returns the opening time of the bar that is ``bars`` before the one at a time."""
        if self.number == _MONTH | 1:
            first = datetime.fromtimestamp(self.open_of(time), UTC)
            months = max(first.year * 12 + first.month - 1 - bars, 1970 * 12)
            return int(datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC).timestamp())
        return max(self.open_of(time) - bars * self.seconds, 0)


def find_timeframe(number: object) -> Timeframe:
    """Returns the timeframe of a constant. Raises ``CallFailed``."""
    if isinstance(number, int) and not isinstance(number, bool):
        if number in _MINUTES:
            return Timeframe(number, number * 60)
        if number == _WEEK | 1:
            return Timeframe(number, _WEEK_SECONDS)
        if number == _MONTH | 1:
            return Timeframe(number, 31 * _DAY_SECONDS)
        if number & ~_HOURS in _HOUR_COUNTS and number & _HOURS:
            return Timeframe(number, (number & ~_HOURS) * 3600)
    raise invalid_argument("timeframe")


def source_seconds(timeframe: Timeframe, offered: Iterable[int]) -> int | None:
    """Returns the longest offered candle that bars are made of; ``None`` if none divides them."""
    target = _DAY_SECONDS if timeframe.is_calendar else timeframe.seconds
    fitting = [each for each in offered if target % each == 0]
    return max(fitting, default=None)


def combine(candles: Iterable[Candle], timeframe: Timeframe) -> list[Candle]:
    """Returns the bars of a timeframe, made of ascending candles that divide it."""
    bars: list[Candle] = []
    for candle in candles:
        opening = timeframe.open_of(candle.time)
        if bars and bars[-1].time == opening:
            bars[-1] = _join(bars[-1], candle)
        else:
            first = (candle.open, candle.high, candle.low, candle.close, candle.volume)
            bars.append(Candle(opening, *first))
    return bars


def _join(bar: Candle, candle: Candle) -> Candle:
    return Candle(
        bar.time,
        bar.open,
        max(bar.high, candle.high),
        min(bar.low, candle.low),
        candle.close,
        bar.volume + candle.volume,
    )
