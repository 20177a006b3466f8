"""Lost replies at the loopback exchange: looked up, never sent again, also after a restart."""

from collections.abc import Callable

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, LINEAR, CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ReportKind
from oms.domain.value import evolve

CREATE, CANCEL, AMEND = "/order/create", "/order/cancel", "/order/amend"


@pytest.mark.parametrize(
    "mode", ["accept_then_close", "accept_then_http", "accept_then_html", "accept_then_truncate"]
)
async def test_an_order_with_a_lost_reply_is_looked_up(
    harness: CcxtHarness, venue: LoopbackExchange, mode: str
) -> None:
    venue.control("fault", match=CREATE, mode=mode)
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    assert harness.kinds(7) == [ReportKind.UNKNOWN, ReportKind.ACCEPTED]
    assert harness.attempts[7, 1, "place"].outcome == "unknown"
    shown = venue.books()["orders"]
    assert [each["order_id"] for each in shown] == [harness.orders[7].exchange_order_id]
    assert len(venue.paths(CREATE)) == 1, "sent once"


async def test_a_lost_market_order_is_found_with_its_fill(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    venue.control("fault", match=CREATE, mode="accept_then_close")
    await harness.send(7, "buy", "0.01", None)
    await harness.wait_for_state(7, "FILLED")
    assert len(venue.books()["trades"]) == 1
    assert harness.kinds(7).count(ReportKind.EXECUTION) == 1


async def test_an_order_that_never_arrived_was_not_placed(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    venue.control("fault", match=CREATE, mode="close_before")
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "UNKNOWN")
    await harness.wait_for_state(7, "REJECTED")
    assert harness.orders[7].reject_code == "not_placed"
    assert len(venue.paths(CREATE)) == 1, "sent once"


async def test_while_reads_fail_the_order_stays_unknown(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    venue.control("fault", match=CREATE, mode="accept_then_close")
    venue.control("fault", match="/v5/order/realtime", mode="http", status=503, count=200)
    venue.control("fault", match="/v5/order/history", mode="http", status=503, count=200)
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "UNKNOWN")
    await harness.wait_until(
        lambda: harness.exchange.unavailable_reason() is not None, "unavailable", seconds=30
    )
    unavailable_reason = harness.exchange.unavailable_reason()
    assert unavailable_reason is not None and unavailable_reason.code == "exchange_unavailable"
    assert harness.state(7) == "UNKNOWN", "the window is over, and no list was searched"
    venue.control("clear")
    await harness.wait_for_state(7, "SUBMITTED", seconds=30)
    await harness.wait_until(
        lambda: harness.exchange.unavailable_reason() is None, "available again", seconds=30
    )


async def test_a_lagging_list_does_not_prove_absence(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange
) -> None:
    harness = await new_harness(timings=evolve(FAST_TIMINGS, window_seconds=4.0)).wait_ready()
    venue.control("fault", match=CREATE, mode="accept_then_close")
    venue.control("fault", match="/v5/order", mode="lag", seconds=2)
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    assert ReportKind.NOT_PLACED not in harness.kinds(7)


async def test_an_unsent_request_is_retried(harness: CcxtHarness, venue: LoopbackExchange) -> None:
    venue.control("fault", mode="refuse_connect", seconds=0.6)
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    assert len(venue.books()["orders"]) == 1


async def test_overload_is_retried_under_the_same_client_id(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    venue.control("fault", match=CREATE, mode="rate_limit")
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    assert len(venue.books()["orders"]) == 1
    names = {row["client_id"] for row in venue.control("log", match=CREATE)["log"]}
    assert names == {harness.attempts[7, 1, "place"].client_id}


async def test_a_lost_cancel_is_confirmed_or_repeated(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    for order_id, mode in ((7, "accept_then_close"), (8, "close_before")):
        await harness.send(order_id, "buy", "0.01", "10000")
        await harness.wait_for_state(order_id, "SUBMITTED")
        venue.control("fault", match=CANCEL, mode=mode)
        await harness.cancel(order_id)
        await harness.wait_for_state(order_id, "CANCELED")
        assert ReportKind.UNKNOWN in harness.kinds(order_id)
    assert len(venue.paths(CANCEL)) == 3, "the second was canceled again"


async def test_a_lost_amendment_is_resolved_by_the_terms(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    for mode, price in (("accept_then_close", "10001"), ("close_before", "10002")):
        venue.control("fault", match=AMEND, mode=mode)
        await harness.change(7, price, None)
        await harness.wait_until(lambda: harness.orders[7].pending_change is None, mode)
        assert str(harness.orders[7].price) == "10001"
        assert harness.state(7) == "SUBMITTED"
    assert len(venue.paths(AMEND)) == 2, "each sent once"


async def test_an_amendment_is_looked_up_while_an_earlier_one_is(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange
) -> None:
    """A poll reports the first amendment long before its own lookup does."""
    timings = evolve(
        FAST_TIMINGS, live_poll_seconds=0.05, lookup_delays_seconds=(2.0,), window_seconds=2.0
    )
    harness = await new_harness(timings=timings).wait_ready()
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    for mode, price in (("accept_then_close", "10001"), ("close_before", "10002")):
        venue.control("fault", match=AMEND, mode=mode)
        await harness.change(7, price, None)
        await harness.wait_until(lambda: harness.orders[7].pending_change is None, mode)
        assert str(harness.orders[7].price) == "10001"


async def test_a_cancel_of_an_unknown_order_waits_for_its_lookup(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    venue.control("fault", match=CREATE, mode="accept_then_close")
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "UNKNOWN")
    await harness.cancel(7)
    await harness.wait_for_state(7, "CANCELED")
    assert [each["state"] for each in venue.books()["orders"]] == ["canceled"]


@pytest.mark.parametrize("arrived", [True, False])
async def test_after_a_restart_an_attempt_without_outcome_is_looked_up(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange, arrived: bool
) -> None:
    first = await new_harness().wait_ready()
    mode = "accept_then_hang" if arrived else "hang"
    venue.control("fault", match=CREATE, mode=mode, seconds=30)
    await first.send(7, "buy", "0.01", "10000")
    await first.wait_until(lambda: venue.paths(CREATE), "arrived")
    await first.exchange.close()
    assert first.attempts[7, 1, "place"].outcome is None

    second = new_harness(orders=first.orders, attempts=first.attempts)
    await second.wait_for_state(7, "SUBMITTED" if arrived else "REJECTED")
    assert second.kinds(7)[0] is ReportKind.UNKNOWN
    assert second.attempts[7, 1, "place"].outcome == "unknown"
    assert len(venue.paths(CREATE)) == 1, "not sent again"
    assert len(venue.books()["orders"]) == (1 if arrived else 0)


async def test_many_unknown_orders_share_list_reads(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange
) -> None:
    """A worker crashed with 16 requests in flight; half of them had arrived, one is filled."""
    timings = evolve(
        FAST_TIMINGS,
        send_within_seconds=2,
        lookup_delays_seconds=(0.1,),
        lookup_interval_seconds=5.0,
        window_seconds=0.1,
    )
    first = await new_harness(options={"inflight_writes_max": 16}, timings=timings).wait_ready()
    states = dict.fromkeys(range(1, 9), "REJECTED") | dict.fromkeys(range(9, 17), "SUBMITTED")
    states[16] = "FILLED"
    for order_id, state in states.items():
        mode = "hang" if state == "REJECTED" else "accept_then_hang"
        venue.control("fault", match=CREATE, mode=mode, seconds=30)
        await first.send(order_id, "buy", "0.01", None if state == "FILLED" else "10000")
    await first.wait_until(lambda: len(venue.paths(CREATE)) == 16, "all arrived")
    await first.exchange.close()

    second = new_harness(orders=first.orders, attempts=first.attempts, timings=timings)
    for order_id, state in states.items():
        await second.wait_for_state(order_id, state)
    assert len(venue.paths("orderLinkId=")) < 55, "some are looked up by id"
    assert 0 < len(venue.paths("/order/history?symbol=BTCUSDT&category=linear&limit=")) < 20
    assert len(venue.books()["orders"]) == 8, "nothing was sent again"


async def test_after_a_restart_missed_events_are_reported(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange
) -> None:
    first = await new_harness().wait_ready()
    for order_id in (7, 8, 9):
        await first.send(order_id, "buy", "0.01", "10000")
        await first.wait_for_state(order_id, "SUBMITTED")
    await first.exchange.close()
    names = [first.orders[order_id].exchange_order_id for order_id in (7, 8)]
    venue.control("fill", order_id=names[0])
    client = first.make_client()
    await client.open()
    await client.write("cancel_order", names[1], LINEAR)
    await client.close()
    second = new_harness(orders=first.orders, attempts=first.attempts)
    await second.wait_for_state(7, "FILLED")
    await second.wait_for_state(8, "CANCELED")
    await second.cancel(9)
    await second.wait_for_state(9, "CANCELED")
    assert (9, 2, "cancel") in second.attempts, "attempt numbers continue"
