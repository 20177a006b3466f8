"""Readings of a venue's clock: what a slow one may be off by, and that it is repeated."""

from typing import Any

import pytest

from oms.adapters.ccxt.client import venue_clock
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.client.venue_clock import READINGS_MAX, VenueClock

AHEAD_MS = 5_000


class Clocks:
    """Our clock and that of a venue, which is ahead, and readings of given durations."""

    def __init__(self, *delays: tuple[int, int]) -> None:
        #: Milliseconds to the venue and back, by reading.
        self._delays = list(delays)
        self.now = 1_000_000
        self.options: dict[str, int] = {}
        self.has = {"fetchTime": True}

    def milliseconds(self) -> int:
        return self.now

    async def fetch(self) -> int:
        there, back = self._delays.pop(0)
        self.now += there + back
        return self.now - back + AHEAD_MS


@pytest.mark.parametrize(
    ("delays", "error_ms", "off_by"),
    [
        ([(100, 100)], 100, 0),
        ([(900, 100)], 500, 400),
        ([(3_000, 0), (20, 20)], 20, 0),
        ([(3_000, 0), (0, 1_200), (2_000, 0)], 600, -600),
    ],
)
async def test_a_slow_reading_is_repeated_and_the_shortest_counts(
    delays: list[tuple[int, int]], error_ms: int, off_by: int
) -> None:
    clocks = Clocks(*delays)
    clock = VenueClock(clocks.fetch)
    await clock.read(clocks)
    assert clock.error_ms == error_ms
    assert clocks.options["timeDifference"] == -AHEAD_MS - off_by
    assert abs(off_by) <= error_ms


async def test_slow_readings_end() -> None:
    clocks = Clocks(*[(2_000, 0)] * READINGS_MAX)
    await VenueClock(clocks.fetch).read(clocks)
    assert clocks.options["timeDifference"] == -AHEAD_MS - 1_000


async def test_a_clock_that_was_read_meanwhile_is_not_read_again() -> None:
    clocks = Clocks((10, 10))
    clock = VenueClock(clocks.fetch)
    assert clock.is_stale()
    await clock.read(clocks)
    await clock.read(clocks, unless_since=clock.read_at - 1)
    assert not clock.is_stale()


def test_a_clock_is_read_at_once_on_a_machine_that_has_just_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(venue_clock, "monotonic", lambda: 1.0)
    assert VenueClock(Clocks().fetch).is_stale()


async def test_a_reply_without_a_time_is_a_failed_read() -> None:
    async def fetch() -> Any:
        return None

    with pytest.raises(ReadFailed):
        await VenueClock(fetch).read(Clocks())
