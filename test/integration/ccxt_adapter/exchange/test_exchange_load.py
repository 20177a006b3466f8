"""Orders under injected faults: whatever is lost on the way, both books are equal in the end."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest

from kit.exchanges.ccxt_comparison import books_match, orders_in_doubt
from kit.exchanges.ccxt_harness import FAST_TIMINGS, LINEAR, SPOT, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.value import evolve

FAULTS = (
    {"match": "/order/create", "mode": "accept_then_close"},
    {"match": "/order/create", "mode": "accept_then_html"},
    {"match": "/order/create", "mode": "accept_then_http", "status": 502},
    {"match": "/order/create", "mode": "close_before"},
    {"match": "/order/create", "mode": "http", "status": 503},
    {"match": "/order/create", "mode": "rate_limit"},
    {"match": "/order/cancel", "mode": "accept_then_close"},
    {"match": "/order/cancel", "mode": "close_before"},
    {"match": "/order/amend", "mode": "accept_then_truncate"},
    {"match": "/order/amend", "mode": "close_before"},
    {"match": "/v5/order/realtime", "mode": "http", "status": 500},
    {"match": "/v5/execution/list", "mode": "shuffled", "count": 5},
    {"match": "/v5/order/realtime", "mode": "empty", "count": 2},
    {"match": "/v5/order/history", "mode": "null_fields"},
)


async def trade(
    harness: CcxtHarness, venue: LoopbackExchange, random: Random, order_id: int
) -> None:
    """One order and what may follow it, with a fault on the way."""
    venue.control("fault", **random.choice(FAULTS))
    symbol = random.choice((LINEAR, SPOT))
    price = random.choice((None, "10000", "10001"))
    await harness.send(order_id, "buy", "0.01", price, symbol=symbol)
    await harness.poll()
    older = [order for order in harness.orders.values() if order.state == "SUBMITTED"]
    if older and random.random() < 0.6:
        order = random.choice(older)
        if order.pending_change is None and random.random() < 0.5:
            await harness.change(order.id, random.choice(("10002", "10003")), None)
        elif order.pending_change is None:
            await harness.cancel(order.id)
    if older and random.random() < 0.3:
        name = random.choice(older).exchange_order_id
        open_now = {o["order_id"] for o in venue.books()["orders"] if o["state"] == "new"}
        if name in open_now:
            venue.control("fill", order_id=name, qty=random.choice(("0.004", "0.01")))


@pytest.mark.parametrize("seed", [1, 2])
async def test_both_books_are_equal_after_the_faults(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange, seed: int
) -> None:
    harness = await new_harness(
        timings=evolve(FAST_TIMINGS, window_seconds=2.0, send_within_seconds=5)
    ).wait_ready()
    random = Random(seed)
    for order_id in range(1, 16):
        await trade(harness, venue, random, order_id)
        if order_id == 8:  # the worker crashes, and another takes over
            await harness.exchange.close()
            harness.start()
            await harness.wait_ready()
    venue.control("clear")
    await harness.wait_until(lambda: not orders_in_doubt(harness), "all outcomes known", seconds=40)
    harness.exchange.start_snapshot(now() - timedelta(minutes=5))
    await harness.wait_until(lambda: harness.snapshots, "a snapshot", seconds=20)
    await harness.wait_until(lambda: books_match(harness, venue), "equal books", seconds=20)
