"""Snapshots and polls of the loopback exchange: external orders, holdings, failures."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from kit.exchanges.ccxt_harness import FAST_TIMINGS, LINEAR, SPOT, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.account import PositionMode
from oms.domain.orders.execution_report import ReportKind
from oms.domain.side import Side
from oms.domain.value import evolve


async def test_an_external_order_is_described_before_its_fills(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    made = venue.control("external", symbol=LINEAR, side="buy", qty="0.3", fills=3)
    await harness.wait_until(lambda: len(harness.reports) >= 4, "reports", seconds=5)
    assert [report.kind for report in harness.reports] == [
        ReportKind.ACCEPTED,
        *[ReportKind.EXECUTION] * 3,
    ]
    for report in harness.reports:
        assert (report.order_id, report.exchange_order_id) == (0, made["order_id"])
        assert report.external is not None
        assert (report.external.symbol, report.external.qty) == (LINEAR, Decimal("0.3"))
        assert report.external.reason == "external"
    await harness.wait_until(lambda: harness.exchange.take_snapshots() == [], "no snapshot")
    await harness.poll_uncommitted()
    assert len(harness.reports) == 4, "each is reported once"


async def test_an_open_external_order_is_reported_until_it_ends(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    made = venue.control("external", symbol=LINEAR, side="buy", qty="0.1", price="10000")
    await harness.wait_until(lambda: harness.reports, "shown")
    assert harness.reports[0].external is not None
    assert harness.reports[0].external.price == Decimal("10000")
    client = harness.make_client()
    await client.open()
    await client.write("cancel_order", made["order_id"], LINEAR)
    await client.close()
    await harness.wait_until(lambda: len(harness.reports) > 1, "ended")
    assert [report.kind for report in harness.reports] == [ReportKind.ACCEPTED, ReportKind.CANCELED]
    assert harness.reports[1].exchange_order_id == made["order_id"]
    harness.exchange.start_snapshot(now() - timedelta(minutes=5))
    await harness.wait_until(lambda: harness.snapshots, "a snapshot")
    assert not harness.snapshots[0].orders


async def test_with_unchanged_open_orders_a_send_reads_no_executions(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange
) -> None:
    harness = await new_harness(
        timings=evolve(FAST_TIMINGS, live_poll_seconds=30.0, idle_poll_seconds=60.0)
    ).wait_ready()
    executions, lists = (len(venue.paths(each)) for each in ("/execution/list", "/realtime"))
    await harness.send(7, "buy", "0.01", "59000")
    await harness.wait_until(
        lambda: len(venue.paths("/realtime")) > lists, "a send requests a poll"
    )
    await harness.poll_uncommitted()
    assert len(venue.paths("/execution/list")) == executions
    venue.control("price", symbol=LINEAR, price="58000")
    await harness.send(8, "buy", "0.01", "50000")
    await harness.wait_for_state(7, "FILLED")
    assert len(venue.paths("/execution/list")) > executions


async def test_a_snapshot_contains_orders_trades_and_holdings(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(7, "buy", "0.01", None)
    await harness.send(8, "sell", "0.005", None)
    await harness.send(9, "buy", "0.01", "10000")
    await harness.send(10, "buy", "0.02", None, symbol=SPOT)
    for order_id in (7, 8, 10):
        await harness.wait_for_state(order_id, "FILLED")
    await harness.wait_for_state(9, "SUBMITTED")
    since = now() - timedelta(minutes=5)
    harness.exchange.start_snapshot(since)
    await harness.wait_until(lambda: harness.snapshots, "a snapshot")
    [seen] = harness.snapshots
    assert seen.since == since
    assert {(r.order_id, r.kind) for r in seen.orders} == {(9, ReportKind.ACCEPTED)}
    reported = sorted((report.order_id, symbol) for symbol, report in seen.trades)
    assert reported == [(7, LINEAR), (8, LINEAR), (10, SPOT)]
    assert seen.holdings == {(LINEAR, None): Decimal("0.005")}


async def test_an_awaited_snapshot_is_the_same(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    venue.control("external", symbol=LINEAR, side="sell", qty="0.2")
    seen = await harness.exchange.snapshot(now() - timedelta(minutes=5), now())
    assert seen.holdings == {(LINEAR, None): Decimal("-0.2")}
    assert [symbol for symbol, _ in seen.trades] == [LINEAR]


async def test_long_lists_are_read_to_their_end(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    for _ in range(7):
        venue.control("external", symbol=LINEAR, side="buy", qty="0.3", fills=30)
    seen = await harness.exchange.snapshot(now() - timedelta(days=20), now())
    assert len({report.execution.exchange_trade_id for _, report in seen.trades}) == 210
    assert len({report.exchange_order_id for _, report in seen.trades}) == 7
    assert all(
        report.external and report.external.qty == Decimal("0.3") for _, report in seen.trades
    )


async def test_a_malformed_reply_changes_nothing(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(7, "buy", "0.01", None)
    await harness.wait_for_state(7, "FILLED")
    venue.control("fault", match="/v5/position/list", mode="null_fields", count=4)
    harness.exchange.start_snapshot(now() - timedelta(minutes=5))
    await harness.wait_until(lambda: harness.snapshots, "a snapshot in the end", seconds=30)
    assert [seen.holdings for seen in harness.snapshots] == [{(LINEAR, None): Decimal("0.01")}]


async def test_an_order_missing_from_a_list_is_looked_up(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    venue.control("fault", match="/v5/order/realtime", mode="empty", count=12)
    await harness.poll_uncommitted()
    venue.control("clear")
    await harness.poll_uncommitted()
    assert harness.state(7) == "SUBMITTED"
    assert set(harness.kinds(7)) == {ReportKind.ACCEPTED}


async def test_refused_credentials_make_the_account_unavailable(
    new_harness: Callable[..., CcxtHarness],
) -> None:
    harness = new_harness(secret="wrong")
    await harness.wait_until(
        lambda: harness.exchange.unavailable_reason() is not None, "unavailable"
    )
    unavailable_reason = harness.exchange.unavailable_reason()
    assert unavailable_reason is not None and unavailable_reason.code == "auth_failed"
    assert not harness.exchange.is_ready()
    assert not harness.exchange.instruments()


async def test_a_forced_close_has_a_reason(harness: CcxtHarness, venue: LoopbackExchange) -> None:
    await harness.send(7, "buy", "0.1", None)
    await harness.wait_for_state(7, "FILLED")
    venue.control("liquidate", symbol=LINEAR)
    harness.exchange.start_snapshot(now() - timedelta(minutes=5))
    await harness.wait_until(lambda: harness.snapshots, "a snapshot")
    forced = [report for _, report in harness.snapshots[0].trades if not report.order_id]
    assert [report.external.reason for report in forced if report.external] == ["liquidation"]
    assert not harness.snapshots[0].holdings


async def test_two_legs_are_held_apart(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange
) -> None:
    harness = await new_harness(mode=PositionMode.HEDGE).wait_ready()
    client = harness.make_client()
    await client.open()
    await client.write("set_position_mode", True, LINEAR)
    await client.close()
    await harness.send(7, "buy", "0.02", None)
    await harness.send(8, "sell", "0.03", None)
    await harness.wait_for_state(7, "FILLED")
    await harness.wait_for_state(8, "FILLED")
    await harness.send(9, "buy", "0.01", None, reduce_only=True)
    await harness.wait_for_state(9, "FILLED")
    seen = await harness.exchange.snapshot(now() - timedelta(minutes=5), now())
    assert seen.holdings == {
        (LINEAR, Side.BUY): Decimal("0.02"),
        (LINEAR, Side.SELL): Decimal("-0.02"),
    }
