"""Executions are booked once and under the right terms, whatever lists leave out."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from kit.exchanges.ccxt_harness import CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ReportKind

AMEND = "order/amend"


@pytest.mark.parametrize(("price", "qty"), [(None, "0.03"), ("10100", None)])
async def test_an_amendment_is_reported_before_the_fills_under_it(
    new_harness: Callable[..., CcxtHarness],
    venue: LoopbackExchange,
    price: str | None,
    qty: str | None,
) -> None:
    """Although the last request was a cancel, which was never sent."""
    first = await new_harness().wait_ready()
    await first.send(7, "buy", "0.01", "10000")
    await first.wait_for_state(7, "SUBMITTED")
    venue.control("fault", match=AMEND, mode="accept_then_hang")
    await first.change(7, price, qty)
    await first.wait_until(lambda: venue.paths(AMEND), "changed there")
    await first.cancel(7)
    await first.exchange.close()
    venue.control("fill", order_id=first.orders[7].exchange_order_id)

    second = new_harness(orders=first.orders, attempts=first.attempts)
    await second.wait_for_state(7, "FILLED")
    order, terms = second.orders[7], (Decimal(qty or "0.01"), Decimal(price or "10000"))
    assert (order.qty, order.price) == terms
    assert order.filled_qty == order.qty
    kinds = second.kinds(7)
    assert kinds.index(ReportKind.CHANGED) < kinds.index(ReportKind.EXECUTION)


async def test_an_execution_without_its_id_is_not_booked_twice(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    venue.control("fault", match="execution/list", mode="no_trade_id", count=3)
    await harness.send(7, "buy", "0.01", None)
    await harness.wait_for_state(7, "FILLED")
    await harness.wait_until(
        lambda: not venue.control("faults")["faults"], "all were sent without ids"
    )
    (trade,) = venue.books()["trades"]
    executions = [each.execution for each in harness.reports if each.execution is not None]
    assert {each.exchange_trade_id for each in executions} == {trade["trade_id"]}
    assert harness.orders[7].filled_qty == Decimal("0.01")
