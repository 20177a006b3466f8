"""Which order an execution belongs to, and which orders are the account's own."""

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
async def new_harness(venue: ScriptedVenue) -> AsyncIterator[Callable[..., CcxtHarness]]:
    harnesses: list[CcxtHarness] = []

    def make(**more: Any) -> CcxtHarness:
        harnesses.append(CcxtHarness(make_client=lambda: venue, **more).start())
        return harnesses[-1]

    yield make
    for harness in harnesses:
        await harness.exchange.close()


def just_now() -> int:
    return to_milliseconds(datetime.now(UTC))


async def test_an_order_of_another_account_is_external_and_an_own_one_is_tracked(
    new_harness: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    asked: list[int] = []

    async def belongs(order_id: int) -> bool:
        asked.append(order_id)
        return order_id == 70

    venue.open_orders = [
        an_order_row("x70", NAMES.encode(70, 1)),
        an_order_row("x71", NAMES.encode(71, 1)),
    ]
    harness = await new_harness(options={"is_own_order": belongs}).wait_ready()
    await harness.wait_until(lambda: len(harness.reports) == 2, "both")
    order_ids = {report.exchange_order_id: report.order_id for report in harness.reports}
    assert order_ids == {"x70": 70, "x71": 0}
    await asyncio.sleep(2 * FAST_TIMINGS.idle_poll_seconds)
    assert sorted(asked) == [70, 71], "each is checked once"


async def test_an_execution_waits_while_an_own_order_has_no_exchange_id(
    new_harness: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    """Where executions have no client order id, the order is unknown until the reply."""
    timings = evolve(FAST_TIMINGS, unbounded_window_seconds=60)
    harness = await new_harness(exchange_id="ccxt.gate", timings=timings).wait_ready()
    await harness.send(1, "buy", "1", "100")
    await harness.wait_until(lambda: venue.answers, "in flight")
    venue.trades.append(a_trade_row("t1", "x1", "", "0.5", at=just_now()))
    await harness.send(2, "buy", "1", "100")  # requests no poll: time has to pass
    await asyncio.sleep(3 * FAST_TIMINGS.idle_poll_seconds)
    await harness.poll_uncommitted()
    assert not [report for report in harness.reports if report.execution], "it waits"
    venue.open_orders.append(an_order_row("x1", harness.attempts[1, 1, "place"].client_id))
    venue.answer(0, {"id": "x1"})
    await harness.wait_for_state(1, "PARTIALLY_FILLED")
    assert [report.order_id for report in harness.reports if report.execution] == [1]


async def test_an_execution_is_own_if_only_its_order_has_our_client_id(
    new_harness: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    """The replacement of an order: it has ended, and its id is unknown here."""

    async def belongs(order_id: int) -> bool:
        return order_id == 70

    name = NAMES.encode(70, 2)
    venue.trades = [a_trade_row("t1", "x9", "", "1", at=just_now())]
    venue.closed_orders = [an_order_row("x9", name, "Filled")]
    harness = await new_harness(options={"is_own_order": belongs}).wait_ready()
    await harness.wait_until(
        lambda: any(report.execution for report in harness.reports), "the execution"
    )
    assert {report.order_id for report in harness.reports} == {70}


async def test_an_execution_of_an_unknown_order_is_external(
    new_harness: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    venue.trades = [
        a_trade_row("t1", "y1", "", "0.5", at=just_now()),
        a_trade_row("t2", "", "", "0.25", at=just_now()),
    ]
    harness = await new_harness().wait_ready()
    await harness.wait_until(lambda: len(harness.reports) == 2, "both")
    assert {r.exchange_order_id for r in harness.reports} == {"y1", "ext-trade:t2"}
    assert {r.order_id for r in harness.reports} == {0}


async def test_without_lookup_by_client_id_lists_are_compared(
    new_harness: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    timings = evolve(FAST_TIMINGS, window_seconds=0.3, unbounded_window_seconds=0.3)
    harness = await new_harness(exchange_id="ccxt.gate", timings=timings).wait_ready()
    lost = OutcomeUnknown("outcome_unknown", "reset", reason="connection_lost")
    venue.ready_answers = [lost, lost]
    await harness.send(1, "buy", "1", "100")
    client_id = harness.attempts[1, 1, "place"].client_id
    venue.closed_orders.append(an_order_row("x1", client_id, "Cancelled"))
    venue.closed_orders[-1]["status"] = "canceled"
    await harness.wait_for_state(1, "CANCELED")
    await harness.send(2, "buy", "1", "100")
    await harness.wait_for_state(2, "REJECTED")
    assert harness.orders[2].reject_code == "not_placed"


async def test_what_was_read_before_a_failure_is_reported(
    new_harness: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    harness = await new_harness(timings=evolve(FAST_TIMINGS, idle_poll_seconds=60)).wait_ready()
    await harness.poll_uncommitted()
    venue.open_orders = [an_order_row("y1")]
    venue.positions = [{"symbol": None}]
    harness.exchange.start_snapshot(datetime.now(UTC) - timedelta(minutes=1))
    await harness.wait_until(lambda: harness.reports, "a report")
    assert harness.reports[0].kind is ReportKind.ACCEPTED
    assert not harness.snapshots
    venue.positions = []
    await harness.wait_until(lambda: harness.snapshots, "a snapshot in the end")


async def test_the_account_is_unavailable_while_reads_fail(
    new_harness: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    venue.read_error = ReadFailed("exchange_unavailable", "no answer", retryable=True)
    harness = await new_harness().wait_ready()
    await harness.wait_until(
        lambda: harness.exchange.unavailable_reason() is not None, "unavailable"
    )
    venue.read_error = None
    await harness.wait_until(
        lambda: harness.exchange.unavailable_reason() is None, "available again"
    )


async def test_a_bug_in_a_task_is_raised_to_the_worker(
    new_harness: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    harness = await new_harness().wait_ready()
    venue.ready_answers = [ZeroDivisionError("a bug")]
    await harness.send(1, "buy", "1", "100")
    with pytest.raises(ZeroDivisionError):
        await harness.wait_for_state(1, "SUBMITTED")
