"""Conditional orders at the loopback exchange: waiting, triggered, canceled."""

from decimal import Decimal

import pytest

from kit.exchanges.ccxt_harness import LINEAR, SPOT, CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ReportKind
from oms.domain.orders.order_terms import NewTerms


@pytest.mark.parametrize("symbol", [LINEAR, SPOT])
async def test_a_stop_waits_is_amended_and_canceled(
    harness: CcxtHarness, venue: LoopbackExchange, symbol: str
) -> None:
    await harness.send(
        7,
        "buy",
        "0.01",
        "90100",
        symbol=symbol,
        order_type="stop_limit",
        trigger_price=Decimal(90000),
    )
    await harness.wait_for_state(7, "SUBMITTED")
    [row] = venue.books()["orders"]
    assert (row["state"], row["trigger"]) == ("untriggered", "90000")
    await harness.change(7, "90200", "0.02")
    await harness.wait_until(lambda: harness.orders[7].pending_change is None, "changed")
    assert (harness.orders[7].price, harness.orders[7].qty) == (Decimal(90200), Decimal("0.02"))
    await harness.change(7, None, None, NewTerms(trigger_price=Decimal(90050)))
    await harness.wait_until(lambda: harness.orders[7].pending_change is None, "changed")
    assert harness.orders[7].trigger_price == Decimal(90050)
    [row] = venue.books()["orders"]
    assert (row["state"], row["trigger"]) == ("untriggered", "90050")
    await harness.cancel(7)
    await harness.wait_for_state(7, "CANCELED")


async def test_a_met_stop_is_triggered_and_filled(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    await harness.send(
        7, "buy", "0.01", None, order_type="stop_market", trigger_price=Decimal(60500)
    )
    await harness.wait_until(lambda: venue.books()["orders"], "placed")
    await harness.wait_for_state(7, "SUBMITTED")
    await harness.poll_uncommitted()
    venue.control("price", symbol=LINEAR, price="60600")
    await harness.wait_for_state(7, "FILLED")
    assert harness.kinds(7).count(ReportKind.EXECUTION) == 1


async def test_a_reduce_only_order_never_opens(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(7, "buy", "0.02", None)
    await harness.wait_for_state(7, "FILLED")
    await harness.send(8, "sell", "0.05", None, reduce_only=True)
    await harness.wait_until(lambda: not harness.orders[8].is_open, "closed")
    await harness.poll_uncommitted()
    assert [row["qty"] for row in venue.books()["positions"] if row["qty"] != "0"] == []
