"""Functions of the package that read order books, bars and ticks."""

import time
from typing import Any

from mt5_driver.calls import connected_call
from mt5_driver.candles import BARS_MAX
from mt5_driver.constants import COPY_TICKS_ALL, COPY_TICKS_INFO, COPY_TICKS_TRADE
from mt5_driver.errors import CallFailed, invalid_argument
from mt5_driver.market_data import TICKS_MAX, rates_array, read_book, read_ticks
from mt5_driver.numbers import to_seconds, whole
from mt5_driver.session import Session
from mt5_driver.structures import BookInfo
from mt5_driver.timeframes import find_timeframe

__all__ = [
    "copy_rates_from",
    "copy_rates_from_pos",
    "copy_rates_range",
    "copy_ticks_from",
    "copy_ticks_range",
    "market_book_add",
    "market_book_get",
    "market_book_release",
]

_TICK_FLAGS = (COPY_TICKS_ALL, COPY_TICKS_INFO, COPY_TICKS_TRADE)
_FAR_FUTURE = 1 << 35


@connected_call
def market_book_add(session: Session, symbol: str) -> bool:
    """Subscribes the order book of a symbol."""
    session.books.add(session.instrument(symbol).name)
    return True


@connected_call
def market_book_get(session: Session, symbol: str) -> tuple[BookInfo, ...]:
    """Returns the order book, read now; ``None`` if it is not subscribed."""
    instrument = session.instrument(symbol)
    if instrument.name not in session.books:
        raise CallFailed(-1, "Terminal: Call failed: the order book is not subscribed")
    return read_book(session, instrument)


@connected_call
def market_book_release(session: Session, symbol: str) -> bool:
    """Ends the subscription of an order book."""
    session.books.discard(session.instrument(symbol).name)
    return True


@connected_call
def copy_rates_from(
    session: Session, symbol: str, timeframe: int, date_from: Any, count: int
) -> Any:
    """Returns up to ``count`` bars, the newest of which opened at ``date_from`` or before."""
    instrument, frame = session.instrument(symbol), find_timeframe(timeframe)
    wanted = _count(count, BARS_MAX)
    end = min(int(to_seconds(date_from, "date_from")), int(time.time())) + 1
    bars = session.candles.last_bars(instrument.symbol, frame, end, wanted)
    return rates_array(instrument, bars)


@connected_call
def copy_rates_from_pos(
    session: Session, symbol: str, timeframe: int, start_pos: int, count: int
) -> Any:
    """Returns up to ``count`` bars, the newest of which is ``start_pos`` before the current one."""
    instrument, frame = session.instrument(symbol), find_timeframe(timeframe)
    skipped = whole(start_pos, "start_pos")
    if skipped < 0:
        raise invalid_argument("start_pos")
    wanted = _count(count, BARS_MAX)
    end = int(time.time()) + 1
    bars = session.candles.last_bars(instrument.symbol, frame, end, wanted + skipped)
    until = len(bars) - skipped
    return rates_array(instrument, bars[max(until - wanted, 0) : max(until, 0)])


@connected_call
def copy_rates_range(
    session: Session, symbol: str, timeframe: int, date_from: Any, date_to: Any
) -> Any:
    """Returns the bars that opened from ``date_from`` to ``date_to``, both included."""
    instrument, frame = session.instrument(symbol), find_timeframe(timeframe)
    start = int(to_seconds(date_from, "date_from"))
    end = min(int(to_seconds(date_to, "date_to")), int(time.time())) + 1
    bars = session.candles.bars(instrument.symbol, frame, max(start, 0), end)
    return rates_array(instrument, bars)


@connected_call
def copy_ticks_from(session: Session, symbol: str, date_from: Any, count: int, flags: int) -> Any:
    """Returns the first ``count`` ticks since ``date_from``."""
    instrument = session.instrument(symbol)
    since = to_seconds(date_from, "date_from")
    wanted = _count(count, TICKS_MAX)
    return read_ticks(session, instrument, (since, _FAR_FUTURE), wanted, _flags(flags))


@connected_call
def copy_ticks_range(
    session: Session, symbol: str, date_from: Any, date_to: Any, flags: int
) -> Any:
    """Returns the ticks from ``date_from`` to ``date_to``."""
    instrument = session.instrument(symbol)
    span = (to_seconds(date_from, "date_from"), to_seconds(date_to, "date_to"))
    return read_ticks(session, instrument, span, TICKS_MAX, _flags(flags))


def _count(value: Any, most: int) -> int:
    count = whole(value, "count")
    if count <= 0:
        raise invalid_argument("count")
    return min(count, most)


def _flags(value: Any) -> int:
    flags = whole(value, "flags")
    if flags == COPY_TICKS_INFO | COPY_TICKS_TRADE:
        return COPY_TICKS_ALL
    if flags not in _TICK_FLAGS:
        raise invalid_argument("flags")
    return flags
