"""Conditional orders that stand in a list of their own: what they place has another id.

It bears their name, so to the ledger it is one order, whatever is lost in between.
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
ALGO = "/fapi/v1/algoOrder"
STOP: dict[str, Any] = {"order_type": "stop_market", "trigger_price": Decimal(60500)}
RESTS: dict[str, Any] = {"order_type": "stop_limit", "trigger_price": Decimal(60500)}


@pytest.fixture
async def desk(new_desk: Made, venue: LoopbackExchange) -> CcxtHarness:
    price(venue, 60000)
    return await new_desk(dialect="binance").wait_ready()


def price(venue: LoopbackExchange, last: int) -> None:
    venue.control("price", symbol="BTC/USDT:USDT", price=str(last))


def strangers(desk: CcxtHarness) -> list[ExecutionReport]:
    return [report for report in desk.reports if not report.order_id]


async def test_a_lost_answer_is_looked_up_in_both_lists(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    venue.control("fault", match=ALGO, mode="accept_then_close")
    await desk.send(7, "buy", "0.01", None, **STOP)
    await desk.wait_for_state(7, "SUBMITTED")
    assert desk.kinds(7) == [ReportKind.UNKNOWN, ReportKind.ACCEPTED]
    venue.control("fault", match=ALGO, mode="close_before")
    await desk.send(8, "buy", "0.01", None, **STOP)
    await desk.wait_for_state(8, "UNKNOWN")
    await desk.wait_for_state(8, "REJECTED")
    assert len(venue.books()["orders"]) == 1


async def test_one_that_was_met_before_anybody_looked(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    venue.control("fault", match=ALGO, mode="accept_then_close")
    await desk.send(7, "buy", "0.01", None, **STOP)
    await desk.wait_until(lambda: venue.books()["orders"], "arrived")
    price(venue, 60600)
    await desk.wait_for_state(7, "FILLED")
    assert desk.kinds(7).count(ReportKind.EXECUTION) == 1
    assert not strangers(desk)


async def test_a_restart_knows_what_was_placed_meanwhile(
    new_desk: Made, venue: LoopbackExchange
) -> None:
    price(venue, 60000)
    first = await new_desk(dialect="binance").wait_ready()
    await first.send(7, "buy", "0.01", None, **STOP)
    await first.send(8, "buy", "0.01", "60400", **RESTS)
    for order_id in (7, 8):
        await first.wait_for_state(order_id, "SUBMITTED")
    await first.exchange.close()
    price(venue, 60600)

    second = new_desk(dialect="binance", orders=first.orders, attempts=first.attempts)
    await second.wait_for_state(7, "FILLED")
    await second.wait_until(lambda: ReportKind.TRIGGERED in second.kinds(8), "triggered")
    await second.cancel(8)
    await second.wait_for_state(8, "CANCELED")
    assert not strangers(second)


async def test_a_cancel_follows_the_order_to_its_new_id(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    """Nobody has seen yet that the trigger was met: the id that is named does not wait any more."""
    await desk.send(7, "buy", "0.01", "60400", **RESTS)
    await desk.wait_for_state(7, "SUBMITTED")
    price(venue, 60600)
    await desk.cancel(7)
    await desk.wait_for_state(7, "CANCELED")
    assert [row["state"] for row in venue.books()["orders"]] == ["canceled"]
    price(venue, 60300)
    await desk.poll_uncommitted()
    assert not venue.books()["trades"]


async def test_what_was_placed_is_changed_in_place(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    await desk.send(7, "buy", "0.01", "60400", **RESTS)
    await desk.wait_for_state(7, "SUBMITTED")
    price(venue, 60600)
    await desk.wait_until(lambda: ReportKind.TRIGGERED in desk.kinds(7), "triggered")
    await desk.change(7, "60450", None)
    await desk.wait_until(lambda: desk.orders[7].pending_change is None, "changed")
    assert desk.orders[7].price == Decimal(60450)
    assert len(venue.books()["orders"]) == 1, "changed, and not placed anew"


async def test_a_strangers_ends_and_what_it_placed_is_another(
    new_desk: Made, venue: LoopbackExchange
) -> None:
    price(venue, 60000)
    owner = await new_desk(dialect="binance").wait_ready()
    await owner.send(7, "buy", "0.01", None, **STOP)
    await owner.wait_for_state(7, "SUBMITTED")
    await owner.exchange.close()
    other = await new_desk(dialect="binance", tag="ffffffff").wait_ready()
    await other.send(9, "buy", "0.01", "10000")
    await other.wait_for_state(9, "SUBMITTED")
    other.exchange.start_snapshot(now() - timedelta(minutes=5))
    await other.wait_until(lambda: strangers(other), "the conditional one is known")
    price(venue, 60600)
    await other.wait_until(
        lambda: (
            {each.kind for each in strangers(other)} >= {ReportKind.CANCELED, ReportKind.EXECUTION}
        ),
        "it ended, and another was executed",
    )
    ids = {
        each.kind: each.exchange_order_id
        for each in strangers(other)
        if each.kind in (ReportKind.CANCELED, ReportKind.EXECUTION)
    }
    assert len(set(ids.values())) == 2
