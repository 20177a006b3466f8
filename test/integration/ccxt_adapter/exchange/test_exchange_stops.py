"""Conditional orders at the loopback exchange: they wait, are met, and can be canceled."""

from decimal import Decimal

import pytest

from kit.ccxt_desk import LINEAR, SPOT, Desk
from kit.loopback import Loopback
from oms.domain.report import ReportKind


@pytest.mark.parametrize("symbol", [LINEAR, SPOT])
async def test_a_stop_waits_is_changed_and_canceled(
    desk: Desk, venue: Loopback, symbol: str
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
    await desk.until_state(7, "SUBMITTED")
    [row] = venue.books()["orders"]
    assert (row["state"], row["trigger"]) == ("untriggered", "90000")
    await desk.change(7, "90200", "0.02")
    await desk.until(lambda: desk.orders[7].pending_change is None, "changed")
    assert (desk.orders[7].price, desk.orders[7].qty) == (Decimal(90200), Decimal("0.02"))
    await desk.cancel(7)
    await desk.until_state(7, "CANCELED")


async def test_a_stop_that_is_met_is_triggered_and_filled(desk: Desk, venue: Loopback) -> None:
    venue.ctl("price", symbol=LINEAR, price="60000")
    await desk.send(7, "buy", "0.01", None, order_type="stop_market", trigger_price=Decimal(60500))
    await desk.until(lambda: venue.books()["orders"], "placed")
    await desk.until_state(7, "SUBMITTED")
    await desk.listen_only()
    venue.ctl("price", symbol=LINEAR, price="60600")
    await desk.until_state(7, "FILLED")
    assert desk.kinds(7).count(ReportKind.EXECUTION) == 1


async def test_a_reduce_only_order_never_opens(desk: Desk, venue: Loopback) -> None:
    await desk.send(7, "buy", "0.02", None)
    await desk.until_state(7, "FILLED")
    await desk.send(8, "sell", "0.05", None, reduce_only=True)
    await desk.until(lambda: not desk.orders[8].is_open, "closed")
    await desk.listen_only()
    assert [row["qty"] for row in venue.books()["positions"] if row["qty"] != "0"] == []
