"""Order queues over a scripted client: what is sent when, and what never is."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, CcxtHarness
from kit.exchanges.scripted_venue import ScriptedVenue, a_trade_row, an_order_row
from oms.adapters.ccxt.client.request_errors import NotSent, OutcomeUnknown, Overloaded, Rejected
from oms.domain.orders.execution_report import ReportKind
from oms.domain.value import evolve

TIMINGS = evolve(FAST_TIMINGS, send_within_seconds=0.8, queue_seconds=0.8)


@pytest.fixture
async def venue() -> ScriptedVenue:
    return ScriptedVenue()


@pytest.fixture
async def harness(venue: ScriptedVenue) -> AsyncIterator[CcxtHarness]:
    harness = CcxtHarness(make_client=lambda: venue, timings=TIMINGS).start()
    yield await harness.wait_ready()
    await harness.exchange.close()
    assert venue.is_closed


def methods(venue: ScriptedVenue) -> list[str]:
    return [method for method, _, _ in venue.writes]


async def wait_writes(harness: CcxtHarness, venue: ScriptedVenue, count: int) -> None:
    await harness.wait_until(
        lambda: len(venue.writes) >= count, f"{count} writes started", seconds=2
    )


async def accepted(harness: CcxtHarness, venue: ScriptedVenue, order_id: int) -> None:
    """Place an order that is open at the exchange."""
    await harness.send(order_id, "buy", "1", "100")
    await wait_writes(harness, venue, 1)
    venue.open_orders.append(_order_row(harness, order_id))
    venue.answer(len(venue.answers) - 1, {"id": f"x{order_id}"})
    await harness.wait_for_state(order_id, "SUBMITTED")


def _order_row(harness: CcxtHarness, order_id: int, **changes: str) -> dict[str, object]:
    client_id = harness.attempts[order_id, 1, "place"].client_id
    return an_order_row(f"x{order_id}", client_id, **changes)


async def test_at_most_eight_writes_are_in_flight(
    harness: CcxtHarness, venue: ScriptedVenue
) -> None:
    for order_id in range(1, 13):
        await harness.send(order_id, "buy", "1", "100")
    await wait_writes(harness, venue, 8)
    await harness.poll_uncommitted()
    assert len(venue.writes) == 8, "orders overlap, the others wait"
    for number in range(12):
        await wait_writes(harness, venue, number + 1)
        venue.answer(number, {"id": f"x{number}"})
    await harness.wait_until(
        lambda: all(harness.state(i) == "SUBMITTED" for i in range(1, 13)), "all"
    )
    assert venue.max_in_flight == 8


async def test_cancels_go_first(harness: CcxtHarness, venue: ScriptedVenue) -> None:
    await accepted(harness, venue, 1)
    for order_id in range(2, 12):
        await harness.send(order_id, "buy", "1", "100")
    await wait_writes(harness, venue, 9)
    await harness.cancel(1)
    await harness.poll_uncommitted()
    venue.answer(1, {"id": "x2"})
    await wait_writes(harness, venue, 10)
    assert methods(venue)[9] == "cancel_order"


async def test_a_queued_order_is_revoked_by_its_cancel(
    harness: CcxtHarness, venue: ScriptedVenue
) -> None:
    for order_id in range(1, 10):
        await harness.send(order_id, "buy", "1", "100")
    await wait_writes(harness, venue, 8)
    await harness.cancel(9)
    await harness.wait_for_state(9, "CANCELED")
    for number in range(8):
        venue.answer(number, {"id": f"x{number}"})
    await harness.wait_for_state(8, "SUBMITTED")
    await harness.poll_uncommitted()
    assert len(venue.writes) == 8
    assert harness.attempts[9, 1, "place"].outcome == "not_sent"
    assert (9, 2, "cancel") not in harness.attempts


async def test_requests_after_a_placement_wait_for_its_outcome(
    harness: CcxtHarness, venue: ScriptedVenue
) -> None:
    await harness.send(1, "buy", "1", "100")
    await wait_writes(harness, venue, 1)
    await harness.change(1, "101", None)
    await harness.cancel(1)
    await harness.poll_uncommitted()
    assert methods(venue) == ["create_order"]
    venue.answer(0, {"id": "x1"})
    await wait_writes(harness, venue, 2)
    await harness.poll_uncommitted()
    assert methods(venue) == ["create_order", "edit_order"], "one after the other"
    venue.answer(1, {"id": "x1"})
    await wait_writes(harness, venue, 3)
    assert [args[0] for _, args, _ in venue.writes[1:]] == ["x1", "x1"]
    assert methods(venue)[2] == "cancel_order"


async def test_nothing_is_sent_before_it_is_stored(
    harness: CcxtHarness, venue: ScriptedVenue
) -> None:
    await harness.send(1, "buy", "1", "100", unconfirmed=True)
    await harness.poll_uncommitted()
    assert not venue.writes
    assert (1, 1, "place") in harness.attempts, "it is being stored"
    harness.exchange.on_committed()
    await wait_writes(harness, venue, 1)


async def test_an_unsent_request_is_sent_again_under_the_same_id(
    harness: CcxtHarness, venue: ScriptedVenue
) -> None:
    fault = NotSent("exchange_unavailable", "no route")
    venue.ready_answers = [fault, Overloaded("exchange_rate_limited", "", retry_after=0.1)]
    await harness.send(1, "buy", "1", "100")
    await wait_writes(harness, venue, 3)
    venue.answer(2, {"id": "x1"})
    await harness.wait_for_state(1, "SUBMITTED")
    names = {kwargs["params"]["clientOrderId"] for _, _, kwargs in venue.writes}
    assert names == {harness.attempts[1, 1, "place"].client_id}


async def test_an_unsent_request_is_rejected_after_its_deadline(
    harness: CcxtHarness, venue: ScriptedVenue
) -> None:
    venue.ready_answers = [NotSent("exchange_unavailable", "no route")] * 99
    await harness.send(1, "buy", "1", "100")
    await harness.wait_for_state(1, "REJECTED")
    assert harness.orders[1].reject_code == "exchange_unavailable"
    row = harness.attempts[1, 1, "place"]
    assert (row.outcome, row.sent_at) == ("not_sent", None)
    assert 1 < len(venue.writes) < 10


async def test_a_request_queued_past_its_deadline_is_never_sent(
    harness: CcxtHarness, venue: ScriptedVenue
) -> None:
    for order_id in range(1, 10):
        await harness.send(order_id, "buy", "1", "100")
    await wait_writes(harness, venue, 8)
    await asyncio.sleep(TIMINGS.send_within_seconds)
    venue.answer(0, {"id": "x1"})
    await harness.wait_for_state(9, "REJECTED")
    assert harness.orders[9].reject_code == "expired_before_send"
    assert len(venue.writes) == 8


async def test_a_local_error_is_not_retried(harness: CcxtHarness, venue: ScriptedVenue) -> None:
    venue.ready_answers = [NotSent("precision_mismatch", "off the grid")]
    await harness.send(1, "buy", "1", "100")
    await harness.wait_for_state(1, "REJECTED")
    assert harness.orders[1].reject_code == "precision_mismatch"
    assert len(venue.writes) == 1


async def test_a_rejection_is_reported_with_its_code(
    harness: CcxtHarness, venue: ScriptedVenue
) -> None:
    venue.ready_answers = [Rejected("insufficient_funds", "too little", venue_code="110007")]
    await harness.send(1, "buy", "1", "100")
    await harness.wait_for_state(1, "REJECTED")
    assert harness.orders[1].reject_code == "insufficient_funds"
    assert harness.attempts[1, 1, "place"].outcome == "rejected"


async def test_a_request_with_a_lost_reply_is_never_sent_again(
    harness: CcxtHarness, venue: ScriptedVenue
) -> None:
    venue.ready_answers = [OutcomeUnknown("outcome_unknown", "reset", reason="connection_lost")]
    await harness.send(1, "buy", "1", "100")
    await harness.wait_for_state(1, "UNKNOWN")
    await harness.wait_for_state(1, "REJECTED")
    assert harness.orders[1].reject_code == "not_placed"
    assert len(venue.writes) == 1
    venue.open_orders.append(_order_row(harness, 1))
    await harness.wait_for_state(1, "SUBMITTED")
    assert harness.kinds(1)[-1] is ReportKind.ACCEPTED, "it appeared late and is tracked"


async def test_a_fill_may_come_before_the_reply(harness: CcxtHarness, venue: ScriptedVenue) -> None:
    await harness.send(1, "buy", "1", "100")
    await wait_writes(harness, venue, 1)
    client_id = harness.attempts[1, 1, "place"].client_id
    venue.trades.append(a_trade_row("t1", "x1", client_id, "0.4"))
    await harness.wait_for_state(1, "PARTIALLY_FILLED")
    venue.answer(0, {"id": "x1"})
    await harness.wait_until(lambda: harness.attempts[1, 1, "place"].outcome == "acked", "answered")
    assert harness.state(1) == "PARTIALLY_FILLED"


async def test_a_rejected_cancel_does_not_end_an_order_amended_meanwhile(
    harness: CcxtHarness, venue: ScriptedVenue
) -> None:
    await accepted(harness, venue, 1)
    await harness.change(1, "101", None)
    await wait_writes(harness, venue, 2)
    await harness.cancel(1)
    venue.open_orders[:] = [_order_row(harness, 1, price="101", at=1_700_000_000_001)]
    venue.answer(1, {"id": "x1"})
    await wait_writes(harness, venue, 3)
    await harness.wait_until(lambda: harness.orders[1].price == 101, "changed")
    venue.answer(2, Rejected("exchange_rejected", "no", venue_code="1"))
    await harness.wait_until(
        lambda: harness.attempts[1, 3, "cancel"].outcome == "rejected", "refused"
    )
    await harness.poll_uncommitted()
    assert harness.state(1) == "SUBMITTED"


async def test_an_order_missing_from_all_lists_stays_open(
    harness: CcxtHarness, venue: ScriptedVenue
) -> None:
    await accepted(harness, venue, 1)
    venue.open_orders.clear()
    await asyncio.sleep(2 * TIMINGS.live_poll_seconds)
    await harness.poll_uncommitted()
    assert harness.state(1) == "SUBMITTED"
    venue.closed_orders.append(_order_row(harness, 1, status="Cancelled"))
    await harness.wait_for_state(1, "CANCELED")
