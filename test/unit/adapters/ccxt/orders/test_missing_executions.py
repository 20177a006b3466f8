"""Executions that the filled quantity of an ended order proves, and that no list contains yet."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, CcxtHarness, now
from kit.exchanges.scripted_venue import ScriptedVenue, a_trade_row, an_order_row
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.domain.orders.execution_report import ReportKind
from oms.domain.value import evolve

#: No poll after the one that follows a request.
RARE_POLLS = evolve(
    FAST_TIMINGS, live_poll_seconds=60, idle_poll_seconds=60, lookup_interval_seconds=0.1
)
FILLED = Decimal("0.4")


@pytest.fixture
async def venue() -> ScriptedVenue:
    return ScriptedVenue(ready_answers=[{"id": "x1"}, {"id": "x1"}])


@pytest.fixture
async def started(venue: ScriptedVenue) -> AsyncIterator[Callable[..., Any]]:
    """Starts a harness with an open order that is executed in part and then not open any more."""
    harnesses: list[CcxtHarness] = []

    async def start(**timings: float) -> CcxtHarness:
        timings_used = evolve(RARE_POLLS, **timings)
        harness = CcxtHarness(make_client=lambda: venue, timings=timings_used).start()
        harnesses.append(harness)
        await harness.wait_ready()
        await harness.send(1, "buy", "1", "100")
        await harness.wait_for_state(1, "SUBMITTED")
        client_id = harness.attempts[1, 1, "place"].client_id
        venue.open_orders.append(an_order_row("x1", client_id))
        await harness.poll_uncommitted()
        venue.open_orders.clear()
        venue.closed_orders.append(
            an_order_row("x1", client_id, status="Cancelled", filled=str(FILLED), average="100")
        )
        return harness

    yield start
    for harness in harnesses:
        await harness.exchange.close()


def is_idle(harness: CcxtHarness) -> bool:
    return harness.exchange._components.resolver.is_idle()


async def wait_filled(harness: CcxtHarness) -> None:
    await harness.wait_until(lambda: harness.orders[1].filled_qty == FILLED, "executed", seconds=5)


async def test_neither_failed_lookups_nor_empty_lists_end_the_search(
    started: Callable[..., Any], venue: ScriptedVenue
) -> None:
    harness = await started()
    await harness.cancel(1)
    await harness.wait_for_state(1, "CANCELED")
    assert not harness.orders[1].filled_qty, "the list of executions has none yet"
    venue.read_error = ReadFailed("exchange_unavailable", "down", retryable=True)
    for _ in range(4):
        await harness.poll_uncommitted()
    venue.read_error = None
    [row] = venue.closed_orders
    venue.closed_orders.clear()
    for _ in range(2):
        await harness.poll_uncommitted()
    venue.closed_orders.append(row)
    venue.trades.append(a_trade_row("t1", "x1", row["clientOrderId"], str(FILLED)))
    await wait_filled(harness)
    await harness.wait_until(lambda: is_idle(harness), "nothing is looked up any more")
    assert harness.kinds(1).count(ReportKind.CANCELED) == 1


async def test_a_snapshot_that_finds_an_end_without_executions_searches_on(
    started: Callable[..., Any], venue: ScriptedVenue
) -> None:
    harness = await started()
    harness.exchange.start_snapshot(now())
    await harness.wait_for_state(1, "CANCELED")
    await harness.wait_until(lambda: harness.snapshots, "the snapshot")
    client_id = venue.closed_orders[0]["clientOrderId"]
    venue.trades.append(a_trade_row("t1", "x1", client_id, str(FILLED)))
    await wait_filled(harness)


async def test_an_order_that_is_queried_by_an_operator_is_searched_on(
    started: Callable[..., Any], venue: ScriptedVenue
) -> None:
    harness = await started()
    await harness.exchange.find_order(harness.orders[1], None, now())
    await harness.wait_for_state(1, "CANCELED")
    client_id = venue.closed_orders[0]["clientOrderId"]
    venue.trades.append(a_trade_row("t1", "x1", client_id, str(FILLED)))
    await wait_filled(harness)


async def test_executions_of_an_ended_order_are_inferred_like_those_of_an_open_one(
    started: Callable[..., Any],
) -> None:
    harness = await started(infer_fills_after_seconds=0.4)
    await harness.cancel(1)
    await wait_filled(harness)
    [execution] = [each.execution for each in harness.reports if each.execution is not None]
    assert execution.provisional
    await harness.wait_until(lambda: is_idle(harness), "nothing is looked up any more")


async def test_the_search_ends_where_executions_are_never_listed(
    started: Callable[..., Any],
) -> None:
    harness = await started(follow_fills_seconds=0.5)
    await harness.cancel(1)
    await harness.wait_for_state(1, "CANCELED")
    assert not is_idle(harness)
    await harness.wait_until(lambda: is_idle(harness), "reconcile passes look on", seconds=5)
