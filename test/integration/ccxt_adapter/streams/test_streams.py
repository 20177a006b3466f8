"""What streams tell: at once, once, and the same as readings would."""

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


def executions(desk: CcxtHarness) -> list[ExecutionReport]:
    return [report for report in desk.reports if report.execution]


def last_request(venue: LoopbackExchange) -> int:
    return int(venue.control("log")["log"][-1]["number"])


def reads(venue: LoopbackExchange, after: int) -> list[str]:
    return [
        row["path"] for row in venue.control("log", after=after)["log"] if row["method"] == "GET"
    ]


@pytest.mark.parametrize("dialect", ["bybit", "binance", "binance_tls"])
async def test_fills_are_heard_with_their_fees(
    new_desk: Made, venue: LoopbackExchange, dialect: str
) -> None:
    desk = await new_desk(dialect).wait_streaming()
    for order_id, symbol in ((7, LINEAR), (8, SPOT)):
        await desk.send(order_id, "buy", "0.01", None, symbol=symbol)
        await desk.wait_for_state(order_id, "FILLED", seconds=5)
    told = executions(desk)
    assert [report.source for report in told] == [ReportSource.STREAM] * 2
    for report, trade in zip(told, venue.books()["trades"], strict=True):
        fill = report.execution
        assert fill is not None
        assert dialect != "bybit" or fill.exchange_trade_id == trade["trade_id"]
        assert (fill.qty, fill.price) == (Decimal(trade["qty"]), Decimal(trade["price"]))
        assert (fill.fee, fill.fee_currency) == (Decimal(trade["fee"]), trade["fee_currency"])
        assert fill.maker is False


