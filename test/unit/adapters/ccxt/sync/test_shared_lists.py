"""Shared list reads: every result was read after all its callers had calls for it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from kit.exchanges.scripted_venue import LINEAR, ScriptedVenue, an_order_row
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot
from oms.adapters.ccxt.sync.shared_lists import ListResult, SharedListReader
from oms.adapters.ccxt.venues.profile_registry import get_profile

OPEN = "fetch_open_orders"


@dataclass
class SlowVenue(ScriptedVenue):
    """Its reads wait until they are released; ``began`` has the arguments of each."""

    began: list[tuple[Any, ...]] = field(default_factory=list)
    begins: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        self.began.append((method, *args))
        self.begins.release()
        await self.gate.acquire()
        return await super().read(method, *args, **kwargs)

    async def wait_started(self) -> None:
        """Wait for the start of one more read."""
        async with asyncio.timeout(5):
            await self.begins.acquire()


@pytest.fixture
def venue() -> SlowVenue:
    return SlowVenue()


@pytest.fixture
def lists(venue: SlowVenue) -> SharedListReader:
    return SharedListReader(venue, "bybit", get_profile("bybit"))


def calls(
    lists: SharedListReader, since: int | None = None
) -> "asyncio.Task[ListResult[OrderSnapshot]]":
    return asyncio.ensure_future(lists.orders(OPEN, LINEAR, since, 50, {}))


async def test_concurrent_callers_share_one_read(venue: SlowVenue, lists: SharedListReader) -> None:
    venue.open_orders = [an_order_row("x1", "n1"), {"id": "x2", "symbol": LINEAR}]
    all_of_them = [calls(lists, since) for since in (300, 100, None, 200)]
    venue.gate.release()
    results = await asyncio.gather(*all_of_them)
    assert venue.began == [(OPEN, LINEAR, 100, 50, {})], "once, from the earliest start"
    assert all(each is results[0] for each in results)
    assert [each.exchange_order_id for each in results[0].items] == ["x1"]
    assert [each.row["id"] for each in results[0].unreadable] == ["x2"] and results[0].rows == 2


async def test_a_caller_during_a_read_gets_the_next(
    venue: SlowVenue, lists: SharedListReader
) -> None:
    first = calls(lists)
    await venue.wait_started()
    late = [calls(lists), calls(lists)]
    venue.gate.release()
    assert (await first).items == []
    venue.open_orders = [an_order_row("x1", "n1")]
    venue.gate.release()
    results = await asyncio.gather(*late)
    assert [len(each.items) for each in results] == [1, 1]
    assert len(venue.began) == 2


async def test_a_failure_reaches_all_callers_and_the_next_reads_again(
    venue: SlowVenue, lists: SharedListReader
) -> None:
    venue.read_error = ReadFailed("exchange_unavailable", "down", retryable=True)
    pair = [calls(lists), calls(lists)]
    venue.gate.release()
    failed = await asyncio.gather(*pair, return_exceptions=True)
    assert [type(each) for each in failed] == [ReadFailed, ReadFailed]
    assert len(venue.began) == 1
    venue.read_error = None
    again = calls(lists)
    venue.gate.release()
    assert (await again).items == []


async def test_a_canceled_caller_leaves_the_read_to_the_others(
    venue: SlowVenue, lists: SharedListReader
) -> None:
    first, second = calls(lists), calls(lists)
    await venue.wait_started()
    first.cancel()
    await venue.wait_started()
    venue.gate.release()
    assert (await second).items == []
    assert first.cancelled()
