"""Conditional orders with a list of their own: the order that one places has another id.

Both have the same client order id, so to the ledger they are one order, whatever is lost in
between.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ExecutionReport, ReportKind

Made = Callable[..., CcxtHarness]
#: The path of a conditional order, by dialect.
ALGO = {"binance": "/fapi/v1/algoOrder", "okx": "/trade/order-algo"}
STOP: dict[str, Any] = {"order_type": "stop_market", "trigger_price": Decimal(60500)}
RESTS: dict[str, Any] = {"order_type": "stop_limit", "trigger_price": Decimal(60500)}


@pytest.fixture(params=sorted(ALGO))
def dialect(request: pytest.FixtureRequest) -> str:
    """Dialects with a separate list of conditional orders."""
    return str(request.param)


@pytest.fixture
async def harness(new_harness: Made, venue: LoopbackExchange, dialect: str) -> CcxtHarness:
    price(venue, 60000)
    return await new_harness(dialect=dialect).wait_ready()


def price(venue: LoopbackExchange, last: int) -> None:
    venue.control("price", symbol="BTC/USDT:USDT", price=str(last))


def external_reports(harness: CcxtHarness) -> list[ExecutionReport]:
    return [report for report in harness.reports if not report.order_id]


async def test_a_lost_conditional_order_is_looked_up_in_both_lists(
    harness: CcxtHarness, venue: LoopbackExchange, dialect: str
) -> None:
    venue.control("fault", match=ALGO[dialect], mode="accept_then_close")
    await harness.send(7, "buy", "0.01", None, **STOP)
    await harness.wait_for_state(7, "SUBMITTED")
    assert harness.kinds(7) == [ReportKind.UNKNOWN, ReportKind.ACCEPTED]
    venue.control("fault", match=ALGO[dialect], mode="close_before")
    await harness.send(8, "buy", "0.01", None, **STOP)
    await harness.wait_for_state(8, "UNKNOWN")
    await harness.wait_for_state(8, "REJECTED")
    assert len(venue.books()["orders"]) == 1


async def test_a_trigger_met_before_the_first_poll(
    harness: CcxtHarness, venue: LoopbackExchange, dialect: str
) -> None:
    venue.control("fault", match=ALGO[dialect], mode="accept_then_close")
    await harness.send(7, "buy", "0.01", None, **STOP)
    await harness.wait_until(lambda: venue.books()["orders"], "arrived")
    price(venue, 60600)
    await harness.wait_for_state(7, "FILLED")
    assert harness.kinds(7).count(ReportKind.EXECUTION) == 1
    assert not external_reports(harness)


async def test_a_restart_finds_the_order_placed_meanwhile(
    new_harness: Made, venue: LoopbackExchange, dialect: str
) -> None:
    price(venue, 60000)
    first = await new_harness(dialect=dialect).wait_ready()
    await first.send(7, "buy", "0.01", None, **STOP)
    await first.send(8, "buy", "0.01", "60400", **RESTS)
    for order_id in (7, 8):
        await first.wait_for_state(order_id, "SUBMITTED")
    await first.exchange.close()
    price(venue, 60600)

    second = new_harness(dialect=dialect, orders=first.orders, attempts=first.attempts)
    await second.wait_for_state(7, "FILLED")
    await second.wait_until(lambda: ReportKind.TRIGGERED in second.kinds(8), "triggered")
    await second.cancel(8)
    await second.wait_for_state(8, "CANCELED")
    assert not external_reports(second)


async def test_a_cancel_follows_the_order_to_its_new_id(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    """The met trigger was not polled yet: the id that the cancel names does not wait any more."""
    await harness.send(7, "buy", "0.01", "60400", **RESTS)
    await harness.wait_for_state(7, "SUBMITTED")
    price(venue, 60600)
    await harness.cancel(7)
    await harness.wait_for_state(7, "CANCELED")
    assert [row["state"] for row in venue.books()["orders"]] == ["canceled"]
    price(venue, 60300)
    await harness.poll_uncommitted()
    assert not venue.books()["trades"]


async def test_the_placed_order_is_amended_in_place(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(7, "buy", "0.01", "60400", **RESTS)
    await harness.wait_for_state(7, "SUBMITTED")
    price(venue, 60600)
    await harness.wait_until(lambda: ReportKind.TRIGGERED in harness.kinds(7), "triggered")
    await harness.change(7, "60450", None)
    await harness.wait_until(lambda: harness.orders[7].pending_change is None, "changed")
    assert harness.orders[7].price == Decimal(60450)
    assert len(venue.books()["orders"]) == 1, "amended, not placed again"


async def test_an_external_conditional_order_ends_and_its_order_is_another(
    new_harness: Made, venue: LoopbackExchange, dialect: str
) -> None:
    price(venue, 60000)
    owner = await new_harness(dialect=dialect).wait_ready()
    await owner.send(7, "buy", "0.01", None, **STOP)
    await owner.wait_for_state(7, "SUBMITTED")
    await owner.exchange.close()
    other = await new_harness(dialect=dialect, tag="ffffffff").wait_ready()
    await other.send(9, "buy", "0.01", "10000")
    await other.wait_for_state(9, "SUBMITTED")
    other.exchange.start_snapshot(now() - timedelta(minutes=5))
    await other.wait_until(lambda: external_reports(other), "the conditional order is tracked")
    price(venue, 60600)
    await other.wait_until(
        lambda: (
            {each.kind for each in external_reports(other)}
            >= {ReportKind.CANCELED, ReportKind.EXECUTION}
        ),
        "it ended, and another was executed",
    )
    ids = {
        each.kind: each.exchange_order_id
        for each in external_reports(other)
        if each.kind in (ReportKind.CANCELED, ReportKind.EXECUTION)
    }
    assert len(set(ids.values())) == 2
