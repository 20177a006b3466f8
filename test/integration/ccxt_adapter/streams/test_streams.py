"""What streams report: early, once, and the same as polling would."""

import asyncio
import gc
import logging
from collections.abc import Callable
from decimal import Decimal

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, LINEAR, SPOT, STREAM_TIMINGS, CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.value import evolve
from oms.ports.exchange import StreamState

Made = Callable[..., CcxtHarness]


def executions(harness: CcxtHarness) -> list[ExecutionReport]:
    return [report for report in harness.reports if report.execution]


def last_request(venue: LoopbackExchange) -> int:
    return int(venue.control("log")["log"][-1]["number"])


def reads(venue: LoopbackExchange, after: int) -> list[str]:
    return [
        row["path"] for row in venue.control("log", after=after)["log"] if row["method"] == "GET"
    ]


@pytest.mark.parametrize("dialect", ["bybit", "binance", "binance_tls", "okx"])
async def test_fills_are_reported_with_their_fees(
    new_harness: Made, venue: LoopbackExchange, dialect: str
) -> None:
    harness = await new_harness(dialect).wait_streaming()
    for order_id, symbol in ((7, LINEAR), (8, SPOT)):
        await harness.send(order_id, "buy", "0.01", None, symbol=symbol)
        await harness.wait_for_state(order_id, "FILLED", seconds=5)
    reports = executions(harness)
    assert [report.source for report in reports] == [ReportSource.STREAM] * 2
    for report, trade in zip(reports, venue.books()["trades"], strict=True):
        fill = report.execution
        assert fill is not None
        assert dialect != "bybit" or fill.exchange_trade_id == trade["trade_id"]
        assert (fill.qty, fill.price) == (Decimal(trade["qty"]), Decimal(trade["price"]))
        assert (fill.fee, fill.fee_currency) == (Decimal(trade["fee"]), trade["fee_currency"])
        assert fill.maker is False


