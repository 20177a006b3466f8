"""The same adapter at the loopback exchange's other dialect, whose ways are different."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from kit.ccxt_desk import LINEAR, SPOT, Desk, now
from kit.loopback import Loopback
from oms.domain.report import ReportKind

Made = Callable[..., Desk]


@pytest.fixture
async def desk(new_desk: Made) -> Desk:
    return await new_desk(dialect="binance").ready()


@pytest.mark.parametrize("symbol", [LINEAR, SPOT])
async def test_an_order_rests_and_is_canceled(desk: Desk, venue: Loopback, symbol: str) -> None:
    await desk.send(7, "buy", "0.01", "10000", symbol=symbol)
    await desk.until_state(7, "SUBMITTED")
    await desk.cancel(7)
    await desk.until_state(7, "CANCELED")
    assert [row["state"] for row in venue.books()["orders"]] == ["canceled"]


async def test_a_contract_order_is_changed(desk: Desk, venue: Loopback) -> None:
    await desk.send(7, "buy", "0.01", "10000")
    await desk.until_state(7, "SUBMITTED")
    await desk.change(7, "10001", "0.02")
    await desk.until(lambda: desk.orders[7].pending_change is None, "changed")
    assert (desk.orders[7].price, desk.orders[7].qty) == (Decimal(10001), Decimal("0.02"))
    assert len(venue.books()["orders"]) == 1


@pytest.mark.parametrize("symbol", [LINEAR, SPOT])
async def test_market_orders_fill(desk: Desk, venue: Loopback, symbol: str) -> None:
    await desk.send(7, "buy", "0.01", None, symbol=symbol)
    await desk.until_state(7, "FILLED")
    [trade] = venue.books()["trades"]
    [fill] = [report.execution for report in desk.heard if report.execution]
    assert (fill.qty, fill.price) == (Decimal(trade["qty"]), Decimal(trade["price"]))
    assert (fill.fee, fill.fee_currency) == (Decimal(trade["fee"]), trade["fee_currency"])


async def test_lost_answers_are_looked_up(desk: Desk, venue: Loopback) -> None:
    for order_id, symbol, path in ((7, LINEAR, "/fapi/v1/order"), (8, SPOT, "/api/v3/order")):
        venue.ctl("fault", match=path, mode="accept_then_close")
        await desk.send(order_id, "buy", "0.01", "10000", symbol=symbol)
        await desk.until_state(order_id, "SUBMITTED")
        assert desk.kinds(order_id) == [ReportKind.UNKNOWN, ReportKind.ACCEPTED]
    venue.ctl("fault", match="/fapi/v1/order", mode="close_before")
    await desk.send(9, "buy", "0.01", "10000")
    await desk.until_state(9, "UNKNOWN")
    await desk.until_state(9, "REJECTED")
    assert desk.orders[9].reject_code == "not_placed"


async def test_a_sweep_shows_all_that_was_traded(desk: Desk, venue: Loopback) -> None:
    await desk.send(7, "buy", "0.01", None)
    await desk.send(8, "buy", "0.01", None, symbol=SPOT)
    await desk.until_state(7, "FILLED")
    await desk.until_state(8, "FILLED")
    venue.ctl("external", symbol=LINEAR, side="buy", qty="0.3", fills=3)
    desk.exchange.begin_sweep(now() - timedelta(minutes=5))
    await desk.until(lambda: desk.snapshots, "swept")
    [seen] = desk.snapshots
    assert sorted(report.order_id for _, report in seen.trades) == [0, 0, 0, 7, 8]
    assert seen.holdings == {(LINEAR, None): Decimal("0.31")}
