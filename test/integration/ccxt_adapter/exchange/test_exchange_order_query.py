"""Single order queries at the loopback exchange."""

from collections.abc import Callable

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, LINEAR, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import advance_order
from oms.domain.value import evolve

CREATE = "/order/create"
#: No polls and no automatic lookups within a test.
IDLE = evolve(
    FAST_TIMINGS,
    live_poll_seconds=60,
    idle_poll_seconds=60,
    wake_delay_seconds=60,
    lookup_delays_seconds=(60.0,),
    lookup_interval_seconds=60,
    window_seconds=60.0,
)


@pytest.fixture
async def idle_harness(new_harness: Callable[..., CcxtHarness]) -> CcxtHarness:
    """A harness that gets no updates except by queries."""
    return await new_harness(timings=IDLE).wait_ready()


async def lost(harness: CcxtHarness, venue: LoopbackExchange, mode: str, order_id: int = 7) -> None:
    venue.control("fault", match=CREATE, mode=mode)
    await harness.send(order_id, "buy", "0.01", "10000")
    await harness.wait_for_state(order_id, "UNKNOWN")


async def test_a_query_finds_a_placed_order(
    idle_harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await lost(idle_harness, venue, "accept_then_close")
    result = await idle_harness.exchange.find_order(idle_harness.orders[7], None, now())
    assert result.refused is None
    await idle_harness.wait_for_state(7, "SUBMITTED")
    again = await idle_harness.exchange.find_order(idle_harness.orders[7], None, now())
    assert again.refused is None
    await idle_harness.poll()
    assert idle_harness.kinds(7) == [ReportKind.UNKNOWN, ReportKind.ACCEPTED], "reported once"


async def test_a_query_that_finds_nothing_ends_nothing(
    idle_harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await lost(idle_harness, venue, "close_before")
    assert (
        await idle_harness.exchange.find_order(idle_harness.orders[7], None, now())
    ).refused is None
    await idle_harness.poll()
    assert idle_harness.state(7) == "UNKNOWN"


async def test_a_failed_query_returns_the_reason(
    idle_harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await lost(idle_harness, venue, "accept_then_close")
    venue.control("fault", match="/v5/order", mode="http", status=503, count=20)
    result = await idle_harness.exchange.find_order(idle_harness.orders[7], None, now())
    assert result.refused is not None and result.refused.code == "exchange_unavailable"
    assert idle_harness.state(7) == "UNKNOWN"


async def test_an_order_is_linked_if_it_can_be_this_one(
    idle_harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await lost(idle_harness, venue, "close_before")
    made = {}
    for side, price in (("buy", "10001"), ("sell", "90000")):
        order = {"symbol": LINEAR, "side": side, "type": "limit", "qty": "0.01", "price": price}
        made[side] = str(venue.control("external", key="loop-a", **order)["order_id"])
    order = idle_harness.orders[7]
    other = await idle_harness.exchange.find_order(order, made["sell"], now())
    assert other.refused is not None
    assert (other.refused.code, other.refused.reason) == ("conflict", "order_differs")
    assert "sell" in other.refused.message
    missing = await idle_harness.exchange.find_order(order, "1234567890", now())
    assert missing.refused is not None and missing.refused.code == "order_not_found"
    assert (await idle_harness.exchange.find_order(order, made["buy"], now())).refused is None
    await idle_harness.wait_for_state(7, "SUBMITTED")
    assert idle_harness.orders[7].exchange_order_id == made["buy"]
    assert str(idle_harness.orders[7].price) == "10001"


async def test_an_order_declared_not_placed_is_found_late(
    idle_harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await lost(idle_harness, venue, "accept_then_close")
    order = idle_harness.orders[7]
    reason = ExecutionReport(
        kind=ReportKind.NOT_PLACED,
        order_id=7,
        source=ReportSource.OPERATOR,
        received_at=now(),
        message="no",
    )
    idle_harness.exchange.declare_not_placed(order, now())
    idle_harness.orders[7] = advance_order(order, reason) or order
    assert idle_harness.orders[7].reject_code == "not_placed"
    assert (
        await idle_harness.exchange.find_order(idle_harness.orders[7], None, now())
    ).refused is None
    await idle_harness.wait_for_state(7, "SUBMITTED")


async def test_an_order_of_an_earlier_process_is_found_by_its_client_id(
    idle_harness: CcxtHarness, venue: LoopbackExchange, new_harness: Callable[..., CcxtHarness]
) -> None:
    await lost(idle_harness, venue, "accept_then_close")
    order = idle_harness.orders[7]
    reason = ExecutionReport(
        kind=ReportKind.NOT_PLACED, order_id=7, source=ReportSource.OPERATOR, received_at=now()
    )
    over = advance_order(order, reason) or order
    await idle_harness.exchange.close()

    async def belongs(order_id: int) -> bool:
        return order_id == 7

    more = {"is_own_order": belongs}
    second = new_harness(orders={7: over}, attempts={}, timings=IDLE, options=more)
    await second.wait_ready()
    assert (await second.exchange.find_order(over, None, now())).refused is None
    await second.wait_for_state(7, "SUBMITTED")
