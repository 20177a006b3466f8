"""Candles in CSV files: layouts, times, and lines that are refused."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from oms.domain.errors import Invalid
from oms.domain.market.timeframe import Timeframe
from oms.wire.market.candle_file import read_candles

HEADER = "timestamp,open,high,low,close,volume"
ROW = "2024-01-01T00:00:00Z,1,4,0.5,2,10"
AT = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "lines",
    [
        [HEADER, ROW],
        ["\ufeffDate,Open,High,Low,Close,Volume", "2024-01-01,1,4,0.5,2,10"],
        ["volume,close,low,high,open,time", "10,2,0.5,4,1,1704067200"],
        [HEADER, "1704067200000,1,4,0.5,2,10"],
        [HEADER, "2024-01-01T02:00:00+02:00,1,4,0.5,2,10"],
        ["1704067200000,1,4,0.5,2,10,1704070799999,20,5,1,2,0"],
        ["1704067200000000,1,4,0.5,2,10,1704070799999999,20,5,1,2,0"],
        [HEADER, "", ROW, ""],
    ],
)
def test_layouts_and_times(lines: list[str]) -> None:
    (candle,) = read_candles(lines, Timeframe.HOUR)

    assert candle.open_time == AT
    assert (candle.open, candle.high, candle.low, candle.close) == (1, 4, Decimal("0.5"), 2)
    assert candle.volume == 10


@pytest.mark.parametrize(
    "lines", [[HEADER, "2024-01-01,1,4,0.5,2,"], [HEADER[:-7], "2024-01-01,1,4,0.5,2"]]
)
def test_a_missing_volume_is_not_zero(lines: list[str]) -> None:
    (candle,) = read_candles(lines, Timeframe.HOUR)

    assert candle.volume is None


def test_digits_of_a_binary_float_beyond_the_stored_places_are_rounded() -> None:
    row = "2024-01-01,0.00005330000000000001,5.34E-5,5.32e-5,5.330000000000001e-05,1e-300"
    (candle,) = read_candles([HEADER, row], Timeframe.HOUR)

    assert (candle.open, candle.high) == (Decimal("0.0000533"), Decimal("0.0000534"))
    assert candle.volume == 0


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([], "the file has no candles"),
        ([HEADER], "the file has no candles"),
        (["when,open,high,low,close"], "line 1: no column of times"),
        (["time,open,high,low"], "line 1: no column close"),
        ([HEADER, ROW, ROW], "line 3: the candle of 2024-01-01T00:00:00.00:00 occurs twice"),
        ([HEADER, "2024-01-01T02:00,1,1,1,1,1", ROW], "line 3: .* times must ascend"),
        ([HEADER, "2024-01-01T00:30,1,1,1,1,1"], "line 2: .* not on a boundary of 1h"),
        ([HEADER, "2024-01-01,1,4,0.5"], "line 2: a column is missing"),
        ([HEADER, "2024-01-01,1,4,0.5,,1"], "line 2: a price is missing"),
        ([HEADER, "2024-01-01,1,4,0.5,x,1"], "line 2: 'x': not a decimal number"),
        ([HEADER, "2024-01-01,1,4,0.5,NaN,1"], "line 2: 'NaN': a number must be finite"),
        ([HEADER, "2024-01-01,1,4,0,2,1"], "line 2: low 0 must be above 0"),
        ([HEADER, "2024-01-01,5,4,0.5,2,1"], "line 2: open 5 and close 2 must lie in 0.5 to 4"),
        ([HEADER, "2024-01-01,1,4,3,2,1"], "line 2: open 1 and close 2 must lie in 3 to 4"),
        ([HEADER, "2024-01-01,1,4,0.5,2,-1"], "line 2: volume -1 must be at least 0"),
        ([HEADER, "yesterday,1,4,0.5,2,1"], "line 2: Invalid isoformat"),
        ([HEADER, "9" * 40 + ",1,4,0.5,2,1"], "line 2: "),
    ],
)
def test_a_bad_line_is_named(lines: list[str], text: str) -> None:
    with pytest.raises(Invalid, match=text):
        list(read_candles(lines, Timeframe.HOUR))
