"""Bars: where they begin, and how they are made of shorter candles."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

import mt5_driver as mt5
from mt5_driver.errors import CallFailed
from mt5_driver.timeframes import Candle, combine, find_timeframe, source_seconds

TIMEFRAMES = {name: getattr(mt5, name) for name in dir(mt5) if name.startswith("TIMEFRAME_")}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def candle(time: str, low: int, high: int) -> Candle:
    return Candle(at(time), *map(Decimal, (low, high, low, high, 2)))


@pytest.mark.parametrize("name", TIMEFRAMES)
def test_each_timeframe_begins_where_the_one_before_ends(name: str) -> None:
    frame = find_timeframe(TIMEFRAMES[name])
    time = at("2026-02-28 13:37:11")
    opening, following = frame.open_of(time), frame.close_of(time)
    assert opening <= time < following
    assert frame.open_of(opening) == opening
    assert frame.open_of(following) == following
    assert frame.back(following, 1) == opening
    assert frame.back(time, 0) == opening


@pytest.mark.parametrize(
    ("name", "opening", "following"),
    [
        ("M12", "2026-02-28 13:36", "2026-02-28 13:48"),
        ("H8", "2026-02-28 08:00", "2026-02-28 16:00"),
        ("D1", "2026-02-28", "2026-03-01"),
        ("W1", "2026-02-22", "2026-03-01"),  # Sundays
        ("MN1", "2026-02-01", "2026-03-01"),
    ],
)
def test_bars_begin_as_in_metatrader(name: str, opening: str, following: str) -> None:
    frame = find_timeframe(TIMEFRAMES[f"TIMEFRAME_{name}"])
    time = at("2026-02-28 13:37:11")
    assert (frame.open_of(time), frame.close_of(time)) == (at(opening), at(following))


def test_months_are_counted_back_over_years() -> None:
    frame = find_timeframe(mt5.TIMEFRAME_MN1)
    assert frame.back(at("2026-02-28"), 14) == at("2024-12-01")
    assert frame.back(at("2026-02-28"), 10_000) == 0


@pytest.mark.parametrize("number", [0, 7, 60, 0x4000, 0x4000 | 5, 0x8000 | 2, True, "H1", None])
def test_other_timeframes_are_refused(number: object) -> None:
    with pytest.raises(CallFailed, match="timeframe"):
        find_timeframe(number)


def test_the_longest_candle_that_divides_a_timeframe_is_used() -> None:
    offered = (60, 300, 900, 3600, 14400, 86400)
    expected = {"M1": 60, "M2": 60, "M10": 300, "M20": 300, "M30": 900, "H3": 3600, "H8": 14400}
    expected |= {"H12": 14400, "D1": 86400, "W1": 86400, "MN1": 86400}
    for name, seconds in expected.items():
        frame = find_timeframe(TIMEFRAMES[f"TIMEFRAME_{name}"])
        assert source_seconds(frame, offered) == seconds, name
    assert source_seconds(find_timeframe(mt5.TIMEFRAME_M1), (300,)) is None


def test_candles_are_joined_and_gaps_stay() -> None:
    candles = [
        candle("2026-02-28 10:00", 10, 20),
        candle("2026-02-28 10:01", 5, 15),
        candle("2026-02-28 10:05", 30, 40),
    ]
    first, second = combine(candles, find_timeframe(mt5.TIMEFRAME_M2))
    assert first == Candle(at("2026-02-28 10:00"), *map(Decimal, (10, 20, 5, 15, 4)))
    assert second == Candle(at("2026-02-28 10:04"), *map(Decimal, (30, 40, 30, 40, 2)))
