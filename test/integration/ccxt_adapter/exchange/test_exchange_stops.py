"""Conditional orders at the loopback exchange: they wait, are met, and can be canceled."""

from decimal import Decimal

import pytest

from kit.exchanges.ccxt_harness import LINEAR, SPOT, CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ReportKind


@pytest.mark.parametrize("symbol", [LINEAR, SPOT])
async def test_a_stop_waits_is_changed_and_canceled(
    desk: CcxtHarness, venue: LoopbackExchange, symbol: str
) -> None:
    await desk.send(
        7,
        "buy",
        "0.01",
        "90100",
        symbol=symbol,
        order_type="stop_limit",
        trigger_price=Decimal(90000),
    )
    await desk.wait_for_state(7, "SUBMITTED")
    [row] = venue.books()["orders"]
    assert (row["state"], row["trigger"]) == ("untriggered", "90000")
    await desk.change(7, "90200", "0.02")
    await desk.wait_until(lambda: desk.orders[7].pending_change is None, "changed")
    assert (desk.orders[7].price, desk.orders[7].qty) == (Decimal(90200), Decimal("0.02"))
    await desk.cancel(7)
    await desk.wait_for_state(7, "CANCELED")


async def test_a_stop_that_is_met_is_triggered_and_filled(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    await desk.send(7, "buy", "0.01", None, order_type="stop_market", trigger_price=Decimal(60500))
    await desk.wait_until(lambda: venue.books()["orders"], "placed")
    await desk.wait_for_state(7, "SUBMITTED")
    await desk.poll_uncommitted()
    venue.control("price", symbol=LINEAR, price="60600")
    await desk.wait_for_state(7, "FILLED")
    assert desk.kinds(7).count(ReportKind.EXECUTION) == 1


async def test_a_reduce_only_order_never_opens(desk: CcxtHarness, venue: LoopbackExchange) -> None:
    await desk.send(7, "buy", "0.02", None)
    await desk.wait_for_state(7, "FILLED")
    await desk.send(8, "sell", "0.05", None, reduce_only=True)
    await desk.wait_until(lambda: not desk.orders[8].is_open, "closed")
    await desk.poll_uncommitted()
    assert [row["qty"] for row in venue.books()["positions"] if row["qty"] != "0"] == []
