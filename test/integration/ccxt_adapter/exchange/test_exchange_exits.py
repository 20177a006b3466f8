"""Take profit and stop loss that hang on an order: the exchange makes orders of its own of them."""

from decimal import Decimal

import pytest

from kit.exchanges.ccxt_harness import LINEAR, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ExecutionReport

EXITS = {"takeProfit": {"triggerPrice": "66000"}, "stopLoss": {"triggerPrice": "54000"}}


@pytest.fixture(autouse=True)
def many_requests(venue: LoopbackExchange) -> None:
    """The exchange lets as many pass as are sent: nobody waits for a turn."""
    venue.control("limit", per_second=1000)


async def exits(desk: CcxtHarness) -> dict[str, ExecutionReport]:
    """Orders of the exchange's making, by the price of their trigger."""
    seen = await desk.exchange.snapshot(now(), now())
    found = [r for r in (*desk.reports, *seen.orders) if r.external is not None]
    return {str(r.external.trigger_price): r for r in found if r.external is not None}


async def test_they_belong_to_the_order_that_asked_for_them(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    await desk.send(6, "buy", "0.01", None)
    await desk.send(7, "buy", "0.02", None, params=EXITS)
    await desk.wait_for_state(7, "FILLED")
    told = await exits(desk)
    described = {price: report.external for price, report in told.items()}
    assert {
        price: (each.reason, each.parent_order_id, each.side, each.reduce_only)
        for price, each in described.items()
        if each is not None
    } == {"66000": ("tp", 7, "sell", True), "54000": ("sl", 7, "sell", True)}


@pytest.mark.parametrize("restarts", [False, True])
async def test_an_exit_that_nobody_asked_for_is_a_stranger_s(
    desk: CcxtHarness, venue: LoopbackExchange, restarts: bool
) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    await desk.send(7, "buy", "0.02", None, params=EXITS if restarts else {})
    await desk.wait_for_state(7, "FILLED")
    if restarts:
        await desk.exchange.close()
        await desk.start().wait_ready()
    else:
        client = desk.make_client()
        await client.open()
        stop = {"stopLossPrice": Decimal(54000)}
        await client.write("create_order", LINEAR, "market", "sell", 0.02, None, params=stop)
        await client.close()
    told = (await exits(desk)).values()
    assert told
    assert {each.external.parent_order_id for each in told if each.external} == {None}
    assert {each.external.reason for each in told if each.external} == {"external"}
