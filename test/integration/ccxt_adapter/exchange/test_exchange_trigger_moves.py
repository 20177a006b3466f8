"""Moved trigger prices: in place at Bybit, by a cancel and a new order at Binance.

A lost answer is looked up, and a restart in the middle neither loses the order nor its new trigger.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import LINEAR, SPOT, CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ReportKind
from oms.domain.orders.order_terms import NewTerms

Made = Callable[..., CcxtHarness]
#: Where a conditional order is placed at Binance, by symbol.
CREATE = {LINEAR: "POST /fapi/v1/algoOrder", SPOT: "POST /api/v3/order"}
BEFORE, MOVED = "90000", "90050"


@pytest.fixture(autouse=True)
def many_requests(venue: LoopbackExchange) -> None:
    """Rate limits high enough that no request waits."""
    venue.control("limit", per_second=1000)


@pytest.fixture(params=[LINEAR, SPOT])
def symbol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def waiting(venue: LoopbackExchange) -> list[tuple[str, str, str]]:
    """Trigger price, quantity and price of each order that waits at the exchange."""
    rows = [row for row in venue.books()["orders"] if row["state"] == "untriggered"]
    return [(row["trigger"], row["qty"], row["price"]) for row in rows]


def terms(harness: CcxtHarness) -> tuple[str, str, str, str]:
    order = harness.orders[7]
    return str(order.trigger_price), str(order.qty), str(order.price), order.state.value


async def rest(harness: CcxtHarness, symbol: str) -> None:
    stop: dict[str, Any] = {"order_type": "stop_limit", "trigger_price": Decimal(BEFORE)}
    await harness.send(7, "buy", "0.01", "90100", symbol=symbol, **stop)
    await harness.wait_for_state(7, "SUBMITTED")


async def move(harness: CcxtHarness, trigger_price: str, price: str | None = None) -> None:
    await harness.change(7, price, None, NewTerms(trigger_price=Decimal(trigger_price)))


async def wait_answered(harness: CcxtHarness) -> None:
    await harness.wait_until(lambda: harness.orders[7].pending_change is None, "answered")


def last_code(harness: CcxtHarness) -> str | None:
    return next(r.code for r in reversed(harness.reports) if r.kind is ReportKind.REJECTED)


@pytest.mark.parametrize("mode", ["accept_then_close", "close_before"])
async def test_an_amendment_with_a_lost_answer_is_looked_up(
    harness: CcxtHarness, venue: LoopbackExchange, symbol: str, mode: str
) -> None:
    await rest(harness, symbol)
    venue.control("fault", match="/order/amend", mode=mode)
    await move(harness, MOVED)
    await wait_answered(harness)
    expected = MOVED if mode == "accept_then_close" else BEFORE
    assert terms(harness) == (expected, "0.01", "90100", "SUBMITTED")
    assert waiting(venue) == [(expected, "0.01", "90100")]
    assert len(venue.paths("/order/amend")) == 1
    if expected == BEFORE:
        assert last_code(harness) == "exchange_rejected"


async def test_a_restart_before_the_answer_to_an_amendment(
    harness: CcxtHarness, venue: LoopbackExchange, symbol: str
) -> None:
    await rest(harness, symbol)
    venue.control("fault", match="/order/amend", mode="accept_then_hang")
    await move(harness, MOVED)
    while waiting(venue) != [(MOVED, "0.01", "90100")]:
        await harness.poll_uncommitted()
    await harness.exchange.close()
    assert (harness.attempts[7, 2, "change"].outcome, terms(harness)[0]) == (None, BEFORE)
    await harness.start().wait_ready()
    await wait_answered(harness)
    assert terms(harness) == (MOVED, "0.01", "90100", "SUBMITTED")
    assert len(venue.paths("/order/amend")) == 1


@pytest.mark.parametrize("dialect", ["binance", "okx"])
async def test_trigger_and_price_are_moved_together(
    new_harness: Made, venue: LoopbackExchange, symbol: str, dialect: str
) -> None:
    harness = await new_harness(dialect=dialect).wait_ready()
    await rest(harness, symbol)
    first = harness.orders[7].exchange_order_id
    await move(harness, MOVED, "90150")
    await wait_answered(harness)
    assert terms(harness) == (MOVED, "0.01", "90150", "SUBMITTED")
    assert waiting(venue) == [(MOVED, "0.01", "90150")]
    assert harness.orders[7].exchange_order_id == first


async def test_a_restart_after_the_cancel_places_the_moved_order(
    new_harness: Made, venue: LoopbackExchange, symbol: str
) -> None:
    harness = await new_harness(dialect="binance").wait_ready()
    await rest(harness, symbol)
    await move(harness, MOVED)
    while waiting(venue):  # the cancel was sent; the create is not stored, as nothing is fetched
        await harness.poll_uncommitted()
    await harness.exchange.close()
    assert (7, 3, "place") not in harness.attempts
    await harness.start().wait_ready()
    await wait_answered(harness)
    assert terms(harness) == (MOVED, "0.01", "90100", "SUBMITTED")
    assert waiting(venue) == [(MOVED, "0.01", "90100")]


@pytest.mark.parametrize("was_sent", [True, False])
async def test_a_restart_after_the_moved_order_was_stored_sends_no_other(
    new_harness: Made, venue: LoopbackExchange, symbol: str, was_sent: bool
) -> None:
    harness = await new_harness(dialect="binance").wait_ready()
    await rest(harness, symbol)
    if was_sent:
        venue.control("fault", match=CREATE[symbol], mode="accept_then_hang")
    await move(harness, MOVED)
    while (7, 3, "place") not in harness.attempts:
        await harness.poll_uncommitted()
        harness.save_requests()
    if was_sent:
        harness.exchange.on_committed()
        while not waiting(venue):
            await harness.poll_uncommitted()
    await harness.exchange.close()
    await harness.start().wait_ready()
    if was_sent:
        await wait_answered(harness)
        assert terms(harness) == (MOVED, "0.01", "90100", "SUBMITTED")
    else:
        await harness.wait_for_state(7, "CANCELED")
        assert last_code(harness) == "create_failed"
    assert waiting(venue) == ([(MOVED, "0.01", "90100")] if was_sent else [])
    placed = [each for each in venue.paths() if each == CREATE[symbol]]
    assert len(placed) == (2 if was_sent else 1)


async def test_a_later_change_keeps_the_moved_trigger_also_after_a_restart(
    new_harness: Made, venue: LoopbackExchange, symbol: str
) -> None:
    harness = await new_harness(dialect="binance").wait_ready()
    await rest(harness, symbol)
    await move(harness, MOVED)
    await wait_answered(harness)
    await harness.change(7, "90150", None)
    await wait_answered(harness)
    await harness.exchange.close()
    await harness.start().wait_ready()
    await harness.change(7, None, "0.02")
    await wait_answered(harness)
    assert terms(harness) == (MOVED, "0.02", "90150", "SUBMITTED")
    assert waiting(venue) == [(MOVED, "0.02", "90150")]


@pytest.mark.parametrize("dialect", ["binance", "bybit"])
async def test_a_trigger_that_the_market_has_reached_leaves_the_order_alone(
    new_harness: Made, venue: LoopbackExchange, dialect: str
) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    harness = await new_harness(dialect=dialect).wait_ready()
    await rest(harness, LINEAR)
    await move(harness, "59000")
    assert (last_code(harness), len(harness.attempts)) == ("exchange_rejected", 1)
    assert waiting(venue) == [(BEFORE, "0.01", "90100")]


async def test_terms_of_time_are_refused(harness: CcxtHarness, venue: LoopbackExchange) -> None:
    await rest(harness, LINEAR)
    later = harness.orders[7].created_at + timedelta(days=1)
    for moved in (NewTerms(time_in_force="IOC"), NewTerms(expires_at=later)):
        await harness.change(7, None, None, moved)
        assert (last_code(harness), len(harness.attempts)) == ("order_type_not_supported", 1)
    assert waiting(venue) == [(BEFORE, "0.01", "90100")]
