"""One budget for all who share a key: order, the cancels' share, pauses; a clock by hand."""

import asyncio

import pytest

from oms.adapters.ccxt.faults import Reply
from oms.adapters.ccxt.pacing import (
    PROBE_SECONDS_MAX,
    WINDOW_SECONDS,
    Scope,
    Scopes,
    TooLate,
    Urgency,
    told_left,
)
from oms.adapters.ccxt.session import Call
from oms.adapters.ccxt.turns import Turns


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


def turn(scope: Scope, hands: Hands, seconds: float) -> None:
    """Let time pass and let all who wait look at the clock."""
    hands.now += seconds
    scope._wake()


async def test_cancels_go_first_and_others_in_their_order(hands: Hands) -> None:
    scope, went = Scope(10, hands), list[str]()
    scope.pause(5)

    async def go(name: str, urgency: Urgency) -> None:
        await scope.take(urgency)
        went.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name, urgency in (
            ("sweep", Urgency.SWEEP),
            ("open 1", Urgency.OPEN),
            ("open 2", Urgency.OPEN),
            ("find", Urgency.FIND),
            ("cancel", Urgency.CANCEL),
        ):
            tasks.create_task(go(name, urgency))
        await settled()
        assert went == []
        turn(scope, hands, 5)
        await settled()
        assert went == ["cancel"]
        scope.went_well()
    assert went == ["cancel", "find", "open 1", "open 2", "sweep"]


async def test_a_fifth_is_kept_for_cancels(hands: Hands) -> None:
    scope = Scope(10, hands)
    for _ in range(8):
        await scope.take(Urgency.OPEN)
    with pytest.raises(TooLate):
        await scope.take(Urgency.OPEN, deadline=hands.now)
    await scope.take(Urgency.CANCEL)
    await scope.take(Urgency.CANCEL)
    with pytest.raises(TooLate):
        await scope.take(Urgency.CANCEL, deadline=hands.now)
    hands.now += WINDOW_SECONDS
    await scope.take(Urgency.CANCEL)


async def test_no_second_sees_more_than_allowed(hands: Hands) -> None:
    scope, left = Scope(10, hands), list[float]()
    for _ in range(300):
        try:
            await scope.take(Urgency.SWEEP, deadline=hands.now)
        except TooLate:
            hands.now += 0.05
        else:
            left.append(hands.now)
    for start in left:
        assert sum(start <= at < start + 1 for at in left) <= 8


async def test_who_gives_up_frees_the_way(hands: Hands) -> None:
    scope = Scope(2, hands)
    scope.pause(60)
    waiting = asyncio.create_task(scope.take(Urgency.FIND))
    await settled()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    hands.now += 60
    await scope.take(Urgency.HISTORY)


async def test_what_costs_more_than_there_ever_is_passes_when_all_is_there(hands: Hands) -> None:
    scope = Scope(10, hands)
    await scope.take(Urgency.SWEEP, cost=50)
    with pytest.raises(TooLate):
        await scope.take(Urgency.CANCEL, deadline=hands.now)
    hands.now += 6
    await scope.take(Urgency.CANCEL)


def test_pauses_double_until_an_answer(hands: Hands) -> None:
    scope, pauses = Scope(10, hands), []
    for _ in range(8):
        pauses.append(scope.pause(None))
        hands.now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    scope.went_well()
    assert scope.pause(None) == 1
    assert scope.pause(None) == 1, "what is refused during a pause does not lengthen it"
    assert scope.pause(5, is_ban=True) == 120
    assert scope.paused_for == 120


async def test_after_a_pause_the_most_urgent_goes_alone(hands: Hands) -> None:
    scope, gone = Scope(10, hands), list[Urgency]()

    async def go(urgency: Urgency) -> None:
        await scope.take(urgency)
        gone.append(urgency)

    scope.pause(None)
    wishes = (Urgency.OPEN, Urgency.SWEEP, Urgency.CANCEL)
    waiting = [asyncio.create_task(go(urgency)) for urgency in wishes]
    await settled()
    turn(scope, hands, 1)
    await settled()
    assert gone == [Urgency.CANCEL]
    scope.pause(None)
    turn(scope, hands, 2)
    await settled()
    assert gone == [Urgency.CANCEL, Urgency.OPEN], "it was refused: again one, later"
    scope.went_well()
    await asyncio.gather(*waiting)


async def test_a_probe_without_an_answer_holds_nobody_up_for_long(hands: Hands) -> None:
    scope = Scope(10, hands)
    scope.pause(1)
    hands.now += 1
    await scope.take(Urgency.OPEN)
    with pytest.raises(TooLate):
        await scope.take(Urgency.OPEN, deadline=hands.now)
    hands.now += PROBE_SECONDS_MAX
    await scope.take(Urgency.OPEN)


async def test_the_venue_has_the_last_word(hands: Hands) -> None:
    scope = Scope(10, hands)
    scope.correct(0)
    with pytest.raises(TooLate):
        await scope.take(Urgency.CANCEL, deadline=hands.now)
    left = told_left("bybit", {"X-Bapi-Limit-Status": "3"})
    assert left == 3
    assert told_left("bybit", {}) is None and told_left("kraken", {"x": "1"}) is None


async def test_the_end_of_a_minute_is_kept_for_cancels(hands: Hands) -> None:
    scope = Scope(10, hands)
    scope.keep_for_cancels(20)
    with pytest.raises(TooLate):
        await scope.take(Urgency.FIND, deadline=hands.now)
    await scope.take(Urgency.CANCEL)
    hands.now += 20
    await scope.take(Urgency.FIND)


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
    turns = Turns(Scopes(hands), venue="binance", environment="live", api_key="k")
    call = Call(is_write=False)
    await turns.wait(call, api="private", path="order", cost=1, per_second=20)
    headers = {"X-MBX-USED-WEIGHT-1M": used}
    call.reply = Reply(status=200, headers=headers, body="{}", url=url)
    turns.heard(call, None)
    assert call.scope is not None
    if waits:
        with pytest.raises(TooLate):
            await call.scope.take(Urgency.OPEN, deadline=hands.now)
    else:
        await call.scope.take(Urgency.OPEN, deadline=hands.now)
    await call.scope.take(Urgency.CANCEL, deadline=hands.now)


def test_one_scope_for_one_name() -> None:
    scopes = Scopes()
    assert scopes.of("bybit key", 10) is scopes.of("bybit key", 10)
    assert scopes.of("bybit key", 10) is not scopes.of("bybit ip", 10)


async def test_orders_of_an_account_leave_the_address_to_the_others(hands: Hands) -> None:
    """Each of two accounts of one address places what an account may in a second."""
    scopes = Scopes(hands)
    accounts = [
        Turns(scopes, venue="binance", environment="live", api_key=key) for key in ("k", "l")
    ]
    async with asyncio.timeout(5):
        for turns in accounts:
            for _ in range(4):
                call = Call(is_write=True, urgency=Urgency.OPEN)
                await turns.wait(call, api="fapiPrivate", path="order", cost=4, per_second=20)
        read = Call(is_write=False)
        await accounts[0].wait(read, api="fapiPrivate", path="account", cost=30, per_second=20)
    assert call.scope is scopes.of("binance.live address fapi", 40), "what pauses it pauses all"
