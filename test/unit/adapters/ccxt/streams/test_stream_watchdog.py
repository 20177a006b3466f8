"""When connected streams count as dead."""

from datetime import UTC, datetime, timedelta

import pytest

from oms.adapters.ccxt.streams.stream_watchdog import StreamWatchdog

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.fixture
def watchdog() -> StreamWatchdog:
    watchdog = StreamWatchdog(silence_seconds=60, delay_seconds=5)
    watchdog.start(ago(100))
    return watchdog


@pytest.mark.parametrize(
    ("silent", "is_live", "is_dead"),
    [(59.0, True, False), (61.0, True, True), (3600.0, False, False)],
)
def test_silence_counts_while_orders_are_open(
    watchdog: StreamWatchdog, silent: float, is_live: bool, is_dead: bool
) -> None:
    assert watchdog.is_dead(silent, is_live=is_live) is is_dead


@pytest.mark.parametrize(
    ("facts", "is_dead"),
    [
        ([6, 7], True),
        ([6], False),  # one may be a lost message
        ([6, 4], False),  # a message may be on its way
        ([6, 101], False),  # before they were connected
        ([4, 3, 2, 101, 102], False),
    ],
)
def test_two_late_executions_that_polling_found_first(
    watchdog: StreamWatchdog, facts: list[float], is_dead: bool
) -> None:
    for seconds in facts:
        watchdog.record_missed([ago(seconds)], NOW)
    assert watchdog.is_dead(0, is_live=False) is is_dead


def test_new_streams_start_from_zero(watchdog: StreamWatchdog) -> None:
    watchdog.record_missed([ago(6), ago(7)], NOW)
    watchdog.start(NOW)
    assert not watchdog.is_dead(0, is_live=True)


def test_nothing_counts_before_the_connection() -> None:
    watchdog = StreamWatchdog(silence_seconds=60, delay_seconds=5)
    watchdog.record_missed([ago(6), ago(7)], NOW)
    assert not watchdog.is_dead(0, is_live=True)
