"""One budget shared by a key: order, the share of cancels, pauses; with a manual clock."""

import asyncio

import pytest

from oms.adapters.ccxt.client.http_session import CallContext
from oms.adapters.ccxt.client.request_errors import HttpReply
from oms.adapters.ccxt.ratelimit.rate_bucket import (
    PROBE_SECONDS_MAX,
    WINDOW_SECONDS,
    DeadlinePassed,
    Priority,
    RateLimitBucket,
    RateLimitBuckets,
    read_remaining,
)
from oms.adapters.ccxt.ratelimit.request_throttle import RequestThrottle


class ManualClock:
    """A clock that a test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def run_ready_tasks() -> None:
    """Let all tasks run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def advance(bucket: RateLimitBucket, clock: ManualClock, seconds: float) -> None:
    """Advance the clock and let all waiting tasks check it."""
    clock.now += seconds
    bucket._wake()


async def test_cancels_go_first_and_others_by_priority(clock: ManualClock) -> None:
    bucket, passed = RateLimitBucket(10, clock), list[str]()
    bucket.pause(5)

    async def go(name: str, priority: Priority) -> None:
        await bucket.take(priority)
        passed.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name, priority in (
            ("snapshot", Priority.SNAPSHOT),
            ("open 1", Priority.OPEN),
            ("open 2", Priority.OPEN),
            ("find", Priority.LOOKUP),
            ("cancel", Priority.CANCEL),
        ):
            tasks.create_task(go(name, priority))
        await run_ready_tasks()
        assert passed == []
        advance(bucket, clock, 5)
        await run_ready_tasks()
        assert passed == ["cancel"]
        bucket.record_success()
    assert passed == ["cancel", "find", "open 1", "open 2", "snapshot"]


async def test_a_fifth_is_reserved_for_cancels(clock: ManualClock) -> None:
    bucket = RateLimitBucket(10, clock)
    for _ in range(8):
        await bucket.take(Priority.OPEN)
    with pytest.raises(DeadlinePassed):
        await bucket.take(Priority.OPEN, deadline=clock.now)
    await bucket.take(Priority.CANCEL)
    await bucket.take(Priority.CANCEL)
    with pytest.raises(DeadlinePassed):
        await bucket.take(Priority.CANCEL, deadline=clock.now)
    clock.now += WINDOW_SECONDS
    await bucket.take(Priority.CANCEL)


async def test_no_second_exceeds_the_limit(clock: ManualClock) -> None:
    bucket, left = RateLimitBucket(10, clock), list[float]()
    for _ in range(300):
        try:
            await bucket.take(Priority.SNAPSHOT, deadline=clock.now)
        except DeadlinePassed:
            clock.now += 0.05
        else:
            left.append(clock.now)
    for start in left:
        assert sum(start <= at < start + 1 for at in left) <= 8


async def test_a_canceled_waiter_frees_the_queue(clock: ManualClock) -> None:
    bucket = RateLimitBucket(2, clock)
    bucket.pause(60)
    waiting = asyncio.create_task(bucket.take(Priority.LOOKUP))
    await run_ready_tasks()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    clock.now += 60
    await bucket.take(Priority.HISTORY)


async def test_a_cost_above_the_budget_passes_when_the_window_is_empty(clock: ManualClock) -> None:
    bucket = RateLimitBucket(10, clock)
    await bucket.take(Priority.SNAPSHOT, cost=50)
    with pytest.raises(DeadlinePassed):
        await bucket.take(Priority.CANCEL, deadline=clock.now)
    clock.now += 6
    await bucket.take(Priority.CANCEL)


def test_pauses_double_until_a_success(clock: ManualClock) -> None:
    bucket, pauses = RateLimitBucket(10, clock), []
    for _ in range(8):
        pauses.append(bucket.pause(None))
        clock.now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    bucket.record_success()
    assert bucket.pause(None) == 1
    assert bucket.pause(None) == 1, "a rejection during a pause does not prolong it"
    assert bucket.pause(5, is_ban=True) == 120
    assert bucket.pause_seconds_left == 120


