"""Lists read once for many: who hears of a reading had asked before it began."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from kit.exchanges.scripted_venue import LINEAR, ScriptedVenue, an_order_row
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.order_parser import OrderSnapshot
from oms.adapters.ccxt.sync.shared_lists import ListResult, SharedListReader
from oms.adapters.ccxt.venues.registry import get_profile

OPEN = "fetch_open_orders"


@dataclass
class SlowVenue(ScriptedVenue):
    """Its reads wait until they are let through; ``began`` holds what each asked for."""

    began: list[tuple[Any, ...]] = field(default_factory=list)
    begins: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        self.began.append((method, *args))
        self.begins.release()
        await self.gate.acquire()
        return await super().read(method, *args, **kwargs)

    async def has_begun(self) -> None:
        """Wait for the beginning of one more read."""
        async with asyncio.timeout(5):
            await self.begins.acquire()


@pytest.fixture
def venue() -> SlowVenue:
    return SlowVenue()


@pytest.fixture
def lists(venue: SlowVenue) -> SharedListReader:
    return SharedListReader(venue, "bybit", get_profile("bybit"))


def asked(
    lists: SharedListReader, since: int | None = None
) -> "asyncio.Task[ListResult[OrderSnapshot]]":
    return asyncio.ensure_future(lists.orders(OPEN, LINEAR, since, 50, {}))


async def test_those_who_ask_at_once_share_one_reading(
    venue: SlowVenue, lists: SharedListReader
) -> None:
    venue.open_orders = [an_order_row("x1", "n1"), {"id": "x2", "symbol": LINEAR}]
    all_of_them = [asked(lists, since) for since in (300, 100, None, 200)]
    venue.gate.release()
    told = await asyncio.gather(*all_of_them)
    assert venue.began == [(OPEN, LINEAR, 100, 50, {})], "once, from the earliest"
    assert all(each is told[0] for each in told)
    assert [each.exchange_order_id for each in told[0].items] == ["x1"]
    assert [each.row["id"] for each in told[0].unreadable] == ["x2"] and told[0].rows == 2


async def test_who_asks_during_a_reading_hears_of_the_next(
    venue: SlowVenue, lists: SharedListReader
) -> None:
    first = asked(lists)
    await venue.has_begun()
    late = [asked(lists), asked(lists)]
    venue.gate.release()
    assert (await first).items == []
    venue.open_orders = [an_order_row("x1", "n1")]
    venue.gate.release()
    told = await asyncio.gather(*late)
    assert [len(each.items) for each in told] == [1, 1]
    assert len(venue.began) == 2


async def test_a_failure_is_everybodys_and_the_next_asks_anew(
    venue: SlowVenue, lists: SharedListReader
) -> None:
    venue.read_error = ReadFailed("exchange_unavailable", "down", retryable=True)
    pair = [asked(lists), asked(lists)]
    venue.gate.release()
    failed = await asyncio.gather(*pair, return_exceptions=True)
    assert [type(each) for each in failed] == [ReadFailed, ReadFailed]
    assert len(venue.began) == 1
    venue.read_error = None
    again = asked(lists)
    venue.gate.release()
    assert (await again).items == []


async def test_who_gives_up_leaves_the_reading_to_the_others(
    venue: SlowVenue, lists: SharedListReader
) -> None:
    first, second = asked(lists), asked(lists)
    await venue.has_begun()
    first.cancel()
    await venue.has_begun()
    venue.gate.release()
    assert (await second).items == []
    assert first.cancelled()
