"""A snapshot on demand reports what other programs did, without a poll or a stream."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, LINEAR, SPOT, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ReportKind
from oms.domain.value import evolve

#: No poll after the first one of an order.
RARE_POLLS = evolve(FAST_TIMINGS, live_poll_seconds=60, idle_poll_seconds=60)


@pytest.mark.parametrize("dialect", ["bybit", "binance", "binance_tls"])
async def test_a_snapshot_applies_a_cancel_made_elsewhere(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange, dialect: str
) -> None:
    """The order was created before the period that the snapshot covers."""
    symbol = SPOT if dialect == "binance" else LINEAR
    harness = await new_harness(dialect, timings=RARE_POLLS).wait_ready()
    for order_id in (1, 2):
        await harness.send(order_id, "buy", "0.01", "10000", symbol=symbol)
        await harness.wait_for_state(order_id, "SUBMITTED")
    for _ in range(3):  # the poll that follows a placement
        await harness.poll_uncommitted()
    client = harness.make_client()
    await client.open()
    await client.write("cancel_order", harness.orders[1].exchange_order_id, symbol)
    await client.close()
    harness.exchange.start_snapshot(now())
    await harness.wait_until(lambda: harness.snapshots, "the snapshot", seconds=10)
    assert harness.state(1) == "CANCELED"
    assert harness.state(2) == "SUBMITTED"
    assert harness.kinds(1).count(ReportKind.CANCELED) == 1


@pytest.mark.parametrize("dialect", ["bybit", "binance_tls"])
async def test_a_snapshot_reports_the_fills_of_an_order_before_its_end(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange, dialect: str
) -> None:
    harness = await new_harness(dialect, timings=RARE_POLLS).wait_ready()
    await harness.send(1, "buy", "0.01", "10000")
    await harness.wait_for_state(1, "SUBMITTED")
    for _ in range(3):
        await harness.poll_uncommitted()
    (order,) = [row for row in venue.books()["orders"] if row["state"] == "new"]
    venue.control("fill", order_id=order["order_id"], qty="0.004")
    client = harness.make_client()
    await client.open()
    await client.write("cancel_order", harness.orders[1].exchange_order_id, LINEAR)
    await client.close()
    harness.exchange.start_snapshot(now() - timedelta(minutes=1))
    await harness.wait_until(lambda: harness.snapshots, "the snapshot", seconds=10)
    await harness.wait_until(lambda: harness.state(1) == "CANCELED", "canceled", seconds=2)
    assert str(harness.orders[1].filled_qty) == "0.004"
