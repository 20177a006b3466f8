"""Lanes with a client whose answers a test gives: what leaves when, and what never does."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, CcxtHarness
from kit.exchanges.scripted_venue import ScriptedVenue, a_trade_row, an_order_row
from oms.adapters.ccxt.client.request_errors import NotSent, OutcomeUnknown, Overloaded, Rejected
from oms.domain.orders.execution_report import ReportKind
from oms.domain.value import evolve

PACE = evolve(FAST_TIMINGS, send_within_seconds=0.8)


@pytest.fixture
async def venue() -> ScriptedVenue:
    return ScriptedVenue()


@pytest.fixture
async def desk(venue: ScriptedVenue) -> AsyncIterator[CcxtHarness]:
    desk = CcxtHarness(make_client=lambda: venue, timings=PACE).start()
    yield await desk.wait_ready()
    await desk.exchange.close()
    assert venue.is_closed


def methods(venue: ScriptedVenue) -> list[str]:
    return [method for method, _, _ in venue.writes]


async def begun(desk: CcxtHarness, venue: ScriptedVenue, count: int) -> None:
    await desk.wait_until(lambda: len(venue.writes) >= count, f"{count} writes begun", seconds=2)


async def accepted(desk: CcxtHarness, venue: ScriptedVenue, order_id: int) -> None:
    """An order that stands at the exchange."""
    await desk.send(order_id, "buy", "1", "100")
    await begun(desk, venue, 1)
    venue.open_orders.append(_shown(desk, order_id))
    venue.answer(len(venue.answers) - 1, {"id": f"x{order_id}"})
    await desk.wait_for_state(order_id, "SUBMITTED")


def _shown(desk: CcxtHarness, order_id: int, **changes: str) -> dict[str, object]:
    client_id = desk.attempts[order_id, 1, "place"].client_id
    return an_order_row(f"x{order_id}", client_id, **changes)


async def test_at_most_eight_writes_are_under_way(desk: CcxtHarness, venue: ScriptedVenue) -> None:
    for order_id in range(1, 13):
        await desk.send(order_id, "buy", "1", "100")
    await begun(desk, venue, 8)
    await desk.poll_uncommitted()
    assert len(venue.writes) == 8, "orders overlap, the rest waits"
    for number in range(12):
        await begun(desk, venue, number + 1)
        venue.answer(number, {"id": f"x{number}"})
    await desk.wait_until(lambda: all(desk.state(i) == "SUBMITTED" for i in range(1, 13)), "all")
    assert venue.max_in_flight == 8


async def test_cancels_go_first(desk: CcxtHarness, venue: ScriptedVenue) -> None:
    await accepted(desk, venue, 1)
    for order_id in range(2, 12):
        await desk.send(order_id, "buy", "1", "100")
    await begun(desk, venue, 9)
    await desk.cancel(1)
    await desk.poll_uncommitted()
    venue.answer(1, {"id": "x2"})
    await begun(desk, venue, 10)
    assert methods(venue)[9] == "cancel_order"


async def test_a_waiting_order_is_taken_back_by_its_cancel(
    desk: CcxtHarness, venue: ScriptedVenue
) -> None:
    for order_id in range(1, 10):
        await desk.send(order_id, "buy", "1", "100")
    await begun(desk, venue, 8)
    await desk.cancel(9)
    await desk.wait_for_state(9, "CANCELED")
    for number in range(8):
        venue.answer(number, {"id": f"x{number}"})
    await desk.wait_for_state(8, "SUBMITTED")
    await desk.poll_uncommitted()
    assert len(venue.writes) == 8
    assert desk.attempts[9, 1, "place"].outcome == "not_sent"
    assert (9, 2, "cancel") not in desk.attempts


async def test_what_follows_a_placing_waits_for_its_outcome(
    desk: CcxtHarness, venue: ScriptedVenue
) -> None:
    await desk.send(1, "buy", "1", "100")
    await begun(desk, venue, 1)
    await desk.change(1, "101", None)
    await desk.cancel(1)
    await desk.poll_uncommitted()
    assert methods(venue) == ["create_order"]
    venue.answer(0, {"id": "x1"})
    await begun(desk, venue, 2)
    await desk.poll_uncommitted()
    assert methods(venue) == ["create_order", "edit_order"], "one after the other"
    venue.answer(1, {"id": "x1"})
    await begun(desk, venue, 3)
    assert [args[0] for _, args, _ in venue.writes[1:]] == ["x1", "x1"]
    assert methods(venue)[2] == "cancel_order"


async def test_nothing_leaves_before_it_is_stored(desk: CcxtHarness, venue: ScriptedVenue) -> None:
    await desk.send(1, "buy", "1", "100", unconfirmed=True)
    await desk.poll_uncommitted()
    assert not venue.writes
    assert (1, 1, "place") in desk.attempts, "it was handed out"
    desk.exchange.on_committed()
    await begun(desk, venue, 1)


async def test_what_did_not_leave_is_sent_again_under_its_name(
    desk: CcxtHarness, venue: ScriptedVenue
) -> None:
    fault = NotSent("exchange_unavailable", "no route")
    venue.ready_answers = [fault, Overloaded("exchange_rate_limited", "", retry_after=0.1)]
    await desk.send(1, "buy", "1", "100")
    await begun(desk, venue, 3)
    venue.answer(2, {"id": "x1"})
    await desk.wait_for_state(1, "SUBMITTED")
    names = {kwargs["params"]["clientOrderId"] for _, _, kwargs in venue.writes}
    assert names == {desk.attempts[1, 1, "place"].client_id}


async def test_after_its_time_it_is_given_up(desk: CcxtHarness, venue: ScriptedVenue) -> None:
    venue.ready_answers = [NotSent("exchange_unavailable", "no route")] * 99
    await desk.send(1, "buy", "1", "100")
    await desk.wait_for_state(1, "REJECTED")
    assert desk.orders[1].reject_code == "exchange_unavailable"
    row = desk.attempts[1, 1, "place"]
    assert (row.outcome, row.sent_at) == ("not_sent", None)
    assert 1 < len(venue.writes) < 10


async def test_one_that_waited_too_long_never_leaves(
    desk: CcxtHarness, venue: ScriptedVenue
) -> None:
    for order_id in range(1, 10):
        await desk.send(order_id, "buy", "1", "100")
    await begun(desk, venue, 8)
    await asyncio.sleep(PACE.send_within_seconds)
    venue.answer(0, {"id": "x1"})
    await desk.wait_for_state(9, "REJECTED")
    assert desk.orders[9].reject_code == "expired_before_send"
    assert len(venue.writes) == 8


async def test_a_fault_of_ours_is_not_tried_again(desk: CcxtHarness, venue: ScriptedVenue) -> None:
    venue.ready_answers = [NotSent("precision_mismatch", "off the grid")]
    await desk.send(1, "buy", "1", "100")
    await desk.wait_for_state(1, "REJECTED")
    assert desk.orders[1].reject_code == "precision_mismatch"
    assert len(venue.writes) == 1


async def test_a_refusal_is_told_with_its_code(desk: CcxtHarness, venue: ScriptedVenue) -> None:
    venue.ready_answers = [Rejected("insufficient_funds", "too little", venue_code="110007")]
    await desk.send(1, "buy", "1", "100")
    await desk.wait_for_state(1, "REJECTED")
    assert desk.orders[1].reject_code == "insufficient_funds"
    assert desk.attempts[1, 1, "place"].outcome == "rejected"


async def test_a_lost_answer_is_never_sent_again(desk: CcxtHarness, venue: ScriptedVenue) -> None:
    venue.ready_answers = [OutcomeUnknown("outcome_unknown", "reset", reason="connection_lost")]
    await desk.send(1, "buy", "1", "100")
    await desk.wait_for_state(1, "UNKNOWN")
    await desk.wait_for_state(1, "REJECTED")
    assert desk.orders[1].reject_code == "not_placed"
    assert len(venue.writes) == 1
    venue.open_orders.append(_shown(desk, 1))
    await desk.wait_for_state(1, "SUBMITTED")
    assert desk.kinds(1)[-1] is ReportKind.ACCEPTED, "it turned up late, and is adopted"


async def test_a_fill_may_come_before_the_answer(desk: CcxtHarness, venue: ScriptedVenue) -> None:
    await desk.send(1, "buy", "1", "100")
    await begun(desk, venue, 1)
    client_id = desk.attempts[1, 1, "place"].client_id
    venue.trades.append(a_trade_row("t1", "x1", client_id, "0.4"))
    await desk.wait_for_state(1, "PARTIALLY_FILLED")
    venue.answer(0, {"id": "x1"})
    await desk.wait_until(lambda: desk.attempts[1, 1, "place"].outcome == "acked", "answered")
    assert desk.state(1) == "PARTIALLY_FILLED"


async def test_a_refused_cancel_does_not_end_an_order_that_was_changed_meanwhile(
    desk: CcxtHarness, venue: ScriptedVenue
) -> None:
    await accepted(desk, venue, 1)
    await desk.change(1, "101", None)
    await begun(desk, venue, 2)
    await desk.cancel(1)
    venue.open_orders[:] = [_shown(desk, 1, price="101", at=1_700_000_000_001)]
    venue.answer(1, {"id": "x1"})
    await begun(desk, venue, 3)
    await desk.wait_until(lambda: desk.orders[1].price == 101, "changed")
    venue.answer(2, Rejected("exchange_rejected", "no", venue_code="1"))
    await desk.wait_until(lambda: desk.attempts[1, 3, "cancel"].outcome == "rejected", "refused")
    await desk.poll_uncommitted()
    assert desk.state(1) == "SUBMITTED"


async def test_an_order_that_no_list_shows_stays_open(
    desk: CcxtHarness, venue: ScriptedVenue
) -> None:
    await accepted(desk, venue, 1)
    venue.open_orders.clear()
    await asyncio.sleep(2 * PACE.live_poll_seconds)
    await desk.poll_uncommitted()
    assert desk.state(1) == "SUBMITTED"
    venue.closed_orders.append(_shown(desk, 1, status="Cancelled"))
    await desk.wait_for_state(1, "CANCELED")
