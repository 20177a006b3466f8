"""Rules of the exchange port about orders, each said once and held everywhere."""

from datetime import timedelta
from decimal import Decimal

from kit.exchanges.port_harness import PortHarness, now
from oms.domain.orders.execution_report import ReportKind

ENOUGH = "0.03"


async def test_a_market_order_fills_and_its_deals_say_all(desk: PortHarness) -> None:
    number = await desk.send("buy", ENOUGH)
    await desk.wait_for_state(number, "FILLED")
    fills = desk.fills(number)
    assert sum(fill.qty for fill in fills) == Decimal(ENOUGH)
    for fill in fills:
        assert fill.exchange_trade_id and fill.price == Decimal(60000)
        assert fill.fee is not None and fill.fee > 0
        assert fill.fee_currency == ("BTC" if desk.is_spot else "USDT")
        assert fill.maker is False and not fill.provisional
        assert abs(fill.executed_at - now()) < timedelta(seconds=30)
    assert desk.orders[number].exchange_order_id


async def test_a_limit_order_rests_and_is_filled_later_as_maker(desk: PortHarness) -> None:
    number = await desk.send("buy", ENOUGH, "59000")
    await desk.wait_for_state(number, "SUBMITTED")
    assert not desk.fills(number)
    await desk.set_prices("58999")
    await desk.wait_for_state(number, "FILLED")
    [fill] = desk.fills(number)
    assert (fill.qty, fill.price, fill.maker) == (Decimal(ENOUGH), Decimal(59000), True)


async def test_a_resting_order_is_filled_in_parts(desk: PortHarness) -> None:
    number = await desk.send("buy", ENOUGH, "59000")
    await desk.wait_for_state(number, "SUBMITTED")
    await desk.set_prices("58999", "59000", ask_qty="0.01")
    await desk.wait_for_state(number, "PARTIALLY_FILLED")
    assert desk.orders[number].filled_qty == Decimal("0.01")
    await desk.set_prices("58998")
    await desk.wait_for_state(number, "FILLED")
    assert [fill.qty for fill in desk.fills(number)] == [Decimal("0.01"), Decimal("0.02")]


async def test_what_is_left_of_an_order_is_canceled(desk: PortHarness) -> None:
    number = await desk.send("buy", ENOUGH, "59000")
    await desk.wait_for_state(number, "SUBMITTED")
    await desk.set_prices("58999", "59000", ask_qty="0.01")
    await desk.wait_for_state(number, "PARTIALLY_FILLED")
    await desk.cancel(number)
    await desk.wait_for_state(number, "CANCELED")
    assert desk.orders[number].canceled_qty == Decimal("0.02")


async def test_a_cancel_of_a_filled_order_is_too_late(desk: PortHarness) -> None:
    number = await desk.send("buy", ENOUGH)
    await desk.wait_for_state(number, "FILLED")
    await desk.cancel(number)
    await desk.wait_until(lambda: desk.rejection_code(number), "an answer")
    assert desk.rejection_code(number) == "too_late"
    assert desk.state(number) == "FILLED"


async def test_a_fill_wins_against_a_cancel_that_was_wished_after_it(desk: PortHarness) -> None:
    number = await desk.send("buy", ENOUGH, "59000")
    await desk.wait_for_state(number, "SUBMITTED")
    told_late = desk.set_market("58999", "58999")
    await desk.cancel(number)
    desk.ingest(told_late)
    await desk.wait_closed(number)
    assert desk.state(number) == "FILLED"
    assert desk.last_report(number, ReportKind.CANCELED) is None


async def test_reports_told_again_change_nothing(desk: PortHarness) -> None:
    began = now()
    number = await desk.send("buy", ENOUGH)
    resting = await desk.send("buy", ENOUGH, "59000")
    await desk.wait_for_state(number, "FILLED")
    await desk.wait_for_state(resting, "SUBMITTED")
    before = desk.orders[number]
    first = await desk.snapshot(began)
    second = await desk.snapshot(began)
    names = [
        [report.execution.exchange_trade_id for _, report in each.trades if report.execution]
        for each in (first, second)
    ]
    assert names[0] == names[1] == [fill.exchange_trade_id for fill in desk.fills(number)]
    assert desk.orders[number] == before
    assert {desk.apply_report(report) for report in desk.reports if report.execution} == {False}


async def test_a_snapshot_tells_orders_executions_and_holdings(desk: PortHarness) -> None:
    began = now()
    filled = await desk.send("buy", ENOUGH)
    resting = await desk.send("buy", "0.02", "59000")
    await desk.wait_for_state(filled, "FILLED")
    await desk.wait_for_state(resting, "SUBMITTED")
    seen = await desk.snapshot(began)
    assert resting in [report.order_id for report in seen.orders]
    assert [report.order_id for _, report in seen.trades] == [filled]
    assert {symbol for symbol, _ in seen.trades} == {desk.symbol}
    assert sum(seen.holdings.values()) == (0 if desk.is_spot else Decimal(ENOUGH))


async def test_what_was_never_placed_is_found_out(desk: PortHarness) -> None:
    number = await desk.send("buy", ENOUGH, "59000", **desk.drop_next_request())
    await desk.wait_for_state(number, "UNKNOWN")
    await desk.query(number)
    await desk.wait_for_state(number, "REJECTED")
    assert desk.orders[number].reject_code == "not_placed"


async def test_refused_money_says_so(desk: PortHarness) -> None:
    number = await desk.send("buy", "90", "60000")
    await desk.wait_for_state(number, "REJECTED")
    assert desk.rejection_code(number) == "insufficient_funds"
    assert not desk.fills(number)
