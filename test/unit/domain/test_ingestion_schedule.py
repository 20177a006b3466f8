"""When a series of candles is fetched."""

from datetime import UTC, datetime, timedelta

import pytest

from oms.domain.market.ingestion_schedule import RETRY_SECONDS, closed_until, lag, next_fetch
from oms.domain.market.timeframe import Timeframe

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def test_a_candle_settles_two_seconds_after_its_close() -> None:
    assert closed_until(Timeframe.HOUR, START + HOUR + 1.9 * SECOND) == START
    assert closed_until(Timeframe.HOUR, START + HOUR + 2 * SECOND) == START + HOUR


def test_a_new_series_is_fetched_at_once() -> None:
    assert next_fetch(Timeframe.HOUR, None, None, 0) is None


@pytest.mark.parametrize("after", [timedelta(seconds=2), timedelta(minutes=59)])
def test_a_complete_series_is_fetched_after_the_next_close(after: timedelta) -> None:
    fetched_at = START + HOUR + after
    assert next_fetch(Timeframe.HOUR, START, fetched_at, 0) == START + 2 * HOUR + 2 * SECOND


def test_a_month_is_fetched_after_its_end() -> None:
    fetched_at = datetime(2026, 3, 10, tzinfo=UTC)
    newest = datetime(2026, 2, 1, tzinfo=UTC)
    due = next_fetch(Timeframe.MONTH, newest, fetched_at, 0)
    assert due == datetime(2026, 4, 1, 0, 0, 2, tzinfo=UTC)


def test_a_candle_that_is_not_there_is_fetched_again_ever_more_rarely() -> None:
    fetched_at = START + 2 * HOUR + 3 * SECOND
    pauses = [
        (next_fetch(Timeframe.HOUR, START, fetched_at, attempts) or START) - fetched_at
        for attempts in range(1, 9)
    ]
    expected = [*RETRY_SECONDS, RETRY_SECONDS[-1], RETRY_SECONDS[-1]]
    assert [each.total_seconds() for each in pauses] == expected


def test_the_next_close_ends_a_pause() -> None:
    fetched_at = START + 3 * HOUR - 10 * SECOND
    assert next_fetch(Timeframe.HOUR, START, fetched_at, 6) == START + 3 * HOUR + 2 * SECOND


def test_the_lag_is_the_time_of_the_missing_candles() -> None:
    assert lag(Timeframe.HOUR, None, START) is None
    assert lag(Timeframe.HOUR, START, START + HOUR + 5 * SECOND) == timedelta()
    assert lag(Timeframe.HOUR, START, START + 3 * HOUR + 5 * SECOND) == 2 * HOUR
    assert lag(Timeframe.HOUR, START, START) == timedelta()
