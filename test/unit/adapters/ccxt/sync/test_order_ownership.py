"""Whose an order or execution is, where the names alone do not say it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, TAG, CcxtHarness
from kit.exchanges.scripted_venue import ScriptedVenue, a_trade_row, an_order_row
from oms.adapters.ccxt.client.request_errors import OutcomeUnknown, ReadFailed
from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.adapters.ccxt.parsing.fields import to_milliseconds
from oms.domain.orders.execution_report import ReportKind
from oms.domain.value import evolve

NAMES = ClientOrderIdCodec(TAG)


@pytest.fixture
def venue() -> ScriptedVenue:
    return ScriptedVenue()


@pytest.fixture
async def new_desk(venue: ScriptedVenue) -> AsyncIterator[Callable[..., CcxtHarness]]:
    desks: list[CcxtHarness] = []

    def make(**more: Any) -> CcxtHarness:
        desks.append(CcxtHarness(make_client=lambda: venue, **more).start())
        return desks[-1]

    yield make
    for desk in desks:
        await desk.exchange.close()


def just_now() -> int:
    return to_milliseconds(datetime.now(UTC))


async def test_a_sibling_s_order_is_a_stranger_and_ours_is_adopted(
    new_desk: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    asked: list[int] = []

    async def belongs(order_id: int) -> bool:
        asked.append(order_id)
        return order_id == 70

    venue.open_orders = [
        an_order_row("x70", NAMES.encode(70, 1)),
        an_order_row("x71", NAMES.encode(71, 1)),
    ]
    desk = await new_desk(options={"is_own_order": belongs}).wait_ready()
    await desk.wait_until(lambda: len(desk.reports) == 2, "both")
    told = {report.exchange_order_id: report.order_id for report in desk.reports}
    assert told == {"x70": 70, "x71": 0}
    await asyncio.sleep(2 * FAST_TIMINGS.idle_poll_seconds)
    assert sorted(asked) == [70, 71], "each is asked for once"


async def test_an_execution_waits_while_an_order_of_ours_has_no_id(
    new_desk: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    """Where executions do not tell our names, nobody knows whose it is until the reply."""
    desk = await new_desk(exchange_id="ccxt.gate").wait_ready()
    await desk.send(1, "buy", "1", "100")
    await desk.wait_until(lambda: venue.answers, "under way")
    venue.trades.append(a_trade_row("t1", "x1", "", "0.5", at=just_now()))
    await desk.send(2, "buy", "1", "100")  # stirs nothing: time has to pass
    await asyncio.sleep(3 * FAST_TIMINGS.idle_poll_seconds)
    await desk.poll_uncommitted()
    assert not [report for report in desk.reports if report.execution], "it waits"
    venue.open_orders.append(an_order_row("x1", desk.attempts[1, 1, "place"].client_id))
    venue.answer(0, {"id": "x1"})
    await desk.wait_for_state(1, "PARTIALLY_FILLED")
    assert [report.order_id for report in desk.reports if report.execution] == [1]


async def test_an_execution_whose_order_alone_tells_our_name_is_ours(
    new_desk: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    """The order that took the place of another: it has ended, and nothing here knows its id."""

    async def belongs(order_id: int) -> bool:
        return order_id == 70

    name = NAMES.encode(70, 2)
    venue.trades = [a_trade_row("t1", "x9", "", "1", at=just_now())]
    venue.closed_orders = [an_order_row("x9", name, "Filled")]
    desk = await new_desk(options={"is_own_order": belongs}).wait_ready()
    await desk.wait_until(lambda: any(report.execution for report in desk.reports), "the execution")
    assert {report.order_id for report in desk.reports} == {70}


async def test_an_execution_of_nobody_is_a_stranger_s(
    new_desk: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    venue.trades = [
        a_trade_row("t1", "y1", "", "0.5", at=just_now()),
        a_trade_row("t2", "", "", "0.25", at=just_now()),
    ]
    desk = await new_desk().wait_ready()
    await desk.wait_until(lambda: len(desk.reports) == 2, "both")
    assert {r.exchange_order_id for r in desk.reports} == {"y1", "ext-trade:t2"}
    assert {r.order_id for r in desk.reports} == {0}


async def test_where_nothing_takes_our_name_lists_are_compared(
    new_desk: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    timings = evolve(FAST_TIMINGS, window_seconds=0.3, unbounded_window_seconds=0.3)
    desk = await new_desk(exchange_id="ccxt.gate", timings=timings).wait_ready()
    lost = OutcomeUnknown("outcome_unknown", "reset", reason="connection_lost")
    venue.ready_answers = [lost, lost]
    await desk.send(1, "buy", "1", "100")
    client_id = desk.attempts[1, 1, "place"].client_id
    venue.closed_orders.append(an_order_row("x1", client_id, "Cancelled"))
    venue.closed_orders[-1]["status"] = "canceled"
    await desk.wait_for_state(1, "CANCELED")
    await desk.send(2, "buy", "1", "100")
    await desk.wait_for_state(2, "REJECTED")
    assert desk.orders[2].reject_code == "not_placed"


async def test_what_was_heard_before_a_failure_is_told_all_the_same(
    new_desk: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    desk = await new_desk(timings=evolve(FAST_TIMINGS, idle_poll_seconds=60)).wait_ready()
    await desk.poll_uncommitted()
    venue.open_orders = [an_order_row("y1")]
    venue.positions = [{"symbol": None}]
    desk.exchange.start_snapshot(datetime.now(UTC) - timedelta(minutes=1))
    await desk.wait_until(lambda: desk.reports, "heard")
    assert desk.reports[0].kind is ReportKind.ACCEPTED
    assert not desk.snapshots
    venue.positions = []
    await desk.wait_until(lambda: desk.snapshots, "swept in the end")


async def test_the_account_is_in_trouble_while_nothing_answers(
    new_desk: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    venue.read_error = ReadFailed("exchange_unavailable", "no answer", retryable=True)
    desk = await new_desk().wait_ready()
    await desk.wait_until(lambda: desk.exchange.unavailable_reason() is not None, "trouble")
    venue.read_error = None
    await desk.wait_until(lambda: desk.exchange.unavailable_reason() is None, "well again")


async def test_a_bug_in_a_task_is_nobody_s_secret(
    new_desk: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    desk = await new_desk().wait_ready()
    venue.ready_answers = [ZeroDivisionError("a bug")]
    await desk.send(1, "buy", "1", "100")
    with pytest.raises(ZeroDivisionError):
        await desk.wait_for_state(1, "SUBMITTED")
