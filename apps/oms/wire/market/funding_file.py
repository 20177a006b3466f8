"""Funding rates in CSV files with a header: a time, and ``funding_rate`` or ``rate``.

Exchanges report a payment some milliseconds after its time: times count to the minute.
"""

import csv
from collections.abc import Iterable, Iterator

from oms.domain.errors import Invalid
from oms.domain.market.funding_rate import FundingRate, check_rate
from oms.wire.market.candle_file import TIME_NAMES, number_at, time_reader

RATE_NAMES = ("funding_rate", "fundingrate", "rate")


def read_funding(lines: Iterable[str]) -> Iterator[FundingRate]:
    """Yield the rates of a file in the order of their times, which must ascend.

    Raises ``Invalid``, with the number of the line.
    """
    reader = csv.reader(lines)
    header = [name.strip().removeprefix("\ufeff").lower() for name in next(reader, [])]
    time, rate = (_column(header, names) for names in (TIME_NAMES, RATE_NAMES))
    last, read_time = None, None
    for row in reader:
        if not row:
            continue
        try:
            read_time = read_time or time_reader(row[time])
            number = number_at(row, rate)
            if number is None:
                raise Invalid("a rate is missing")
            at = read_time(row[time]).replace(second=0, microsecond=0)
            found = FundingRate(at=at, rate=number)
            check_rate(found.rate)
            if last is not None and found.at <= last:
                raise Invalid(f"the rate of {found.at.isoformat()}: times must ascend")
        except (ValueError, IndexError, OverflowError, Invalid) as problem:
            message = "a column is missing" if isinstance(problem, IndexError) else problem
            raise Invalid(f"line {reader.line_num}: {message}") from None
        last = found.at
        yield found
    if last is None:
        raise Invalid("the file has no rates")


def _column(header: list[str], names: Iterable[str]) -> int:
    for name in names:
        if name in header:
            return header.index(name)
    raise Invalid(f"line 1: no column of {', '.join(names)}")
