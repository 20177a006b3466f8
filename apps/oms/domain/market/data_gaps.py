"""Gaps of stored candles: periods of an always open market that have no candle."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value


@value
class CandleGap:
    """Missing candles: those that open from ``start`` to before ``end``."""

    start: datetime
    end: datetime
    count: int


def find_gaps(
    open_times: Iterable[datetime],
    timeframe: Timeframe,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Iterator[CandleGap]:
    """Yield the gaps between ``open_times``, which ascend, and to ``start`` and ``end``.

    Without bounds only the gaps inside the data are found.
    """
    expected = None if start is None else _first_open(start, timeframe)
    for opened in open_times:
        if expected is not None and opened > expected:
            yield _gap(expected, opened, timeframe)
        expected = timeframe.next_open(opened)
    if end is not None and expected is not None and expected < end:
        yield _gap(expected, _first_open(end, timeframe), timeframe)


def candles_between(first: datetime, last: datetime, timeframe: Timeframe) -> int:
    """Return how many candles an always open market has from ``first`` to ``last``, both too."""
    return _gap(first, timeframe.next_open(last), timeframe).count


def _first_open(time: datetime, timeframe: Timeframe) -> datetime:
    """Return the first boundary at or after ``time``."""
    opened = timeframe.open_of(time)
    return opened if opened == time else timeframe.next_open(opened)


def _gap(start: datetime, end: datetime, timeframe: Timeframe) -> CandleGap:
    length = timeframe.length
    if length is not None:
        return CandleGap(start=start, end=end, count=(end - start) // length)
    count, opened = 0, start
    while opened < end:
        count, opened = count + 1, timeframe.next_open(opened)
    return CandleGap(start=start, end=end, count=count)
