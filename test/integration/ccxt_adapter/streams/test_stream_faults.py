"""Orders go on while streams fail: the books are equal soon, and nothing is reported twice."""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from kit.exchanges.ccxt_comparison import books_match, orders_in_doubt
from kit.exchanges.ccxt_harness import LINEAR, SPOT, STREAM_TIMINGS, CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from kit.run_size import choose_size
from oms.domain.value import evolve

Made = Callable[..., CcxtHarness]
#: Polls follow each other as they would after a minute.
SEEN = evolve(STREAM_TIMINGS, streaming_poll_seconds=1.0)
#: The stream paths of the dialects, and the topics of orders and executions there.
STREAM = {"bybit": "/v5/private", "binance": "/"}
ORDER = {"bybit": "order", "binance": "ORDER_TRADE_UPDATE"}
FILL = {"bybit": "execution", "binance": "executionReport"}

MODES = (
    "abort",
    "close",
    "refuse",
    "auth_refused",
    "silence",
    "drop",
    "dup",
    "dup_late",
    "hold",
    "delay",
)


def stream_faults(mode: str, dialect: str) -> list[dict[str, Any]]:
    """The faults of a mode: one after each few orders."""
    order, fill = ORDER[dialect], FILL[dialect]
    match mode:
        case "abort" | "close":
            return [{"mode": mode}] * 3
        case "refuse" | "auth_refused":
            again = {"mode": mode, "match": STREAM[dialect], "count": 2}
            return [again, {"mode": "abort"}]
        case "silence":
            return [{"mode": "silence", "count": None}]
        case "hold":
            return [{"mode": mode, "match": order, "frames": 4}, {"mode": mode, "match": fill}]
        case _:
            counts = {"mode": mode, "count": 2, "ms": 300}
            return [counts | {"match": order}, counts | {"match": fill}, counts]


async def trade(
    harness: CcxtHarness, venue: LoopbackExchange, random: Random, order_id: int
) -> None:
    """One order, and what may become of an older one."""
    symbol = random.choice((LINEAR, SPOT))
    await harness.send(order_id, "buy", "0.01", random.choice((None, "10000")), symbol=symbol)
    await harness.poll()
    older = [o for o in harness.orders.values() if o.state == "SUBMITTED" and not o.pending_change]
    if not older:
        return
    order = random.choice(older)
    name = harness.attempts[order.id, 1, "place"].client_id
    rows = [o for o in venue.books()["orders"] if (o["client_id"], o["state"]) == (name, "new")]
    if rows and random.random() < 0.5:
        qty = random.choice(("0.004", "0.01"))
        venue.control("fill", order_id=rows[0]["order_id"], qty=qty)
    else:
        await harness.cancel(order.id)


async def wait_reconnected(harness: CcxtHarness) -> None:
    """Trade on until polling knows more than the streams reported."""
    for order_id in range(1001, 1030):
        await harness.send(order_id, "buy", "0.01", None)
        for _ in range(10):
            await harness.poll()
            if harness.exchange.connection().gaps:
                return
            await asyncio.sleep(0.03)
    raise AssertionError("the silence was not detected")


@pytest.mark.parametrize(
    ("dialect", "mode"),
    [
        *(("bybit", mode) for mode in MODES),
        *(("binance", mode) for mode in MODES if mode not in ("close", "dup_late", "delay")),
    ],
)
async def test_the_books_are_equal_after_stream_faults(
    new_harness: Made, venue: LoopbackExchange, mode: str, dialect: str
) -> None:
    harness = await new_harness(dialect, timings=SEEN).wait_streaming()
    random = Random(f"{mode} {dialect}")
    faults = stream_faults(mode, dialect) * choose_size(1, 20)
    for order_id in range(1, choose_size(10, 200) + 1):
        if faults and order_id % 3 == 1:
            venue.control("fault", **faults.pop(0))
        await trade(harness, venue, random, order_id)
        await asyncio.sleep(0.02)
    if mode == "silence":
        await wait_reconnected(harness)
    venue.control("clear")
    await harness.wait_until(
        lambda: not orders_in_doubt(harness), "all outcomes known", seconds=choose_size(5, 65)
    )
    await harness.wait_until(
        lambda: books_match(harness, venue), "equal books", seconds=choose_size(5, 65)
    )
    counts = Counter(r.execution.exchange_trade_id for r in harness.reports if r.execution)
    assert set(counts.values()) <= {1}
    if mode not in ("drop", "dup", "dup_late", "hold", "delay"):
        await harness.wait_until(lambda: harness.exchange.connection().gaps, "a gap")
