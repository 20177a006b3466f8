"""Requests for snapshots: each is answered by one whose reading began after it."""

import asyncio
from datetime import timedelta
from typing import Any

from kit.exchanges.ccxt_harness import CcxtHarness, now
from kit.exchanges.scripted_venue import ScriptedVenue


class SlowPositions(ScriptedVenue):
    """An exchange whose positions are read while ``is_open`` is set."""

    is_open: asyncio.Event

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "fetch_positions":
            await self.is_open.wait()
        return await super().read(method, *args, **kwargs)


async def test_a_snapshot_says_which_requests_were_made_before_it() -> None:
    venue = SlowPositions()
    venue.is_open = asyncio.Event()
    harness = await CcxtHarness(make_client=lambda: venue).start().wait_ready()
    since = now() - timedelta(minutes=5)
    first = harness.exchange.start_snapshot(since)
    await harness.poll_uncommitted()
    second = harness.exchange.start_snapshot(since)
    third = harness.exchange.start_snapshot(since, now())
    venue.is_open.set()
    await harness.wait_until(lambda: len(harness.snapshots) == 3, "three snapshots", seconds=5)
    assert first < second < third
    assert [each.request for each in harness.snapshots] == [first, third, third]
    assert [each.until is None for each in harness.snapshots] == [True, True, False]
    await harness.exchange.close()