async def test_an_end_is_told_after_what_was_executed(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    await desk.send(7, "buy", "0.01", "10000")
    await desk.wait_for_state(7, "SUBMITTED")
    venue.control("fault", mode="delay", match="execution", ms=60)
    venue.control("fill", order_id=desk.orders[7].exchange_order_id, qty="0.004")
    await desk.cancel(7)
    await desk.wait_for_state(7, "CANCELED")
    kinds = [kind for kind in desk.kinds(7) if kind is not ReportKind.ACCEPTED]
    assert kinds == [ReportKind.EXECUTION, ReportKind.CANCELED]
    assert desk.orders[7].filled_qty == Decimal("0.004")


@pytest.mark.parametrize(
    ("dialect", "symbol"), [("bybit", LINEAR), ("binance", LINEAR), ("binance", SPOT)]
)
async def test_other_terms_are_heard(
    new_desk: Made, venue: LoopbackExchange, dialect: str, symbol: str
) -> None:
    desk = await new_desk(dialect).wait_streaming()
    await desk.send(7, "buy", "0.01", "10000", symbol=symbol)
    await desk.wait_for_state(7, "SUBMITTED")
    await desk.change(7, "10001", "0.02")
    await desk.wait_until(lambda: desk.orders[7].pending_change is None, "changed")
    assert (desk.orders[7].price, desk.orders[7].qty) == (Decimal(10001), Decimal("0.02"))
    [standing] = [row for row in venue.books()["orders"] if row["state"] == "new"]
    assert (standing["price"], standing["qty"]) == ("10001", "0.02")


async def test_orders_of_others_are_heard(desk: CcxtHarness, venue: LoopbackExchange) -> None:
    venue.control("external", symbol=LINEAR, side="buy", qty="0.3", fills=3)
    await desk.wait_until(lambda: len(executions(desk)) == 3, "three executions")
    assert {(report.order_id, report.source) for report in executions(desk)} == {
        (0, ReportSource.STREAM)
    }


async def test_what_a_conditional_order_placed_is_told(
    new_desk: Made, venue: LoopbackExchange
) -> None:
    """Its frames come under another id and the same name, before it says that it was triggered."""
    desk = await new_desk("binance_tls").wait_streaming()
    venue.control("price", symbol=LINEAR, price="60000")
    trigger = Decimal(60500)
    await desk.send(7, "buy", "0.01", None, order_type="stop_market", trigger_price=trigger)
    await desk.send(8, "buy", "0.01", "60400", order_type="stop_limit", trigger_price=trigger)
    for order_id in (7, 8):
        await desk.wait_for_state(order_id, "SUBMITTED")
    asked = len(venue.control("log")["log"])
    venue.control("price", symbol=LINEAR, price="60600")
    await desk.wait_for_state(7, "FILLED")
    await desk.wait_until(lambda: ReportKind.TRIGGERED in desk.kinds(8), "triggered")
    assert ReportKind.TRIGGERED in desk.kinds(7)
    assert len(venue.control("log")["log"]) == asked, "nothing was read"
    assert all(report.order_id for report in desk.reports)


async def test_a_reading_repeats_nothing(new_desk: Made, venue: LoopbackExchange) -> None:
    desk = await new_desk(timings=evolve(STREAM_TIMINGS, streaming_poll_seconds=0.1)).wait_ready()
    await desk.wait_until(desk.is_streaming, "streams stand")
    await desk.send(7, "buy", "0.01", None)
    await desk.wait_for_state(7, "FILLED")
    before = last_request(venue)
    await desk.wait_until(lambda: len(reads(venue, before)) >= 8, "read several times")
    assert len(executions(desk)) == 1


async def test_only_one_who_does_not_listen_asks_all_the_time(
    new_desk: Made, venue: LoopbackExchange
) -> None:
    asked = {}
    for order_id, engine in ((7, "ccxtpro"), (8, "ccxt")):
        desk = new_desk(engine=engine)
        await (desk.wait_streaming() if engine == "ccxtpro" else desk.wait_ready())
        await desk.send(order_id, "buy", "0.01", "10000")
        await desk.wait_for_state(order_id, "SUBMITTED")
        before = last_request(venue)
        await asyncio.sleep(4 * FAST_TIMINGS.live_poll_seconds)
        asked[engine] = len(reads(venue, before))
        await desk.exchange.close()
    assert asked["ccxtpro"] <= 4 < asked["ccxt"]  # the last of a reading, and one after another


async def test_the_first_order_waits_for_its_stream(
    new_desk: Made, venue: LoopbackExchange
) -> None:
    venue.control("fault", mode="refuse", match="/v5/private", count=3)
    desk = await new_desk().wait_ready()
    await desk.send(7, "buy", "0.01", None)
    await desk.wait_for_state(7, "FILLED")
    assert desk.is_streaming()
    assert [report.source for report in executions(desk)] == [ReportSource.STREAM]


async def test_but_not_for_ever(new_desk: Made, venue: LoopbackExchange) -> None:
    venue.control("fault", mode="refuse", match="/v5/private", count=None)
    desk = await new_desk(timings=evolve(STREAM_TIMINGS, first_order_wait_seconds=0.3)).wait_ready()
    await desk.send(7, "buy", "0.01", None)
    await desk.wait_for_state(7, "FILLED")
    assert [report.source for report in executions(desk)] == [ReportSource.RECONCILE]
    assert desk.exchange.connection().stream is StreamState.CONNECTING


async def test_its_state_is_told(new_desk: Made, venue: LoopbackExchange) -> None:
    desk = await new_desk().wait_streaming()
    told = desk.exchange.connection()
    assert (told.engine, told.environment, told.gaps) == ("ccxtpro", "loopback", 0)
    assert told.hosts_called == (f"127.0.0.1:{venue.port}",)
    assert told.last_event_at is None
    await desk.send(7, "buy", "0.01", "10000")
    await desk.wait_until(lambda: desk.exchange.connection().last_event_at, "an event")
    assert venue.control("fault", mode="abort")["connections"] == 1
    await desk.wait_until(lambda: desk.exchange.connection().gaps == 1, "a gap")
    await desk.wait_until(desk.is_streaming, "streams stand")
    read_at = desk.exchange.connection().reconciled_at
    assert read_at is not None
    assert read_at >= (told.reconciled_at or read_at)
    unheard = await new_desk(engine="ccxt").wait_ready()
    assert unheard.exchange.connection().stream is StreamState.NONE


@pytest.mark.parametrize("dialect", ["bybit", "binance"])
async def test_nothing_is_left_and_nothing_secret_was_said(
    new_desk: Made, venue: LoopbackExchange, dialect: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    before = asyncio.all_tasks()
    desk = await new_desk(dialect).wait_streaming()
    venue.control("fault", mode="auth_refused")
    venue.control("fault", mode="refuse", count=3)
    venue.control("fault", mode="abort")
    await desk.wait_until(lambda: desk.exchange.connection().gaps, "a gap")
    await desk.wait_until(desk.is_streaming, "streams stand")
    await desk.exchange.close()
    await desk.wait_until(lambda: asyncio.all_tasks() == before, "nothing goes on", seconds=2)
    assert venue.control("streams")["streams"] == []
    gc.collect()
    said = " ".join(record.getMessage() for record in caplog.records)
    assert "the streams broke" in said
    for secret in ("never retrieved", "secret-a", "loop-a", "listenKey=", "signature="):
        assert secret not in said
