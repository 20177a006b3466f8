"""Orders under injected faults: whatever is lost on the way, both books are equal in the end."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from kit.exchanges.ccxt_comparison import books_match, orders_in_doubt
from kit.exchanges.ccxt_harness import FAST_TIMINGS, LINEAR, SPOT, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.value import evolve

#: What a request is matched by, per dialect: orders placed, canceled, amended; lists of open
#: orders, of executions, of ended orders.
PATHS = {
    "bybit": (
        *("/order/create", "/order/cancel", "/order/amend"),
        *("/v5/order/realtime", "/v5/execution/list", "/v5/order/history"),
    ),
    "okx": (
        *("POST /api/v5/trade/order", "/cancel-order", "/amend-order"),
        *("/orders-pending", "/fills-history", "/orders-history"),
    ),
}


def faults_of(dialect: str) -> list[dict[str, Any]]:
    """The faults at the paths of a dialect."""
    create, cancel, amend, opened, fills, history = PATHS[dialect]
    return [
        {"match": create, "mode": "accept_then_close"},
        {"match": create, "mode": "accept_then_html"},
        {"match": create, "mode": "accept_then_http", "status": 502},
        {"match": create, "mode": "close_before"},
        {"match": create, "mode": "http", "status": 503},
        {"match": create, "mode": "rate_limit"},
        {"match": cancel, "mode": "accept_then_close"},
        {"match": cancel, "mode": "close_before"},
        {"match": amend, "mode": "accept_then_truncate"},
        {"match": amend, "mode": "close_before"},
        {"match": opened, "mode": "http", "status": 500},
        {"match": fills, "mode": "shuffled", "count": 5},
        {"match": opened, "mode": "empty", "count": 2},
        {"match": history, "mode": "null_fields"},
    ]


async def trade(
    harness: CcxtHarness, venue: LoopbackExchange, random: Random, order_id: int, dialect: str
) -> None:
    """One order and what may follow it, with a fault on the way."""
    venue.control("fault", **random.choice(faults_of(dialect)))
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
        key = "number" if dialect == "okx" else "order_id"
        opened = [row for row in venue.books()["orders"] if row["state"] == "new"]
        order_ids = {str(row[key]): row["order_id"] for row in opened}
        if name in order_ids:
            qty = random.choice(("0.004", "0.01"))
            venue.control("fill", order_id=order_ids[name], qty=qty)


@pytest.mark.parametrize(("dialect", "seed"), [("bybit", 1), ("bybit", 2), ("okx", 1), ("okx", 2)])
async def test_both_books_are_equal_after_the_faults(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange, dialect: str, seed: int
) -> None:
    windows = {"window_seconds": 2.0, "unbounded_window_seconds": 2.0}
    timings = evolve(FAST_TIMINGS, **windows, send_within_seconds=5)
    extra = {"rateLimit": 2}
    harness = await new_harness(dialect=dialect, timings=timings, extra=extra).wait_ready()
    random = Random(seed)
    for order_id in range(1, 16):
        await trade(harness, venue, random, order_id, dialect)
        if order_id == 8:  # the worker crashes, and another takes over
            await harness.exchange.close()
            harness.start()
            await harness.wait_ready()
    venue.control("clear")
    await harness.wait_until(lambda: not orders_in_doubt(harness), "all outcomes known", seconds=40)
    harness.exchange.start_snapshot(now() - timedelta(minutes=5))
    await harness.wait_until(lambda: harness.snapshots, "a snapshot", seconds=20)
    await harness.wait_until(lambda: books_match(harness, venue), "equal books", seconds=20)
