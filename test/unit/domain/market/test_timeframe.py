"""Boundaries of timeframes."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.market.timeframe import Timeframe


@pytest.mark.parametrize(
    ("name", "open_time", "close_time"),
    [
        ("1m", "2024-02-29T10:07", "2024-02-29T10:08"),
        ("5m", "2024-02-29T10:05", "2024-02-29T10:10"),
        ("15m", "2024-02-29T10:00", "2024-02-29T10:15"),
        ("30m", "2024-02-29T10:00", "2024-02-29T10:30"),
        ("1h", "2024-02-29T10:00", "2024-02-29T11:00"),
        ("4h", "2024-02-29T08:00", "2024-02-29T12:00"),
        ("1d", "2024-02-29T00:00", "2024-03-01T00:00"),
        ("1w", "2024-02-26T00:00", "2024-03-04T00:00"),
        ("1M", "2024-02-01T00:00", "2024-03-01T00:00"),
    ],
)
def test_period_that_contains_a_time(name: str, open_time: str, close_time: str) -> None:
    timeframe = Timeframe(name)
    opened = timeframe.open_of(datetime(2024, 2, 29, 10, 7, 30, tzinfo=UTC))

    assert opened == datetime.fromisoformat(open_time).replace(tzinfo=UTC)
    assert timeframe.next_open(opened) == datetime.fromisoformat(close_time).replace(tzinfo=UTC)


def test_december_is_followed_by_january() -> None:
    december = datetime(2023, 12, 1, tzinfo=UTC)
    assert Timeframe.MONTH.next_open(december) == datetime(2024, 1, 1, tzinfo=UTC)


def test_boundaries_are_those_of_utc() -> None:
    local = datetime(2024, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert Timeframe.DAY.open_of(local) == datetime(2023, 12, 31, tzinfo=UTC)


@given(
    st.sampled_from(Timeframe),
    st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)
def test_periods_are_half_open_and_without_gaps(timeframe: Timeframe, time: datetime) -> None:
    opened = timeframe.open_of(time)
    closed = timeframe.next_open(opened)

    assert opened <= time < closed
    assert timeframe.open_of(opened) == opened
    assert timeframe.open_of(closed) == closed


def test_which_timeframes_consist_of_which() -> None:
    assert Timeframe.HOURS_4.contains(Timeframe.MINUTES_5)
    assert Timeframe.MONTH.contains(Timeframe.DAY)
    assert Timeframe.MONTH.contains(Timeframe.HOURS_4)
    assert not Timeframe.MONTH.contains(Timeframe.WEEK)
    assert not Timeframe.MINUTES_5.contains(Timeframe.HOUR)
    assert not Timeframe.WEEK.contains(Timeframe.MONTH)
