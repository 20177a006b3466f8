"""Other terms where an order is not changed in place: never two live at once, nothing lost.

Held requirement 22, and what a crash in the middle of it leaves behind.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import LINEAR, SPOT, CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.execution_report import ReportKind

Made = Callable[..., CcxtHarness]
CREATE = {"bybit": "/order/create", "binance": "/api/v3/order"}


@pytest.fixture(autouse=True)
def many_requests(venue: LoopbackExchange) -> None:
    """The exchange lets as many pass as are sent: nobody waits for a turn."""
    venue.control("limit", per_second=1000)


@pytest.fixture
def anew(new_desk: Made, venue: LoopbackExchange) -> Callable[[], CcxtHarness]:
    """A desk at an exchange whose own way to change orders was taken away."""

    def make(**more: Any) -> CcxtHarness:
        extra = dict(venue.startup["extra_config"]["bybit"])
        extra["oms"] = {**extra.get("oms", {}), "capabilities": {"edit": "none"}}
        return new_desk(extra_config=json.dumps(extra), **more)

    return make


def live(venue: LoopbackExchange) -> list[tuple[str, str, str]]:
    """Quantity, price and what is filled of the orders that are live."""
    return [
        (row["qty"], row["price"], row["filled"])
        for row in venue.books()["orders"]
        if row["state"] in ("new", "partly_filled", "untriggered")
    ]


async def resting(desk: CcxtHarness, symbol: str = LINEAR, **more: Any) -> None:
    await desk.send(7, "buy", "0.03", "10000", symbol=symbol, **more)
    await desk.wait_for_state(7, "SUBMITTED")


async def wait_answered(desk: CcxtHarness) -> None:
    await desk.wait_until(lambda: desk.orders[7].pending_change is None, "answered")


def terms(desk: CcxtHarness) -> tuple[str, str, str]:
    order = desk.orders[7]
    return str(order.qty), str(order.price), order.state.value


def last_code(desk: CcxtHarness) -> str | None:
    return next(r.code for r in reversed(desk.reports) if r.kind is ReportKind.REJECTED)


async def test_one_request_replaces_and_the_order_keeps_its_ids(
    new_desk: Made, venue: LoopbackExchange
) -> None:
    desk = await new_desk(dialect="binance").wait_ready()
    await resting(desk, SPOT)
    first = desk.orders[7].exchange_order_id
    await desk.change(7, "10001", "0.04")
    await wait_answered(desk)
    assert terms(desk) == ("0.04", "10001", "SUBMITTED")
    row = desk.attempts[7, 2, "change"]
    assert (row.outcome, desk.orders[7].exchange_order_id) == ("acked", first)
    assert row.exchange_order_id not in (None, first), "the id it has there now"
    assert live(venue) == [("0.04", "10001", "0")]
    assert len(venue.paths("/cancelReplace")) == 1
    venue.control("fill", order_id=venue.books()["orders"][-1]["order_id"])
    await desk.wait_for_state(7, "FILLED")


@pytest.mark.parametrize("mode", ["accept_then_close", "close_before"])
async def test_a_replacement_in_doubt_is_looked_up(
    new_desk: Made, venue: LoopbackExchange, mode: str
) -> None:
    desk = await new_desk(dialect="binance", extra={"rateLimit": 2}).wait_ready()
    await resting(desk, SPOT)
    venue.control("fault", match="/cancelReplace", mode=mode)
    await desk.change(7, "10001", None)
    await wait_answered(desk)
    is_done = mode == "accept_then_close"
    assert terms(desk) == ("0.03", "10001" if is_done else "10000", "SUBMITTED")
    assert [price for _, price, _ in live(venue)] == ["10001" if is_done else "10000"]
    assert len(venue.paths("/cancelReplace")) == 1


async def test_a_fill_before_the_replacement_makes_it_two_steps(
    new_desk: Made, venue: LoopbackExchange
) -> None:
    desk = await new_desk(dialect="binance").wait_ready()
    await resting(desk, SPOT)
    venue.control("fill", order_id=venue.books()["orders"][0]["order_id"], qty="0.01")
    await desk.change(7, "10001", None)
    await wait_answered(desk)
    await desk.wait_for_state(7, "PARTIALLY_FILLED")
    assert terms(desk) == ("0.03", "10001", "PARTIALLY_FILLED")
    assert live(venue) == [("0.02", "10001", "0")]


async def test_a_replacement_by_half_cancels_and_says_so(
    new_desk: Made, venue: LoopbackExchange
) -> None:
    desk = await new_desk(dialect="binance", extra={"rateLimit": 2}).wait_ready()
    await resting(desk, SPOT)
    await desk.change(7, None, "900")
    await desk.wait_for_state(7, "CANCELED")
    assert last_code(desk) == "create_failed"
    assert not live(venue)


@pytest.mark.parametrize("symbol", [LINEAR, SPOT])
async def test_it_is_canceled_and_placed_anew(
    anew: Made, venue: LoopbackExchange, symbol: str
) -> None:
    desk = await anew().wait_ready()
    await resting(desk, symbol, post_only=True)
    first = desk.orders[7].exchange_order_id
    await desk.change(7, "10001", None)
    await wait_answered(desk)
    assert terms(desk) == ("0.03", "10001", "SUBMITTED")
    assert desk.orders[7].exchange_order_id == first
    assert live(venue) == [("0.03", "10001", "0")]
    kinds = [(row.kind, row.outcome) for _, row in sorted(desk.attempts.items())]
    assert kinds == [("place", "acked"), ("change", "acked"), ("place", "acked")]
    steps = [r.edit for r in desk.reports if r.edit is not None]
    assert steps == ["cancel_pending", "create_pending", "consolidated_to_self"]
    assert desk.orders[7].edit_replace_state == "consolidated_to_self"
    await desk.change(7, None, "0.05")
    await wait_answered(desk)
    assert live(venue) == [("0.05", "10001", "0")]
    await desk.cancel(7)
    await desk.wait_for_state(7, "CANCELED")
    assert not live(venue)


async def test_what_was_filled_before_the_cancel_is_not_placed_again(
    anew: Made, venue: LoopbackExchange
) -> None:
    desk = await anew().wait_ready()
    await resting(desk)
    venue.control("fill", order_id=desk.orders[7].exchange_order_id, qty="0.01")
    await desk.change(7, "10001", "0.05")
    await wait_answered(desk)
    assert live(venue) == [("0.04", "10001", "0")]
    venue.control("fill", order_id=venue.books()["orders"][-1]["order_id"])
    await desk.wait_for_state(7, "FILLED")
    assert (desk.orders[7].filled_qty, desk.orders[7].qty) == (Decimal("0.05"), Decimal("0.05"))


async def test_what_was_filled_beyond_the_wish_is_too_late(
    anew: Made, venue: LoopbackExchange
) -> None:
    desk = await anew().wait_ready()
    await resting(desk)
    venue.control("fill", order_id=desk.orders[7].exchange_order_id, qty="0.02")
    await desk.change(7, None, "0.01")
    await desk.wait_for_state(7, "CANCELED")
    assert last_code(desk) == "too_late"
    assert desk.orders[7].filled_qty == Decimal("0.02")
    assert len(venue.paths("/order/create")) == 1


async def test_a_create_that_is_refused_ends_the_order(
    anew: Made, venue: LoopbackExchange, caplog: pytest.LogCaptureFixture
) -> None:
    desk = await anew().wait_ready()
    await resting(desk)
    await desk.change(7, None, "900")
    await desk.wait_for_state(7, "CANCELED")
    assert last_code(desk) == "create_failed"
    assert desk.orders[7].edit_replace_state == "create_failed"
    assert not live(venue)
    assert [r.levelname for r in caplog.records if "order_create_failed" in r.message] == ["ERROR"]


async def test_a_rest_that_is_too_small_to_be_placed_is_not_canceled(
    anew: Made, venue: LoopbackExchange
) -> None:
    desk = await anew().wait_ready()
    await resting(desk)
    venue.control("fill", order_id=desk.orders[7].exchange_order_id, qty="0.02")
    await desk.wait_for_state(7, "PARTIALLY_FILLED")
    await desk.change(7, "9000", None)
    await wait_answered(desk)
    assert last_code(desk) == "exchange_rejected"
    assert live(venue) == [("0.03", "10000", "0.02")]


@pytest.mark.parametrize("mode", ["accept_then_close", "close_before"])
async def test_a_create_in_doubt_is_looked_up_and_never_sent_twice(
    anew: Made, venue: LoopbackExchange, mode: str
) -> None:
    desk = await anew().wait_ready()
    await resting(desk)
    venue.control("fault", match="/order/create", mode=mode)
    await desk.change(7, "10001", None)
    if mode == "accept_then_close":
        await wait_answered(desk)
        assert terms(desk) == ("0.03", "10001", "SUBMITTED")
        assert live(venue) == [("0.03", "10001", "0")]
    else:
        await desk.wait_for_state(7, "CANCELED")
        assert last_code(desk) == "create_failed"
        assert not live(venue)
    assert len(venue.paths("/order/create")) == 2


async def test_a_cancel_meanwhile_ends_what_takes_its_place(
    anew: Made, venue: LoopbackExchange
) -> None:
    desk = await anew().wait_ready()
    await resting(desk)
    await desk.change(7, "10001", None)
    await desk.cancel(7)
    await desk.wait_for_state(7, "CANCELED")
    assert not live(venue)


async def test_a_restart_after_the_cancel_places_what_is_left(
    anew: Made, venue: LoopbackExchange
) -> None:
    desk = await anew().wait_ready()
    await resting(desk)
    await desk.change(7, "10001", None)
    while live(venue):  # the cancel is out; the create is not stored, as nobody listens
        await desk.poll_uncommitted()
    await desk.exchange.close()
    assert (7, 3, "place") not in desk.attempts
    await desk.start().wait_ready()
    await wait_answered(desk)
    assert terms(desk) == ("0.03", "10001", "SUBMITTED")
    assert live(venue) == [("0.03", "10001", "0")]


@pytest.mark.parametrize("has_left", [True, False])
async def test_a_restart_after_the_create_was_stored_sends_no_other(
    anew: Made, venue: LoopbackExchange, has_left: bool
) -> None:
    desk = await anew().wait_ready()
    await resting(desk)
    if has_left:
        venue.control("fault", match="/order/create", mode="accept_then_hang")
    await desk.change(7, "10001", None)
    while (7, 3, "place") not in desk.attempts:
        await desk.poll_uncommitted()
        desk.save_requests()
    if has_left:
        desk.exchange.on_committed()
        while not live(venue):
            await desk.poll_uncommitted()
    await desk.exchange.close()
    assert desk.attempts[7, 3, "place"].outcome is None
    await desk.start().wait_ready()
    if has_left:
        await wait_answered(desk)
        assert terms(desk) == ("0.03", "10001", "SUBMITTED")
        assert live(venue) == [("0.03", "10001", "0")]
    else:
        await desk.wait_for_state(7, "CANCELED")
        assert not live(venue)
    assert len(venue.paths("/order/create")) == (2 if has_left else 1)


async def test_executions_before_and_after_are_one_order_s(
    anew: Made, venue: LoopbackExchange
) -> None:
    desk = await anew().wait_ready()
    await resting(desk)
    venue.control("fill", order_id=desk.orders[7].exchange_order_id, qty="0.01")
    await desk.change(7, "10001", None)
    await wait_answered(desk)
    await desk.exchange.close()
    await desk.start().wait_ready()
    venue.control("fill", order_id=venue.books()["orders"][-1]["order_id"])
    await desk.wait_for_state(7, "FILLED")
    assert desk.orders[7].filled_qty == Decimal("0.03")
    traded = {trade["trade_id"] for trade in venue.books()["trades"]}
    told = [r for r in desk.reports if r.execution is not None]
    assert {r.execution.exchange_trade_id for r in told if r.execution} == traded
    assert {r.order_id for r in told} == {7}


async def test_a_change_and_a_cancel_of_what_never_arrived_end_with_it(
    new_desk: Made, venue: LoopbackExchange
) -> None:
    """They waited for the answer when the process ended; the next one asks that first."""
    first = await new_desk(dialect="binance").wait_ready()
    venue.control("fault", match=f"POST {CREATE['binance']}", mode="close_before")
    await first.send(7, "buy", "0.03", "10000", symbol=SPOT)
    await first.wait_for_state(7, "UNKNOWN")
    await first.change(7, "10100", None)
    await first.cancel(7)
    await first.exchange.close()

    second = new_desk(dialect="binance", orders=first.orders, attempts=first.attempts)
    await second.wait_for_state(7, "REJECTED")
    assert second.orders[7].reject_code == "not_placed"
    assert venue.books()["orders"] == []
