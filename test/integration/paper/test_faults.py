"""Reports of injected faults, and their effect on orders of the ledger."""

from datetime import timedelta
from typing import Any

import pytest

from kit.builders import NOON
from kit.exchanges.paper_harness import PaperHarness
from oms.domain.account import LatencySettings
from oms.domain.orders.execution_report import ReportKind, ReportSource


def sim(fault: str, **fields: Any) -> dict[str, Any]:
    return {"params": {"sim": fault}, **fields}


async def test_a_lost_reply_is_unknown_until_queried() -> None:
    port = PaperHarness()
    port.quote("100")
    assert await port.buy("1", **sim("timeout")) == ["1 unknown"]
    assert port.state(1) == "UNKNOWN"
    assert port.exchange.needs_polling()
    reports = await port.exchange.query_order(port.orders[1], port.now)
    assert [report.kind for report in reports] == [ReportKind.ACCEPTED, ReportKind.EXECUTION]
    assert {report.source for report in reports} == {ReportSource.RECONCILE}
    port.ingest(reports)
    assert port.state(1) == "FILLED"
    assert await port.advance_time(seconds=10) == []
    assert await port.query(1) == []


async def test_a_lost_reply_is_resolved_by_the_stream() -> None:
    port = PaperHarness()
    port.quote("100")
    await port.buy("1", **sim("timeout"))
    port.restart()
    summaries = []
    for _ in range(6):
        summaries += await port.advance_time(seconds=1)
    assert summaries == ["1 accepted", "1 execution"]
    assert port.state(1) == "FILLED"


async def test_a_request_that_never_arrived_was_not_placed() -> None:
    port = PaperHarness()
    port.quote("100")
    assert await port.buy("1", **sim("timeout_before")) == ["1 unknown"]
    assert port.paper.state.orders_made == 0
    assert await port.advance_time(minutes=5) == []
    assert await port.query(1) == ["1 not_placed"]
    assert (port.state(1), port.orders[1].reject_code) == ("REJECTED", "not_placed")


async def test_a_query_finds_a_resting_order_that_was_reported() -> None:
    port = PaperHarness()
    assert await port.buy("1", order_type="limit", price="90") == ["1 accepted"]
    assert await port.query(1) == ["1 accepted"]
    assert port.state(1) == "SUBMITTED"


async def test_an_overloaded_exchange_does_not_process_the_order() -> None:
    port = PaperHarness()
    port.quote("100")
    assert await port.buy("1", **sim("overload:5")) == ["1 rejected"]
    assert port.orders[1].reject_code == "exchange_rate_limited"
    assert port.paper.state.orders_made == 0


@pytest.mark.parametrize(
    ("fault", "code"),
    [("reject", "exchange_rejected"), ("reject:market_closed", "market_closed")],
)
async def test_an_injected_rejection(fault: str, code: str) -> None:
    port = PaperHarness()
    port.quote("100")
    assert await port.buy("1", **sim(fault)) == ["1 rejected"]
    assert port.orders[1].reject_code == code


@pytest.mark.parametrize("fault", ["explode", "partial:2", "timeout:5", "slow", 5])
async def test_invalid_faults_are_refused(fault: Any) -> None:
    port = PaperHarness()
    port.quote("100")
    port.store()
    assert await port.buy("1", **sim(fault)) == ["1 rejected"]
    assert port.orders[1].reject_code == "validation_error"
    assert port.exchange.take_state_changes() is None


async def test_a_partial_fill_fault_fills_the_rest_later() -> None:
    port = PaperHarness()
    port.quote("100")
    limit = {"order_type": "limit", "price": "101"}
    assert await port.buy("2", **sim("partial:0.5", **limit)) == ["1 accepted", "1 execution"]
    assert port.state(1) == "PARTIALLY_FILLED"
    assert port.quote("100") == ["1 execution"]


async def test_a_duplicated_fill_counts_once() -> None:
    port = PaperHarness()
    port.quote("100")
    summaries = await port.buy("1", **sim("dup_fill"))
    assert summaries == ["1 accepted", "1 execution", "1 execution"]
    assert (port.state(1), port.orders[1].filled_qty) == ("FILLED", 1)


async def test_a_fill_may_arrive_before_its_acceptance() -> None:
    port = PaperHarness()
    port.quote("100")
    assert await port.buy("1", **sim("out_of_order")) == ["1 execution", "1 accepted"]
    assert port.state(1) == "FILLED"


async def test_a_fill_after_the_cancel_is_booked() -> None:
    port = PaperHarness()
    port.quote("100")
    late = sim("late_fill", order_type="limit", price="100")
    assert await port.buy("1", **late) == ["1 accepted"]
    summaries = await port.cancel(1)
    summaries += await port.advance_time(seconds=1)
    assert summaries == ["1 canceled", "1 execution"]
    assert port.orders[1].filled_qty == 1


async def test_a_slow_reply_arrives_later() -> None:
    port = PaperHarness()
    port.quote("100")
    assert await port.buy("1", **sim("slow:500")) == []
    assert port.state(1) == "PENDING_SUBMIT"
    assert await port.advance_time(milliseconds=400) == []
    assert await port.advance_time(milliseconds=200) == ["1 accepted", "1 execution"]


async def test_a_disconnected_stream_delivers_later() -> None:
    port = PaperHarness()
    port.quote("100")
    fields = sim("disconnect:10", order_type="limit", price="90")
    assert await port.buy("1", **fields) == ["1 accepted"]
    assert port.quote("89") == []
    port.restart()
    assert await port.advance_time(seconds=11) == ["1 execution"]
    assert port.state(1) == "FILLED"


async def test_latency_delays_survive_a_restart() -> None:
    ways = LatencySettings(
        decision=timedelta(milliseconds=50),
        ack=timedelta(milliseconds=30),
        stream=timedelta(milliseconds=20),
    )
    port = PaperHarness(latency=ways)
    assert port.take_charges() == []
    port.quote("100")
    assert await port.buy("1") == []
    assert await port.query(1) == []  # it has not arrived
    port.restart()
    assert port.exchange.needs_polling()
    assert await port.advance_time(milliseconds=70) == ["1 execution"]
    assert await port.advance_time(milliseconds=20) == ["1 accepted"]
    assert (port.state(1), port.orders[1].filled_qty) == ("FILLED", 1)
    fill_at = port.orders[1].last_fill_at
    assert fill_at is not None
    assert fill_at == NOON + timedelta(milliseconds=50)


async def test_initial_balances_are_not_reported() -> None:
    port = PaperHarness(latency=LatencySettings(stream=timedelta(seconds=1)))
    assert await port.advance_time(hours=1) == []
    assert port.take_charges() == []
    assert port.paper.state.balances["USDT"].free == 100_000