async def test_after_a_pause_the_most_urgent_request_is_a_probe(clock: ManualClock) -> None:
    bucket, done = RateLimitBucket(10, clock), list[Priority]()

    async def go(priority: Priority) -> None:
        await bucket.take(priority)
        done.append(priority)

    bucket.pause(None)
    count = (Priority.OPEN, Priority.SNAPSHOT, Priority.CANCEL)
    waiting = [asyncio.create_task(go(priority)) for priority in count]
    await run_ready_tasks()
    advance(bucket, clock, 1)
    await run_ready_tasks()
    assert done == [Priority.CANCEL]
    bucket.pause(None)
    advance(bucket, clock, 2)
    await run_ready_tasks()
    assert done == [Priority.CANCEL, Priority.OPEN], "it was rejected: one probe again, later"
    bucket.record_success()
    await asyncio.gather(*waiting)


async def test_a_probe_without_a_reply_delays_others_for_a_limited_time(clock: ManualClock) -> None:
    bucket = RateLimitBucket(10, clock)
    bucket.pause(1)
    clock.now += 1
    await bucket.take(Priority.OPEN)
    with pytest.raises(DeadlinePassed):
        await bucket.take(Priority.OPEN, deadline=clock.now)
    clock.now += PROBE_SECONDS_MAX
    await bucket.take(Priority.OPEN)


async def test_the_venue_s_own_limits_win(clock: ManualClock) -> None:
    bucket = RateLimitBucket(10, clock)
    bucket.set_remaining(0)
    with pytest.raises(DeadlinePassed):
        await bucket.take(Priority.CANCEL, deadline=clock.now)
    left = read_remaining("bybit", {"X-Bapi-Limit-Status": "3"})
    assert left == 3
    assert read_remaining("bybit", {}) is None and read_remaining("kraken", {"x": "1"}) is None


async def test_the_end_of_a_minute_is_reserved_for_cancels(clock: ManualClock) -> None:
    bucket = RateLimitBucket(10, clock)
    bucket.reserve_for_cancels(20)
    with pytest.raises(DeadlinePassed):
        await bucket.take(Priority.LOOKUP, deadline=clock.now)
    await bucket.take(Priority.CANCEL)
    clock.now += 20
    await bucket.take(Priority.LOOKUP)


@pytest.mark.parametrize(
    ("used", "url", "waits"),
    [
        ("4799", "https://api.binance.com/api/v3/order", False),
        ("4800", "https://api.binance.com/api/v3/order", True),
        ("1919", "https://fapi.binance.com/fapi/v1/order", False),
        ("1920", "https://fapi.binance.com/fapi/v1/order", True),
        ("9999", "https://elsewhere.example/other", False),
        ("many", "https://fapi.binance.com/fapi/v1/order", False),
    ],
)
async def test_used_weight_is_read_from_a_reply(
    clock: ManualClock, used: str, url: str, waits: bool
) -> None:
    steps = RequestThrottle(
        RateLimitBuckets(clock), venue="binance", environment="live", api_key="k"
    )
    call = CallContext(is_write=False)
    await steps.wait(call, api="private", path="order", cost=1, per_second=20)
    headers = {"X-MBX-USED-WEIGHT-1M": used}
    call.reply = HttpReply(status=200, headers=headers, body="{}", url=url)
    steps.record_reply(call, None)
    assert call.bucket is not None
    if waits:
        with pytest.raises(DeadlinePassed):
            await call.bucket.take(Priority.OPEN, deadline=clock.now)
    else:
        await call.bucket.take(Priority.OPEN, deadline=clock.now)
    await call.bucket.take(Priority.CANCEL, deadline=clock.now)


def test_one_bucket_per_name() -> None:
    buckets = RateLimitBuckets()
    assert buckets.get_or_create("bybit key", 10) is buckets.get_or_create("bybit key", 10)
    assert buckets.get_or_create("bybit key", 10) is not buckets.get_or_create("bybit ip", 10)


async def test_orders_of_one_account_leave_the_address_budget_to_others(clock: ManualClock) -> None:
    """Two accounts of one address each place what an account may in a second."""
    buckets = RateLimitBuckets(clock)
    accounts = [
        RequestThrottle(buckets, venue="binance", environment="live", api_key=key)
        for key in ("k", "l")
    ]
    async with asyncio.timeout(5):
        for steps in accounts:
            for _ in range(4):
                call = CallContext(is_write=True, priority=Priority.OPEN)
                await steps.wait(call, api="fapiPrivate", path="order", cost=4, per_second=20)
        read = CallContext(is_write=False)
        await accounts[0].wait(read, api="fapiPrivate", path="account", cost=30, per_second=20)
    assert call.bucket is buckets.get_or_create("binance.live address fapi", 40), (
        "what pauses it pauses all"
    )
