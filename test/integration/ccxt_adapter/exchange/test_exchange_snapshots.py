"""Sweeps and polls of the loopback exchange: what others did, what is held, what went wrong."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from kit.exchanges.ccxt_harness import FAST_TIMINGS, LINEAR, SPOT, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.account import PositionMode
from oms.domain.orders.execution_report import ReportKind
from oms.domain.side import Side
from oms.domain.value import evolve


async def test_an_order_of_others_is_described_before_its_fills(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    made = venue.control("external", symbol=LINEAR, side="buy", qty="0.3", fills=3)
    await desk.wait_until(lambda: len(desk.reports) >= 4, "heard", seconds=5)
    assert [report.kind for report in desk.reports] == [
        ReportKind.ACCEPTED,
        *[ReportKind.EXECUTION] * 3,
    ]
    for report in desk.reports:
        assert (report.order_id, report.exchange_order_id) == (0, made["order_id"])
        assert report.external is not None
        assert (report.external.symbol, report.external.qty) == (LINEAR, Decimal("0.3"))
        assert report.external.reason == "external"
    await desk.wait_until(lambda: desk.exchange.take_snapshots() == [], "nothing swept")
    await desk.poll_uncommitted()
    assert len(desk.reports) == 4, "each is told once"


async def test_a_resting_order_of_others_is_shown_and_ends(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    made = venue.control("external", symbol=LINEAR, side="buy", qty="0.1", price="10000")
    await desk.wait_until(lambda: desk.reports, "shown")
    assert desk.reports[0].external is not None
    assert desk.reports[0].external.price == Decimal("10000")
    client = desk.make_client()
    await client.open()
    await client.write("cancel_order", made["order_id"], LINEAR)
    await client.close()
    await desk.wait_until(lambda: len(desk.reports) > 1, "ended")
    assert [report.kind for report in desk.reports] == [ReportKind.ACCEPTED, ReportKind.CANCELED]
    assert desk.reports[1].exchange_order_id == made["order_id"]
    desk.exchange.start_snapshot(now() - timedelta(minutes=5))
    await desk.wait_until(lambda: desk.snapshots, "swept")
    assert not desk.snapshots[0].orders


async def test_while_orders_rest_a_send_reads_no_executions(
    new_desk: Callable[..., CcxtHarness], venue: LoopbackExchange
) -> None:
    desk = await new_desk(
        timings=evolve(FAST_TIMINGS, live_poll_seconds=30.0, idle_poll_seconds=60.0)
    ).wait_ready()
    executions, lists = (len(venue.paths(each)) for each in ("/execution/list", "/realtime"))
    await desk.send(7, "buy", "0.01", "59000")
    await desk.wait_until(
        lambda: len(venue.paths("/realtime")) > lists, "a send calls for a reading"
    )
    await desk.poll_uncommitted()
    assert len(venue.paths("/execution/list")) == executions
    venue.control("price", symbol=LINEAR, price="58000")
    await desk.send(8, "buy", "0.01", "50000")
    await desk.wait_for_state(7, "FILLED")
    assert len(venue.paths("/execution/list")) > executions


async def test_a_sweep_shows_orders_trades_and_what_is_held(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    await desk.send(7, "buy", "0.01", None)
    await desk.send(8, "sell", "0.005", None)
    await desk.send(9, "buy", "0.01", "10000")
    await desk.send(10, "buy", "0.02", None, symbol=SPOT)
    for order_id in (7, 8, 10):
        await desk.wait_for_state(order_id, "FILLED")
    await desk.wait_for_state(9, "SUBMITTED")
    since = now() - timedelta(minutes=5)
    desk.exchange.start_snapshot(since)
    await desk.wait_until(lambda: desk.snapshots, "swept")
    [seen] = desk.snapshots
    assert seen.since == since
    assert {(r.order_id, r.kind) for r in seen.orders} == {(9, ReportKind.ACCEPTED)}
    told = sorted((report.order_id, symbol) for symbol, report in seen.trades)
    assert told == [(7, LINEAR), (8, LINEAR), (10, SPOT)]
    assert seen.holdings == {(LINEAR, None): Decimal("0.005")}


async def test_a_sweep_awaited_is_the_same(desk: CcxtHarness, venue: LoopbackExchange) -> None:
    venue.control("external", symbol=LINEAR, side="sell", qty="0.2")
    seen = await desk.exchange.snapshot(now() - timedelta(minutes=5), now())
    assert seen.holdings == {(LINEAR, None): Decimal("-0.2")}
    assert [symbol for symbol, _ in seen.trades] == [LINEAR]


async def test_long_lists_are_read_to_their_end(desk: CcxtHarness, venue: LoopbackExchange) -> None:
    for _ in range(7):
        venue.control("external", symbol=LINEAR, side="buy", qty="0.3", fills=30)
    seen = await desk.exchange.snapshot(now() - timedelta(days=20), now())
    assert len({report.execution.exchange_trade_id for _, report in seen.trades}) == 210
    assert len({report.exchange_order_id for _, report in seen.trades}) == 7
    assert all(
        report.external and report.external.qty == Decimal("0.3") for _, report in seen.trades
    )


async def test_an_unreadable_answer_changes_nothing(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    await desk.send(7, "buy", "0.01", None)
    await desk.wait_for_state(7, "FILLED")
    venue.control("fault", match="/v5/position/list", mode="null_fields", count=4)
    desk.exchange.start_snapshot(now() - timedelta(minutes=5))
    await desk.wait_until(lambda: desk.snapshots, "swept after all", seconds=30)
    assert [seen.holdings for seen in desk.snapshots] == [{(LINEAR, None): Decimal("0.01")}]


async def test_an_order_that_a_list_leaves_out_is_looked_up(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    await desk.send(7, "buy", "0.01", "10000")
    await desk.wait_for_state(7, "SUBMITTED")
    venue.control("fault", match="/v5/order/realtime", mode="empty", count=12)
    await desk.poll_uncommitted()
    venue.control("clear")
    await desk.poll_uncommitted()
    assert desk.state(7) == "SUBMITTED"
    assert set(desk.kinds(7)) == {ReportKind.ACCEPTED}


async def test_refused_credentials_are_trouble(new_desk: Callable[..., CcxtHarness]) -> None:
    desk = new_desk(secret="wrong")
    await desk.wait_until(lambda: desk.exchange.unavailable_reason() is not None, "trouble")
    unavailable_reason = desk.exchange.unavailable_reason()
    assert unavailable_reason is not None and unavailable_reason.code == "auth_failed"
    assert not desk.exchange.is_ready()
    assert not desk.exchange.instruments()


async def test_what_the_exchange_closed_by_force_says_why(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    await desk.send(7, "buy", "0.1", None)
    await desk.wait_for_state(7, "FILLED")
    venue.control("liquidate", symbol=LINEAR)
    desk.exchange.start_snapshot(now() - timedelta(minutes=5))
    await desk.wait_until(lambda: desk.snapshots, "swept")
    forced = [report for _, report in desk.snapshots[0].trades if not report.order_id]
    assert [report.external.reason for report in forced if report.external] == ["liquidation"]
    assert not desk.snapshots[0].holdings


async def test_two_legs_are_held_apart(
    new_desk: Callable[..., CcxtHarness], venue: LoopbackExchange
) -> None:
    desk = await new_desk(mode=PositionMode.HEDGE).wait_ready()
    client = desk.make_client()
    await client.open()
    await client.write("set_position_mode", True, LINEAR)
    await client.close()
    await desk.send(7, "buy", "0.02", None)
    await desk.send(8, "sell", "0.03", None)
    await desk.wait_for_state(7, "FILLED")
    await desk.wait_for_state(8, "FILLED")
    await desk.send(9, "buy", "0.01", None, reduce_only=True)
    await desk.wait_for_state(9, "FILLED")
    seen = await desk.exchange.snapshot(now() - timedelta(minutes=5), now())
    assert seen.holdings == {
        (LINEAR, Side.BUY): Decimal("0.02"),
        (LINEAR, Side.SELL): Decimal("-0.02"),
    }
