"""One budget for all who share a key: order, the cancels' share, pauses; a clock by hand."""

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


class Hands:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


async def settled() -> None:
    """Everybody who can go has gone."""
    for _ in range(20):
        await asyncio.sleep(0)


def turn(scope: RateLimitBucket, hands: Hands, seconds: float) -> None:
    """Let time pass and let all who wait look at the clock."""
    hands.now += seconds
    scope._wake()


async def test_cancels_go_first_and_others_in_their_order(hands: Hands) -> None:
    scope, went = RateLimitBucket(10, hands), list[str]()
    scope.pause(5)

    async def go(name: str, priority: Priority) -> None:
        await scope.take(priority)
        went.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name, priority in (
            ("sweep", Priority.SNAPSHOT),
            ("open 1", Priority.OPEN),
            ("open 2", Priority.OPEN),
            ("find", Priority.LOOKUP),
            ("cancel", Priority.CANCEL),
        ):
            tasks.create_task(go(name, priority))
        await settled()
        assert went == []
        turn(scope, hands, 5)
        await settled()
        assert went == ["cancel"]
        scope.record_success()
    assert went == ["cancel", "find", "open 1", "open 2", "sweep"]


async def test_a_fifth_is_kept_for_cancels(hands: Hands) -> None:
    scope = RateLimitBucket(10, hands)
    for _ in range(8):
        await scope.take(Priority.OPEN)
    with pytest.raises(DeadlinePassed):
        await scope.take(Priority.OPEN, deadline=hands.now)
    await scope.take(Priority.CANCEL)
    await scope.take(Priority.CANCEL)
    with pytest.raises(DeadlinePassed):
        await scope.take(Priority.CANCEL, deadline=hands.now)
    hands.now += WINDOW_SECONDS
    await scope.take(Priority.CANCEL)


async def test_no_second_sees_more_than_allowed(hands: Hands) -> None:
    scope, left = RateLimitBucket(10, hands), list[float]()
    for _ in range(300):
        try:
            await scope.take(Priority.SNAPSHOT, deadline=hands.now)
        except DeadlinePassed:
            hands.now += 0.05
        else:
            left.append(hands.now)
    for start in left:
        assert sum(start <= at < start + 1 for at in left) <= 8


async def test_who_gives_up_frees_the_way(hands: Hands) -> None:
    scope = RateLimitBucket(2, hands)
    scope.pause(60)
    waiting = asyncio.create_task(scope.take(Priority.LOOKUP))
    await settled()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    hands.now += 60
    await scope.take(Priority.HISTORY)


async def test_what_costs_more_than_there_ever_is_passes_when_all_is_there(hands: Hands) -> None:
    scope = RateLimitBucket(10, hands)
    await scope.take(Priority.SNAPSHOT, cost=50)
    with pytest.raises(DeadlinePassed):
        await scope.take(Priority.CANCEL, deadline=hands.now)
    hands.now += 6
    await scope.take(Priority.CANCEL)


def test_pauses_double_until_an_answer(hands: Hands) -> None:
    scope, pauses = RateLimitBucket(10, hands), []
    for _ in range(8):
        pauses.append(scope.pause(None))
        hands.now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    scope.record_success()
    assert scope.pause(None) == 1
    assert scope.pause(None) == 1, "what is refused during a pause does not lengthen it"
    assert scope.pause(5, is_ban=True) == 120
    assert scope.pause_seconds_left == 120


async def test_after_a_pause_the_most_urgent_goes_alone(hands: Hands) -> None:
    scope, gone = RateLimitBucket(10, hands), list[Priority]()

    async def go(priority: Priority) -> None:
        await scope.take(priority)
        gone.append(priority)

    scope.pause(None)
    wishes = (Priority.OPEN, Priority.SNAPSHOT, Priority.CANCEL)
    waiting = [asyncio.create_task(go(priority)) for priority in wishes]
    await settled()
    turn(scope, hands, 1)
    await settled()
    assert gone == [Priority.CANCEL]
    scope.pause(None)
    turn(scope, hands, 2)
    await settled()
    assert gone == [Priority.CANCEL, Priority.OPEN], "it was refused: again one, later"
    scope.record_success()
    await asyncio.gather(*waiting)


async def test_a_probe_without_an_answer_holds_nobody_up_for_long(hands: Hands) -> None:
    scope = RateLimitBucket(10, hands)
    scope.pause(1)
    hands.now += 1
    await scope.take(Priority.OPEN)
    with pytest.raises(DeadlinePassed):
        await scope.take(Priority.OPEN, deadline=hands.now)
    hands.now += PROBE_SECONDS_MAX
    await scope.take(Priority.OPEN)


async def test_the_venue_has_the_last_word(hands: Hands) -> None:
    scope = RateLimitBucket(10, hands)
    scope.set_remaining(0)
    with pytest.raises(DeadlinePassed):
        await scope.take(Priority.CANCEL, deadline=hands.now)
    left = read_remaining("bybit", {"X-Bapi-Limit-Status": "3"})
    assert left == 3
    assert read_remaining("bybit", {}) is None and read_remaining("kraken", {"x": "1"}) is None


async def test_the_end_of_a_minute_is_kept_for_cancels(hands: Hands) -> None:
    scope = RateLimitBucket(10, hands)
    scope.reserve_for_cancels(20)
    with pytest.raises(DeadlinePassed):
        await scope.take(Priority.LOOKUP, deadline=hands.now)
    await scope.take(Priority.CANCEL)
    hands.now += 20
    await scope.take(Priority.LOOKUP)


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
async def test_what_a_reply_says_of_its_minute(
    hands: Hands, used: str, url: str, waits: bool
) -> None:
    turns = RequestThrottle(
        RateLimitBuckets(hands), venue="binance", environment="live", api_key="k"
    )
    call = CallContext(is_write=False)
    await turns.wait(call, api="private", path="order", cost=1, per_second=20)
    headers = {"X-MBX-USED-WEIGHT-1M": used}
    call.reply = HttpReply(status=200, headers=headers, body="{}", url=url)
    turns.record_reply(call, None)
    assert call.bucket is not None
    if waits:
        with pytest.raises(DeadlinePassed):
            await call.bucket.take(Priority.OPEN, deadline=hands.now)
    else:
        await call.bucket.take(Priority.OPEN, deadline=hands.now)
    await call.bucket.take(Priority.CANCEL, deadline=hands.now)


def test_one_scope_for_one_name() -> None:
    buckets = RateLimitBuckets()
    assert buckets.get_or_create("bybit key", 10) is buckets.get_or_create("bybit key", 10)
    assert buckets.get_or_create("bybit key", 10) is not buckets.get_or_create("bybit ip", 10)


async def test_orders_of_an_account_leave_the_address_to_the_others(hands: Hands) -> None:
    """Each of two accounts of one address places what an account may in a second."""
    buckets = RateLimitBuckets(hands)
    accounts = [
        RequestThrottle(buckets, venue="binance", environment="live", api_key=key)
        for key in ("k", "l")
    ]
    async with asyncio.timeout(5):
        for turns in accounts:
            for _ in range(4):
                call = CallContext(is_write=True, priority=Priority.OPEN)
                await turns.wait(call, api="fapiPrivate", path="order", cost=4, per_second=20)
        read = CallContext(is_write=False)
        await accounts[0].wait(read, api="fapiPrivate", path="account", cost=30, per_second=20)
    assert call.bucket is buckets.get_or_create("binance.live address fapi", 40), (
        "what pauses it pauses all"
    )
