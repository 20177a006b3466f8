"""Candles in CSV files.

Two layouts are read. With a header: columns by name, of which a time (``TIME_NAMES``), ``open``,
``high``, ``low`` and ``close`` are required and ``volume`` is optional. Without a header: the
columns of kline archives, open time, open, high, low, close, volume, and any number of others.
Times are ISO 8601, UTC unless they have a zone, or counts of seconds, milliseconds or microseconds
since 1970.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from oms.domain.errors import Invalid
from oms.domain.market.candle import Candle, check_candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import DIGITS_MAX, NotADecimal, parse_decimal, round_to_scale
from oms.domain.value import constructor
from oms.wire.json import EXPONENT_MAX

TIME_NAMES = ("timestamp", "time", "ts", "date", "datetime", "open_time")
"""Names of the column of the open time."""

_PRICES = ("open", "high", "low", "close")
_KLINE_COLUMNS = (0, 1, 2, 3, 4, 5)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Counts above these are milliseconds and microseconds; as seconds they are after the year 5000.
_MILLISECONDS, _MICROSECONDS = 10**11, 10**14
_new_candle = constructor(Candle)

Columns = Sequence[int | None]
"""Positions of time, open, high, low, close and volume in a row."""


def read_candles(lines: Iterable[str], timeframe: Timeframe) -> Iterator[Candle]:
    """Yield the candles of a file in the order of their times, which must ascend.

    Raises ``Invalid``, with the number of the line, for a time that is not on a boundary of
    ``timeframe``, repeated or descending, for prices that are not positive or outside of their
    range, and for a volume below zero.
    """
    columns: Columns | None = None
    last: datetime | None = None
    read_time: Callable[[str], datetime] | None = None
    reader = csv.reader(lines)
    for row in reader:
        if not row:
            continue
        if columns is None:
            columns, is_header = _columns(row)
            if is_header:
                continue
        try:
            text = row[columns[0] or 0]
            read_time = read_time or time_reader(text)
            candle = _candle(row, columns, read_time(text))
            _check(candle, timeframe, last)
        except (ValueError, IndexError, OverflowError, Invalid) as problem:
            message = "a column is missing" if isinstance(problem, IndexError) else problem
            raise Invalid(f"line {reader.line_num}: {message}") from None
        last = candle.open_time
        yield candle
    if last is None:
        raise Invalid("the file has no candles")


def _columns(row: Sequence[str]) -> tuple[Columns, bool]:
    """Return the positions of the columns, and whether ``row`` is a header."""
    if row[0].strip().removeprefix("\ufeff")[:1].isdigit():
        return _KLINE_COLUMNS, False
    names = [name.strip().removeprefix("\ufeff").lower() for name in row]
    time = next((names.index(name) for name in TIME_NAMES if name in names), None)
    if time is None:
        raise Invalid(f"line 1: no column of times; it is named {', '.join(TIME_NAMES)}")
    missing = [name for name in _PRICES if name not in names]
    if missing:
        raise Invalid(f"line 1: no column {missing[0]}")
    volume = names.index("volume") if "volume" in names else None
    return (time, *(names.index(name) for name in _PRICES), volume), True


def time_reader(text: str) -> Callable[[str], datetime]:
    """Return what reads the times of a file whose first one is ``text``. Raises ``ValueError``."""
    if not text.strip().isdigit():
        return _parse_iso
    count = int(text)
    unit = timedelta(seconds=1)
    if count > _MICROSECONDS:
        unit = timedelta(microseconds=1)
    elif count > _MILLISECONDS:
        unit = timedelta(milliseconds=1)
    return lambda number: _EPOCH + int(number) * unit


def _parse_iso(text: str) -> datetime:
    time = datetime.fromisoformat(text.strip())
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _candle(row: Sequence[str], columns: Columns, open_time: datetime) -> Candle:
    numbers = [number_at(row, column) for column in columns[1:]]
    opened, high, low, close, volume = numbers
    if opened is None or high is None or low is None or close is None:
        raise Invalid("a price is missing")
    return _new_candle(
        open_time=open_time, open=opened, high=high, low=low, close=close, volume=volume
    )


def number_at(row: Sequence[str], column: int | None) -> Decimal | None:
    """Return the number of a column, at most 18 places; ``None`` for none. Raises ``Invalid``."""
    text = "" if column is None else row[column].strip()
    if not text:
        return None
    try:
        return parse_decimal(text)
    except NotADecimal as problem:
        rounded = _rounded(text)
        if rounded is None:
            raise Invalid(f"{text[:64]!r}: {problem}") from None
        return rounded


def _rounded(text: str) -> Decimal | None:
    """Return a number with too many places at the 18 that are stored, ``None`` for another text.

    Programs that write binary floats write places beyond these.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or not -EXPONENT_MAX < number.adjusted() < DIGITS_MAX:
        return None
    return round_to_scale(number)


def _check(candle: Candle, timeframe: Timeframe, last: datetime | None) -> None:
    check_candle(candle, timeframe)
    time = candle.open_time
    if last is not None and time <= last:
        problem = "occurs twice" if time == last else f"follows {last.isoformat()}"
        raise Invalid(f"the candle of {time.isoformat()} {problem}; times must ascend")
