"""Take profit and stop loss of an order, which the exchange makes orders of their own."""

from decimal import Decimal

import pytest

from kit.exchanges.ccxt_harness import LINEAR, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ExecutionReport

EXITS = {"takeProfit": {"triggerPrice": "66000"}, "stopLoss": {"triggerPrice": "54000"}}


@pytest.fixture(autouse=True)
def many_requests(venue: LoopbackExchange) -> None:
    """Rate limits high enough that no request waits."""
    venue.control("limit", per_second=1000)


async def exits(harness: CcxtHarness) -> dict[str, ExecutionReport]:
    """Orders made by the exchange, by trigger price."""
    seen = await harness.exchange.snapshot(now(), now())
    found = [r for r in (*harness.reports, *seen.orders) if r.external is not None]
    return {str(r.external.trigger_price): r for r in found if r.external is not None}


async def test_exits_belong_to_their_parent_order(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    await harness.send(6, "buy", "0.01", None)
    await harness.send(7, "buy", "0.02", None, params=EXITS)
    await harness.wait_for_state(7, "FILLED")
    exit_reports = await exits(harness)
    described = {price: report.external for price, report in exit_reports.items()}
    assert {
        price: (each.reason, each.parent_order_id, each.side, each.reduce_only)
        for price, each in described.items()
        if each is not None
    } == {"66000": ("tp", 7, "sell", True), "54000": ("sl", 7, "sell", True)}


@pytest.mark.parametrize("restarts", [False, True])
async def test_an_exit_without_a_parent_is_external(
    harness: CcxtHarness, venue: LoopbackExchange, restarts: bool
) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    await harness.send(7, "buy", "0.02", None, params=EXITS if restarts else {})
    await harness.wait_for_state(7, "FILLED")
    if restarts:
        await harness.exchange.close()
        await harness.start().wait_ready()
    else:
        client = harness.make_client()
        await client.open()
        stop = {"stopLossPrice": Decimal(54000)}
        await client.write("create_order", LINEAR, "market", "sell", 0.02, None, params=stop)
        await client.close()
    exit_reports = (await exits(harness)).values()
    assert exit_reports
    assert {each.external.parent_order_id for each in exit_reports if each.external} == {None}
    assert {each.external.reason for each in exit_reports if each.external} == {"external"}
