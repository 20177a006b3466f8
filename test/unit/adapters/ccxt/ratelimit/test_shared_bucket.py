"""A budget shared by processes: chunks of a second, the share of cancels, shared pauses."""

import asyncio
import math
from collections import defaultdict

import pytest

from oms.adapters.ccxt.ratelimit.rate_bucket import DeadlinePassed, Priority, RateLimitBuckets
from oms.adapters.ccxt.ratelimit.shared_bucket import SharedRateLimitBucket
from oms.domain.errors import Unavailable
from oms.ports.rate_budget import TokenGrant

NAME = "binance.live address"


class Store:
    """Chunks in memory, by a clock that a test advances."""

    def __init__(self) -> None:
        self.now = 1000.25
        self.used: dict[int, float] = defaultdict(float)
        self.paused_until = 0.0
        self.asked = 0
        self.is_lost = False

    def __call__(self) -> float:
        return self.now

    async def take(self, bucket: str, requested: float, most: float) -> TokenGrant:
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_lost:
            raise Unavailable("done")
        second = math.floor(self.now)
        left = second + 1 - self.now
        if self.paused_until > self.now:
            return TokenGrant(tokens=0, seconds=left, paused=self.paused_until - self.now)
        given = min(requested, max(most - self.used[second], 0))
        self.used[second] += given
        return TokenGrant(tokens=given, seconds=left)

    async def pause(self, bucket: str, seconds: float) -> None:
        if self.is_lost:
            raise Unavailable("done")
        self.paused_until = max(self.paused_until, self.now + seconds)


@pytest.fixture
def store() -> Store:
    return Store()


def worker(store: Store, per_second: float = 10) -> SharedRateLimitBucket:
    return SharedRateLimitBucket(store, NAME, per_second, store)


async def passed(
    bucket: SharedRateLimitBucket, store: Store, priority: Priority, count: int
) -> int:
    """Returns how many of so many requests pass at this time."""
    passed_count = 0
    for _ in range(count):
        try:
            await bucket.take(priority, deadline=store.now)
        except DeadlinePassed:
            return passed_count
        passed_count += 1
    return passed_count


async def test_workers_share_one_second(store: Store) -> None:
    workers = [worker(store) for _ in range(3)]
    counts = [0, 0, 0]
    for _ in range(10):
        for number, each in enumerate(workers):
            counts[number] += await passed(each, store, Priority.OPEN, 1)
    assert sum(counts) == 8, "the share of cancels is left"
    assert min(counts) >= 2, "no worker takes all"
    assert [await passed(each, store, Priority.CANCEL, 9) for each in workers] == [2, 0, 0]
    store.now += 1.06
    assert await passed(workers[2], store, Priority.OPEN, 1) == 1


async def test_one_store_call_takes_tokens_for_several(store: Store) -> None:
    alone = worker(store, 100)
    assert await passed(alone, store, Priority.SNAPSHOT, 40) == 40
    assert store.asked == 2


async def test_tokens_expire_with_their_second(store: Store) -> None:
    first, second = worker(store), worker(store)
    assert await passed(first, store, Priority.OPEN, 1) == 1
    store.now += 1
    assert await passed(second, store, Priority.OPEN, 8) == 8
    assert await passed(first, store, Priority.OPEN, 1) == 0


async def test_a_pause_applies_to_all_workers(store: Store) -> None:
    own, other = worker(store), worker(store)
    assert own.pause(5) == 5
    await asyncio.sleep(0)
    assert await passed(other, store, Priority.CANCEL, 1) == 0
    assert other.pause_seconds_left == pytest.approx(5)
    store.now += 5.01
    assert await passed(other, store, Priority.CANCEL, 1) == 1


async def test_urgent_requests_overtake_those_that_wait_for_the_store(store: Store) -> None:
    bucket, order = worker(store), list[str]()
    bucket.pause(1)
    await asyncio.sleep(0)

    async def go(name: str, priority: Priority) -> None:
        await bucket.take(priority)
        order.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name, priority in (("snapshot", Priority.SNAPSHOT), ("cancel", Priority.CANCEL)):
            tasks.create_task(go(name, priority))
        await asyncio.sleep(0)
        store.now += 1.01
        bucket._wake()
        for _ in range(20):
            await asyncio.sleep(0)
        assert order == ["cancel"], "alone, after a pause"
        bucket.record_success()
    assert order == ["cancel", "snapshot"]


async def test_a_cost_above_one_second_passes_with_a_whole_second(store: Store) -> None:
    bucket = worker(store)
    await bucket.take(Priority.SNAPSHOT, cost=50, deadline=store.now)
    assert store.used[1000] == 8


async def test_without_the_store_a_process_uses_its_own_window(store: Store) -> None:
    bucket = worker(store)
    store.is_lost = True
    assert await passed(bucket, store, Priority.OPEN, 20) == 8
    assert bucket.pause(2) == 2
    await asyncio.sleep(0)
    assert await passed(bucket, store, Priority.CANCEL, 1) == 0


def test_only_shared_buckets_call_the_store(store: Store) -> None:
    buckets = RateLimitBuckets(
        store, lambda name, rate, clock: SharedRateLimitBucket(store, name, rate, clock)
    )
    assert isinstance(buckets.get_or_create("own", 10, is_shared=True), SharedRateLimitBucket)
    assert not isinstance(buckets.get_or_create("mine", 10), SharedRateLimitBucket)
