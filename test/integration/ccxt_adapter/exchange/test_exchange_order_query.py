"""One look for an order because somebody asks, at the loopback exchange."""

from collections.abc import Callable

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, LINEAR, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import advance_order
from oms.domain.value import evolve

CREATE = "/order/create"
#: Nothing is read or looked up by itself within a test.
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
async def idle_poll_seconds(new_desk: Callable[..., CcxtHarness]) -> CcxtHarness:
    """A desk that hears of nothing unless it asks."""
    return await new_desk(timings=IDLE).wait_ready()


async def lost(desk: CcxtHarness, venue: LoopbackExchange, mode: str, order_id: int = 7) -> None:
    venue.control("fault", match=CREATE, mode=mode)
    await desk.send(order_id, "buy", "0.01", "10000")
    await desk.wait_for_state(order_id, "UNKNOWN")


async def test_a_look_finds_what_was_placed(
    idle_poll_seconds: CcxtHarness, venue: LoopbackExchange
) -> None:
    await lost(idle_poll_seconds, venue, "accept_then_close")
    looked = await idle_poll_seconds.exchange.find_order(idle_poll_seconds.orders[7], None, now())
    assert looked.refused is None
    await idle_poll_seconds.wait_for_state(7, "SUBMITTED")
    again = await idle_poll_seconds.exchange.find_order(idle_poll_seconds.orders[7], None, now())
    assert again.refused is None
    await idle_poll_seconds.poll()
    assert idle_poll_seconds.kinds(7) == [ReportKind.UNKNOWN, ReportKind.ACCEPTED], "told once"


async def test_a_look_that_finds_nothing_ends_nothing(
    idle_poll_seconds: CcxtHarness, venue: LoopbackExchange
) -> None:
    await lost(idle_poll_seconds, venue, "close_before")
    assert (
        await idle_poll_seconds.exchange.find_order(idle_poll_seconds.orders[7], None, now())
    ).refused is None
    await idle_poll_seconds.poll()
    assert idle_poll_seconds.state(7) == "UNKNOWN"


async def test_a_look_that_fails_says_why(
    idle_poll_seconds: CcxtHarness, venue: LoopbackExchange
) -> None:
    await lost(idle_poll_seconds, venue, "accept_then_close")
    venue.control("fault", match="/v5/order", mode="http", status=503, count=20)
    looked = await idle_poll_seconds.exchange.find_order(idle_poll_seconds.orders[7], None, now())
    assert looked.refused is not None and looked.refused.code == "exchange_unavailable"
    assert idle_poll_seconds.state(7) == "UNKNOWN"


async def test_an_order_is_adopted_if_it_can_be_this_one(
    idle_poll_seconds: CcxtHarness, venue: LoopbackExchange
) -> None:
    await lost(idle_poll_seconds, venue, "close_before")
    made = {}
    for side, price in (("buy", "10001"), ("sell", "90000")):
        order = {"symbol": LINEAR, "side": side, "type": "limit", "qty": "0.01", "price": price}
        made[side] = str(venue.control("external", key="loop-a", **order)["order_id"])
    order = idle_poll_seconds.orders[7]
    other = await idle_poll_seconds.exchange.find_order(order, made["sell"], now())
    assert other.refused is not None
    assert (other.refused.code, other.refused.reason) == ("conflict", "order_differs")
    assert "sell" in other.refused.message
    nobody = await idle_poll_seconds.exchange.find_order(order, "1234567890", now())
    assert nobody.refused is not None and nobody.refused.code == "order_not_found"
    assert (await idle_poll_seconds.exchange.find_order(order, made["buy"], now())).refused is None
    await idle_poll_seconds.wait_for_state(7, "SUBMITTED")
    assert idle_poll_seconds.orders[7].exchange_order_id == made["buy"]
    assert str(idle_poll_seconds.orders[7].price) == "10001"


async def test_one_that_was_declared_not_placed_is_found_late(
    idle_poll_seconds: CcxtHarness, venue: LoopbackExchange
) -> None:
    await lost(idle_poll_seconds, venue, "accept_then_close")
    order = idle_poll_seconds.orders[7]
    said = ExecutionReport(
        kind=ReportKind.NOT_PLACED,
        order_id=7,
        source=ReportSource.OPERATOR,
        received_at=now(),
        message="no",
    )
    idle_poll_seconds.exchange.declare_not_placed(order, now())
    idle_poll_seconds.orders[7] = advance_order(order, said) or order
    assert idle_poll_seconds.orders[7].reject_code == "not_placed"
    assert (
        await idle_poll_seconds.exchange.find_order(idle_poll_seconds.orders[7], None, now())
    ).refused is None
    await idle_poll_seconds.wait_for_state(7, "SUBMITTED")


async def test_an_order_of_an_earlier_process_is_found_by_its_name(
    idle_poll_seconds: CcxtHarness, venue: LoopbackExchange, new_desk: Callable[..., CcxtHarness]
) -> None:
    await lost(idle_poll_seconds, venue, "accept_then_close")
    order = idle_poll_seconds.orders[7]
    said = ExecutionReport(
        kind=ReportKind.NOT_PLACED, order_id=7, source=ReportSource.OPERATOR, received_at=now()
    )
    over = advance_order(order, said) or order
    await idle_poll_seconds.exchange.close()

    async def belongs(order_id: int) -> bool:
        return order_id == 7

    more = {"is_own_order": belongs}
    second = new_desk(orders={7: over}, attempts={}, timings=IDLE, options=more)
    await second.wait_ready()
    assert (await second.exchange.find_order(over, None, now())).refused is None
    await second.wait_for_state(7, "SUBMITTED")