async def test_an_end_is_reported_after_the_executions(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    venue.control("fault", mode="delay", match="execution", ms=60)
    venue.control("fill", order_id=harness.orders[7].exchange_order_id, qty="0.004")
    await harness.cancel(7)
    await harness.wait_for_state(7, "CANCELED")
    kinds = [kind for kind in harness.kinds(7) if kind is not ReportKind.ACCEPTED]
    assert kinds == [ReportKind.EXECUTION, ReportKind.CANCELED]
    assert harness.orders[7].filled_qty == Decimal("0.004")


@pytest.mark.parametrize(
    ("dialect", "symbol"),
    [("bybit", LINEAR), ("binance", LINEAR), ("binance", SPOT), ("okx", LINEAR), ("okx", SPOT)],
)
async def test_amended_terms_are_reported(
    new_harness: Made, venue: LoopbackExchange, dialect: str, symbol: str
) -> None:
    harness = await new_harness(dialect).wait_streaming()
    await harness.send(7, "buy", "0.01", "10000", symbol=symbol)
    await harness.wait_for_state(7, "SUBMITTED")
    await harness.change(7, "10001", "0.02")
    await harness.wait_until(lambda: harness.orders[7].pending_change is None, "changed")
    assert (harness.orders[7].price, harness.orders[7].qty) == (Decimal(10001), Decimal("0.02"))
    [standing] = [row for row in venue.books()["orders"] if row["state"] == "new"]
    assert (standing["price"], standing["qty"]) == ("10001", "0.02")


async def test_external_orders_are_reported(harness: CcxtHarness, venue: LoopbackExchange) -> None:
    venue.control("external", symbol=LINEAR, side="buy", qty="0.3", fills=3)
    await harness.wait_until(lambda: len(executions(harness)) == 3, "three executions")
    assert {(report.order_id, report.source) for report in executions(harness)} == {
        (0, ReportSource.STREAM)
    }


@pytest.mark.parametrize("dialect", ["binance_tls", "okx_tls"])
async def test_the_order_that_a_conditional_order_placed_is_reported(
    new_harness: Made, venue: LoopbackExchange, dialect: str
) -> None:
    """Its messages have another id, and name the conditional order before that reports an end."""
    harness = await new_harness(dialect).wait_streaming()
    venue.control("price", symbol=LINEAR, price="60000")
    trigger = Decimal(60500)
    await harness.send(7, "buy", "0.01", None, order_type="stop_market", trigger_price=trigger)
    await harness.send(8, "buy", "0.01", "60400", order_type="stop_limit", trigger_price=trigger)
    for order_id in (7, 8):
        await harness.wait_for_state(order_id, "SUBMITTED")
    asked = len(venue.control("log")["log"])
    venue.control("price", symbol=LINEAR, price="60600")
    await harness.wait_for_state(7, "FILLED")
    await harness.wait_until(lambda: ReportKind.TRIGGERED in harness.kinds(8), "triggered")
    assert ReportKind.TRIGGERED in harness.kinds(7)
    assert len(venue.control("log")["log"]) == asked, "nothing was read"
    assert all(report.order_id for report in harness.reports)


async def test_a_poll_repeats_nothing(new_harness: Made, venue: LoopbackExchange) -> None:
    harness = await new_harness(
        timings=evolve(STREAM_TIMINGS, streaming_poll_seconds=0.1)
    ).wait_ready()
    await harness.wait_until(harness.is_streaming, "streams are connected")
    await harness.send(7, "buy", "0.01", None)
    await harness.wait_for_state(7, "FILLED")
    before = last_request(venue)
    await harness.wait_until(lambda: len(reads(venue, before)) >= 8, "read several times")
    assert len(executions(harness)) == 1


async def test_only_an_account_without_streams_polls_all_the_time(
    new_harness: Made, venue: LoopbackExchange
) -> None:
    asked = {}
    for order_id, engine in ((7, "ccxtpro"), (8, "ccxt")):
        harness = new_harness(engine=engine)
        await (harness.wait_streaming() if engine == "ccxtpro" else harness.wait_ready())
        await harness.send(order_id, "buy", "0.01", "10000")
        await harness.wait_for_state(order_id, "SUBMITTED")
        before = last_request(venue)
        await asyncio.sleep(4 * FAST_TIMINGS.live_poll_seconds)
        asked[engine] = len(reads(venue, before))
        await harness.exchange.close()
    assert (
        asked["ccxtpro"] <= 4 < asked["ccxt"]
    )  # the last requests of a poll, and one poll after another


async def test_the_first_order_waits_for_its_stream(
    new_harness: Made, venue: LoopbackExchange
) -> None:
    venue.control("fault", mode="refuse", match="/v5/private", count=3)
    harness = await new_harness().wait_ready()
    await harness.send(7, "buy", "0.01", None)
    await harness.wait_for_state(7, "FILLED")
    assert harness.is_streaming()
    assert [report.source for report in executions(harness)] == [ReportSource.STREAM]


async def test_waiting_for_the_first_stream_is_limited(
    new_harness: Made, venue: LoopbackExchange
) -> None:
    venue.control("fault", mode="refuse", match="/v5/private", count=None)
    harness = await new_harness(
        timings=evolve(STREAM_TIMINGS, first_order_wait_seconds=0.3)
    ).wait_ready()
    await harness.send(7, "buy", "0.01", None)
    await harness.wait_for_state(7, "FILLED")
    assert [report.source for report in executions(harness)] == [ReportSource.RECONCILE]
    assert harness.exchange.connection().stream is StreamState.CONNECTING


async def test_an_order_that_only_reduces_does_not_wait_for_its_stream(
    new_harness: Made, venue: LoopbackExchange
) -> None:
    venue.control("fault", mode="refuse", match="/v5/private", count=None)
    venue.control("external", symbol=LINEAR, side="buy", qty="0.01")
    harness = await new_harness(
        timings=evolve(STREAM_TIMINGS, first_order_wait_seconds=600)
    ).wait_ready()
    await harness.send(7, "sell", "0.01", None, reduce_only=True)
    await harness.wait_for_state(7, "FILLED")
    assert not harness.is_streaming()


async def test_the_stream_state_is_reported(new_harness: Made, venue: LoopbackExchange) -> None:
    harness = await new_harness().wait_streaming()
    reports = harness.exchange.connection()
    assert (reports.engine, reports.environment, reports.gaps) == ("ccxtpro", "loopback", 0)
    assert reports.hosts_called == (f"127.0.0.1:{venue.port}",)
    assert reports.last_event_at is None
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_until(lambda: harness.exchange.connection().last_event_at, "an event")
    assert venue.control("fault", mode="abort")["connections"] == 1
    await harness.wait_until(lambda: harness.exchange.connection().gaps == 1, "a gap")
    await harness.wait_until(harness.is_streaming, "streams are connected")
    read_at = harness.exchange.connection().reconciled_at
    assert read_at is not None
    assert read_at >= (reports.reconciled_at or read_at)
    polling = await new_harness(engine="ccxt").wait_ready()
    assert polling.exchange.connection().stream is StreamState.NONE


@pytest.mark.parametrize("dialect", ["bybit", "binance", "okx"])
async def test_closing_leaves_no_tasks_and_logs_no_secrets(
    new_harness: Made, venue: LoopbackExchange, dialect: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    before = asyncio.all_tasks()
    harness = await new_harness(dialect).wait_streaming()
    venue.control("fault", mode="auth_refused")
    venue.control("fault", mode="refuse", count=3)
    venue.control("fault", mode="abort")
    await harness.wait_until(lambda: harness.exchange.connection().gaps, "a gap")
    await harness.wait_until(harness.is_streaming, "streams are connected")
    await harness.exchange.close()
    await harness.wait_until(lambda: asyncio.all_tasks() == before, "no task is left", seconds=2)
    assert venue.control("streams")["streams"] == []
    gc.collect()
    said = " ".join(record.getMessage() for record in caplog.records)
    assert "the streams broke" in said
    for secret in ("never retrieved", "secret-a", "loop-a", "listenKey=", "signature="):
        assert secret not in said
