"""When streams that seem to stand are not believed."""

from datetime import UTC, datetime, timedelta

import pytest

from oms.adapters.ccxt.streams.stream_watchdog import StreamWatchdog

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.fixture
def dog() -> StreamWatchdog:
    dog = StreamWatchdog(silence_seconds=60, delay_seconds=5)
    dog.start(ago(100))
    return dog


@pytest.mark.parametrize(
    ("silent", "is_live", "is_dead"),
    [(59.0, True, False), (61.0, True, True), (3600.0, False, False)],
)
def test_silence_counts_while_orders_are_live(
    dog: StreamWatchdog, silent: float, is_live: bool, is_dead: bool
) -> None:
    assert dog.is_dead(silent, is_live=is_live) is is_dead


@pytest.mark.parametrize(
    ("facts", "is_dead"),
    [
        ([6, 7], True),
        ([6], False),  # one may be a frame that got lost
        ([6, 4], False),  # a frame may be on its way
        ([6, 101], False),  # before they stood
        ([4, 3, 2, 101, 102], False),
    ],
)
def test_two_facts_that_were_read_first_and_late(
    dog: StreamWatchdog, facts: list[float], is_dead: bool
) -> None:
    for seconds in facts:
        dog.record_missed([ago(seconds)], NOW)
    assert dog.is_dead(0, is_live=False) is is_dead


def test_new_streams_begin_with_a_clean_slate(dog: StreamWatchdog) -> None:
    dog.record_missed([ago(6), ago(7)], NOW)
    dog.start(NOW)
    assert not dog.is_dead(0, is_live=True)


def test_nothing_counts_before_they_stood() -> None:
    dog = StreamWatchdog(silence_seconds=60, delay_seconds=5)
    dog.record_missed([ago(6), ago(7)], NOW)
    assert not dog.is_dead(0, is_live=True)
