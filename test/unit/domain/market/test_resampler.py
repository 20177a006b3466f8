"""Larger candles from smaller ones."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.market.candle import Candle
from oms.domain.market.resampler import Resampler
from oms.domain.market.timeframe import Timeframe

DAY = datetime(2024, 1, 1, tzinfo=UTC)
PART = timedelta(minutes=5)


def _candle(number: int, volume: Decimal | None = Decimal(1)) -> Candle:
    """Return the 5-minute candle of that number, with prices that no other one has."""
    base = Decimal(100 + (number * 7) % 13)
    return Candle(
        open_time=DAY + number * PART,
        open=base,
        high=base + 2,
        low=base - 3,
        close=base + 1,
        volume=volume,
    )


def _resample(numbers: Sequence[int], target: str) -> list[tuple[int, Candle]]:
    """Return the larger candles, each with the number of the candle that completed it."""
    resampler = Resampler(Timeframe.MINUTES_5, Timeframe(target))
    pushed = ((number, resampler.push(_candle(number))) for number in numbers)
    return [(number, candle) for number, candle in pushed if candle is not None]


def test_an_hour_has_the_first_open_and_the_last_close() -> None:
    ((number, hour),) = _resample(range(12), "1h")

    parts = [_candle(each) for each in range(12)]
    assert number == 11
    assert hour.open_time == DAY
    assert (hour.open, hour.close) == (parts[0].open, parts[-1].close)
    assert hour.high == max(part.high for part in parts)
    assert hour.low == min(part.low for part in parts)
    assert hour.volume == 12


@given(missing=st.sets(st.integers(0, 143), max_size=6))
def test_only_whole_candles_are_made_and_none_before_its_close(missing: set[int]) -> None:
    numbers = [number for number in range(144) if number not in missing]

    made = _resample(numbers, "1h")

    whole = [hour for hour in range(12) if not missing & set(range(hour * 12, hour * 12 + 12))]
    assert [number for number, _ in made] == [hour * 12 + 11 for hour in whole]
    assert [candle.open_time for _, candle in made] == [
        DAY + timedelta(hours=hour) for hour in whole
    ]


def test_a_part_without_volume_makes_a_candle_without_one() -> None:
    resampler = Resampler(Timeframe.MINUTES_5, Timeframe.MINUTES_15)
    made = [resampler.push(_candle(each, None if each == 1 else Decimal(1))) for each in range(3)]

    assert made[:2] == [None, None]
    assert made[2] is not None
    assert made[2].volume is None


@pytest.mark.parametrize(("source", "target"), [("1h", "5m"), ("1w", "1M")])
def test_a_timeframe_that_does_not_consist_of_the_source_is_an_error(
    source: str, target: str
) -> None:
    with pytest.raises(ValueError, match="do not consist"):
        Resampler(Timeframe(source), Timeframe(target))
