"""A budget that several processes share: chunks of a second, the cancels' part, pauses told on."""

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
    """Chunks in memory, by a clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.25
        self.used: dict[int, float] = defaultdict(float)
        self.paused_until = 0.0
        self.asked = 0
        self.is_lost = False

    def __call__(self) -> float:
        return self.now

    async def take(self, scope: str, wanted: float, most: float) -> TokenGrant:
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_lost:
            raise Unavailable("gone")
        second = math.floor(self.now)
        left = second + 1 - self.now
        if self.paused_until > self.now:
            return TokenGrant(tokens=0, seconds=left, paused=self.paused_until - self.now)
        given = min(wanted, max(most - self.used[second], 0))
        self.used[second] += given
        return TokenGrant(tokens=given, seconds=left)

    async def pause(self, scope: str, seconds: float) -> None:
        if self.is_lost:
            raise Unavailable("gone")
        self.paused_until = max(self.paused_until, self.now + seconds)


@pytest.fixture
def store() -> Store:
    return Store()


def worker(store: Store, per_second: float = 10) -> SharedRateLimitBucket:
    return SharedRateLimitBucket(store, NAME, per_second, store)


async def went(scope: SharedRateLimitBucket, store: Store, priority: Priority, wishes: int) -> int:
    """How many of so many wishes pass in this moment."""
    passed = 0
    for _ in range(wishes):
        try:
            await scope.take(priority, deadline=store.now)
        except DeadlinePassed:
            return passed
        passed += 1
    return passed


async def test_workers_share_one_second(store: Store) -> None:
    workers = [worker(store) for _ in range(3)]
    passed = [0, 0, 0]
    for _ in range(10):
        for number, each in enumerate(workers):
            passed[number] += await went(each, store, Priority.OPEN, 1)
    assert sum(passed) == 8, "what is kept for cancels stays"
    assert min(passed) >= 2, "nobody takes all"
    assert [await went(each, store, Priority.CANCEL, 9) for each in workers] == [2, 0, 0]
    store.now += 1.06
    assert await went(workers[2], store, Priority.OPEN, 1) == 1


async def test_one_question_brings_tokens_for_several(store: Store) -> None:
    alone = worker(store, 100)
    assert await went(alone, store, Priority.SNAPSHOT, 40) == 40
    assert store.asked == 2


async def test_tokens_of_a_second_are_worth_nothing_in_the_next(store: Store) -> None:
    first, second = worker(store), worker(store)
    assert await went(first, store, Priority.OPEN, 1) == 1
    store.now += 1
    assert await went(second, store, Priority.OPEN, 8) == 8
    assert await went(first, store, Priority.OPEN, 1) == 0


async def test_a_pause_is_for_all_workers(store: Store) -> None:
    here, there = worker(store), worker(store)
    assert here.pause(5) == 5
    await asyncio.sleep(0)
    assert await went(there, store, Priority.CANCEL, 1) == 0
    assert there.pause_seconds_left == pytest.approx(5)
    store.now += 5.01
    assert await went(there, store, Priority.CANCEL, 1) == 1


async def test_the_urgent_pass_those_who_wait_for_the_store(store: Store) -> None:
    scope, order = worker(store), list[str]()
    scope.pause(1)
    await asyncio.sleep(0)

    async def go(name: str, priority: Priority) -> None:
        await scope.take(priority)
        order.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name, priority in (("sweep", Priority.SNAPSHOT), ("cancel", Priority.CANCEL)):
            tasks.create_task(go(name, priority))
        await asyncio.sleep(0)
        store.now += 1.01
        scope._wake()
        for _ in range(20):
            await asyncio.sleep(0)
        assert order == ["cancel"], "alone, after a pause"
        scope.record_success()
    assert order == ["cancel", "sweep"]


async def test_what_is_dearer_than_a_second_passes_with_a_whole_one(store: Store) -> None:
    scope = worker(store)
    await scope.take(Priority.SNAPSHOT, cost=50, deadline=store.now)
    assert store.used[1000] == 8


async def test_without_the_store_a_process_goes_by_its_own_window(store: Store) -> None:
    scope = worker(store)
    store.is_lost = True
    assert await went(scope, store, Priority.OPEN, 20) == 8
    assert scope.pause(2) == 2
    await asyncio.sleep(0)
    assert await went(scope, store, Priority.CANCEL, 1) == 0


def test_only_what_is_shared_asks_the_store(store: Store) -> None:
    buckets = RateLimitBuckets(
        store, lambda name, rate, clock: SharedRateLimitBucket(store, name, rate, clock)
    )
    assert isinstance(buckets.get_or_create("here", 10, is_shared=True), SharedRateLimitBucket)
    assert not isinstance(buckets.get_or_create("mine", 10), SharedRateLimitBucket)
