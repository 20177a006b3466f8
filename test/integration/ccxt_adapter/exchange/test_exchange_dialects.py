"""The same adapter at the other dialects of the loopback exchange."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from kit.exchanges.ccxt_harness import LINEAR, SPOT, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ReportKind

Made = Callable[..., CcxtHarness]


#: Where orders of contracts and on spot are placed, by dialect.
PLACE = {
    "binance": ("POST /fapi/v1/order", "POST /api/v3/order"),
    "okx": ("POST /api/v5/trade/order",) * 2,
}


@pytest.fixture(params=sorted(PLACE))
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def harness(new_harness: Made, dialect: str) -> CcxtHarness:
    return await new_harness(dialect=dialect).wait_ready()


@pytest.mark.parametrize("symbol", [LINEAR, SPOT])
async def test_an_open_order_is_canceled(
    harness: CcxtHarness, venue: LoopbackExchange, symbol: str
) -> None:
    await harness.send(7, "buy", "0.01", "10000", symbol=symbol)
    await harness.wait_for_state(7, "SUBMITTED")
    await harness.cancel(7)
    await harness.wait_for_state(7, "CANCELED")
    assert [row["state"] for row in venue.books()["orders"]] == ["canceled"]


async def test_a_contract_order_is_amended(harness: CcxtHarness, venue: LoopbackExchange) -> None:
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    await harness.change(7, "10001", "0.02")
    await harness.wait_until(lambda: harness.orders[7].pending_change is None, "changed")
    assert (harness.orders[7].price, harness.orders[7].qty) == (Decimal(10001), Decimal("0.02"))
    assert len(venue.books()["orders"]) == 1


@pytest.mark.parametrize("symbol", [LINEAR, SPOT])
async def test_market_orders_fill(
    harness: CcxtHarness, venue: LoopbackExchange, symbol: str
) -> None:
    await harness.send(7, "buy", "0.01", None, symbol=symbol)
    await harness.wait_for_state(7, "FILLED")
    [trade] = venue.books()["trades"]
    [fill] = [report.execution for report in harness.reports if report.execution]
    assert (fill.qty, fill.price) == (Decimal(trade["qty"]), Decimal(trade["price"]))
    assert (fill.fee, fill.fee_currency) == (Decimal(trade["fee"]), trade["fee_currency"])


async def test_orders_with_lost_replies_are_looked_up(
    harness: CcxtHarness, venue: LoopbackExchange, dialect: str
) -> None:
    linear_path, spot_path = PLACE[dialect]
    for order_id, symbol, path in ((7, LINEAR, linear_path), (8, SPOT, spot_path)):
        venue.control("fault", match=path, mode="accept_then_close")
        await harness.send(order_id, "buy", "0.01", "10000", symbol=symbol)
        await harness.wait_for_state(order_id, "SUBMITTED")
        assert harness.kinds(order_id) == [ReportKind.UNKNOWN, ReportKind.ACCEPTED]
    venue.control("fault", match=linear_path, mode="close_before")
    await harness.send(9, "buy", "0.01", "10000")
    await harness.wait_for_state(9, "UNKNOWN")
    await harness.wait_for_state(9, "REJECTED")
    assert harness.orders[9].reject_code == "not_placed"


async def test_a_snapshot_contains_all_trades(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(7, "buy", "0.01", None)
    await harness.send(8, "buy", "0.01", None, symbol=SPOT)
    await harness.wait_for_state(7, "FILLED")
    await harness.wait_for_state(8, "FILLED")
    venue.control("external", symbol=LINEAR, side="buy", qty="0.3", fills=3)
    harness.exchange.start_snapshot(now() - timedelta(minutes=5))
    await harness.wait_until(lambda: harness.snapshots, "a snapshot")
    [seen] = harness.snapshots
    assert sorted(report.order_id for _, report in seen.trades) == [0, 0, 0, 7, 8]
    assert seen.holdings == {(LINEAR, None): Decimal("0.31")}
