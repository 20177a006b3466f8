"""Rules of the exchange port for orders, tested for every exchange."""

from datetime import timedelta
from decimal import Decimal

from kit.exchanges.port_harness import PortHarness, now
from oms.domain.orders.execution_report import ReportKind

QTY = "0.03"


async def test_a_market_order_is_filled_with_complete_fills(harness: PortHarness) -> None:
    number = await harness.send("buy", QTY)
    await harness.wait_for_state(number, "FILLED")
    fills = harness.fills(number)
    assert sum(fill.qty for fill in fills) == Decimal(QTY)
    for fill in fills:
        assert fill.exchange_trade_id and fill.price == Decimal(60000)
        assert fill.fee is not None and fill.fee > 0
        assert fill.fee_currency == ("BTC" if harness.is_spot else "USDT")
        assert fill.maker is False and not fill.provisional
        assert abs(fill.executed_at - now()) < timedelta(seconds=30)
    assert harness.orders[number].exchange_order_id


async def test_a_resting_limit_order_is_filled_as_maker(harness: PortHarness) -> None:
    number = await harness.send("buy", QTY, "59000")
    await harness.wait_for_state(number, "SUBMITTED")
    assert not harness.fills(number)
    await harness.set_prices("58999")
    await harness.wait_for_state(number, "FILLED")
    [fill] = harness.fills(number)
    assert (fill.qty, fill.price, fill.maker) == (Decimal(QTY), Decimal(59000), True)


async def test_a_resting_order_is_filled_in_parts(harness: PortHarness) -> None:
    number = await harness.send("buy", QTY, "59000")
    await harness.wait_for_state(number, "SUBMITTED")
    await harness.set_prices("58999", "59000", ask_qty="0.01")
    await harness.wait_for_state(number, "PARTIALLY_FILLED")
    assert harness.orders[number].filled_qty == Decimal("0.01")
    await harness.set_prices("58998")
    await harness.wait_for_state(number, "FILLED")
    assert [fill.qty for fill in harness.fills(number)] == [Decimal("0.01"), Decimal("0.02")]


async def test_the_rest_of_a_partly_filled_order_is_canceled(harness: PortHarness) -> None:
    number = await harness.send("buy", QTY, "59000")
    await harness.wait_for_state(number, "SUBMITTED")
    await harness.set_prices("58999", "59000", ask_qty="0.01")
    await harness.wait_for_state(number, "PARTIALLY_FILLED")
    await harness.cancel(number)
    await harness.wait_for_state(number, "CANCELED")
    assert harness.orders[number].canceled_qty == Decimal("0.02")


async def test_a_cancel_of_a_filled_order_is_too_late(harness: PortHarness) -> None:
    number = await harness.send("buy", QTY)
    await harness.wait_for_state(number, "FILLED")
    await harness.cancel(number)
    await harness.wait_until(lambda: harness.rejection_code(number), "a response")
    assert harness.rejection_code(number) == "too_late"
    assert harness.state(number) == "FILLED"


async def test_a_fill_before_the_cancel_request_wins(harness: PortHarness) -> None:
    number = await harness.send("buy", QTY, "59000")
    await harness.wait_for_state(number, "SUBMITTED")
    late_reports = harness.set_market("58999", "58999")
    await harness.cancel(number)
    harness.ingest(late_reports)
    await harness.wait_closed(number)
    assert harness.state(number) == "FILLED"
    assert harness.last_report(number, ReportKind.CANCELED) is None


async def test_repeated_reports_change_nothing(harness: PortHarness) -> None:
    started_at = now()
    number = await harness.send("buy", QTY)
    resting = await harness.send("buy", QTY, "59000")
    await harness.wait_for_state(number, "FILLED")
    await harness.wait_for_state(resting, "SUBMITTED")
    before = harness.orders[number]
    first = await harness.snapshot(started_at)
    second = await harness.snapshot(started_at)
    names = [
        [report.execution.exchange_trade_id for _, report in each.trades if report.execution]
        for each in (first, second)
    ]
    assert names[0] == names[1] == [fill.exchange_trade_id for fill in harness.fills(number)]
    assert harness.orders[number] == before
    assert {harness.apply_report(report) for report in harness.reports if report.execution} == {
        False
    }


async def test_a_snapshot_contains_orders_executions_and_holdings(harness: PortHarness) -> None:
    started_at = now()
    filled = await harness.send("buy", QTY)
    resting = await harness.send("buy", "0.02", "59000")
    await harness.wait_for_state(filled, "FILLED")
    await harness.wait_for_state(resting, "SUBMITTED")
    snapshot = await harness.snapshot(started_at)
    assert resting in [report.order_id for report in snapshot.orders]
    assert [report.order_id for _, report in snapshot.trades] == [filled]
    assert {symbol for symbol, _ in snapshot.trades} == {harness.symbol}
    assert sum(snapshot.holdings.values()) == (0 if harness.is_spot else Decimal(QTY))


async def test_an_order_that_was_never_placed_is_resolved(harness: PortHarness) -> None:
    number = await harness.send("buy", QTY, "59000", **harness.drop_next_request())
    await harness.wait_for_state(number, "UNKNOWN")
    await harness.query(number)
    await harness.wait_for_state(number, "REJECTED")
    assert harness.orders[number].reject_code == "not_placed"


async def test_insufficient_funds(harness: PortHarness) -> None:
    number = await harness.send("buy", "90", "60000")
    await harness.wait_for_state(number, "REJECTED")
    assert harness.rejection_code(number) == "insufficient_funds"
    assert not harness.fills(number)
