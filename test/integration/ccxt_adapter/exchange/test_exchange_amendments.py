"""Amendments by replacement: never two open orders at once, nothing lost.

Requirement 22, and what a crash in the middle leaves behind.
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
    """Rate limits high enough that no request waits."""
    venue.control("limit", per_second=1000)


@pytest.fixture
def new_replacing_harness(new_harness: Made, venue: LoopbackExchange) -> Callable[[], CcxtHarness]:
    """A harness at an exchange without native amendments."""

    def make(**more: Any) -> CcxtHarness:
        extra = dict(venue.startup["extra_config"]["bybit"])
        extra["oms"] = {**extra.get("oms", {}), "capabilities": {"edit": "none"}}
        return new_harness(extra_config=json.dumps(extra), **more)

    return make


def live(venue: LoopbackExchange) -> list[tuple[str, str, str]]:
    """Quantity, price and filled quantity of the open orders."""
    return [
        (row["qty"], row["price"], row["filled"])
        for row in venue.books()["orders"]
        if row["state"] in ("new", "partly_filled", "untriggered")
    ]


async def resting(harness: CcxtHarness, symbol: str = LINEAR, **more: Any) -> None:
    await harness.send(7, "buy", "0.03", "10000", symbol=symbol, **more)
    await harness.wait_for_state(7, "SUBMITTED")


async def wait_answered(harness: CcxtHarness) -> None:
    await harness.wait_until(lambda: harness.orders[7].pending_change is None, "answered")


def terms(harness: CcxtHarness) -> tuple[str, str, str]:
    order = harness.orders[7]
    return str(order.qty), str(order.price), order.state.value


def last_code(harness: CcxtHarness) -> str | None:
    return next(r.code for r in reversed(harness.reports) if r.kind is ReportKind.REJECTED)


async def test_one_request_replaces_and_the_order_keeps_its_ids(
    new_harness: Made, venue: LoopbackExchange
) -> None:
    harness = await new_harness(dialect="binance").wait_ready()
    await resting(harness, SPOT)
    first = harness.orders[7].exchange_order_id
    await harness.change(7, "10001", "0.04")
    await wait_answered(harness)
    assert terms(harness) == ("0.04", "10001", "SUBMITTED")
    row = harness.attempts[7, 2, "change"]
    assert (row.outcome, harness.orders[7].exchange_order_id) == ("acked", first)
    assert row.exchange_order_id not in (None, first), "its current id there"
    assert live(venue) == [("0.04", "10001", "0")]
    assert len(venue.paths("/cancelReplace")) == 1
    venue.control("fill", order_id=venue.books()["orders"][-1]["order_id"])
    await harness.wait_for_state(7, "FILLED")


@pytest.mark.parametrize("mode", ["accept_then_close", "close_before"])
async def test_a_replacement_with_unknown_outcome_is_looked_up(
    new_harness: Made, venue: LoopbackExchange, mode: str
) -> None:
    harness = await new_harness(dialect="binance", extra={"rateLimit": 2}).wait_ready()
    await resting(harness, SPOT)
    venue.control("fault", match="/cancelReplace", mode=mode)
    await harness.change(7, "10001", None)
    await wait_answered(harness)
    is_done = mode == "accept_then_close"
    assert terms(harness) == ("0.03", "10001" if is_done else "10000", "SUBMITTED")
    assert [price for _, price, _ in live(venue)] == ["10001" if is_done else "10000"]
    assert len(venue.paths("/cancelReplace")) == 1


async def test_a_fill_before_the_replacement_makes_it_two_steps(
    new_harness: Made, venue: LoopbackExchange
) -> None:
    harness = await new_harness(dialect="binance").wait_ready()
    await resting(harness, SPOT)
    venue.control("fill", order_id=venue.books()["orders"][0]["order_id"], qty="0.01")
    await harness.change(7, "10001", None)
    await wait_answered(harness)
    await harness.wait_for_state(7, "PARTIALLY_FILLED")
    assert terms(harness) == ("0.03", "10001", "PARTIALLY_FILLED")
    assert live(venue) == [("0.02", "10001", "0")]


async def test_a_half_done_replacement_cancels_and_reports_it(
    new_harness: Made, venue: LoopbackExchange
) -> None:
    harness = await new_harness(dialect="binance", extra={"rateLimit": 2}).wait_ready()
    await resting(harness, SPOT)
    await harness.change(7, None, "900")
    await harness.wait_for_state(7, "CANCELED")
    assert last_code(harness) == "create_failed"
    assert not live(venue)


@pytest.mark.parametrize("symbol", [LINEAR, SPOT])
async def test_the_order_is_canceled_and_placed_again(
    new_replacing_harness: Made, venue: LoopbackExchange, symbol: str
) -> None:
    harness = await new_replacing_harness().wait_ready()
    await resting(harness, symbol, post_only=True)
    first = harness.orders[7].exchange_order_id
    await harness.change(7, "10001", None)
    await wait_answered(harness)
    assert terms(harness) == ("0.03", "10001", "SUBMITTED")
    assert harness.orders[7].exchange_order_id == first
    assert live(venue) == [("0.03", "10001", "0")]
    kinds = [(row.kind, row.outcome) for _, row in sorted(harness.attempts.items())]
    assert kinds == [("place", "acked"), ("change", "acked"), ("place", "acked")]
    steps = [r.edit for r in harness.reports if r.edit is not None]
    assert steps == ["cancel_pending", "create_pending", "consolidated_to_self"]
    assert harness.orders[7].edit_replace_state == "consolidated_to_self"
    await harness.change(7, None, "0.05")
    await wait_answered(harness)
    assert live(venue) == [("0.05", "10001", "0")]
    await harness.cancel(7)
    await harness.wait_for_state(7, "CANCELED")
    assert not live(venue)


async def test_fills_before_the_cancel_are_not_placed_again(
    new_replacing_harness: Made, venue: LoopbackExchange
) -> None:
    harness = await new_replacing_harness().wait_ready()
    await resting(harness)
    venue.control("fill", order_id=harness.orders[7].exchange_order_id, qty="0.01")
    await harness.change(7, "10001", "0.05")
    await wait_answered(harness)
    assert live(venue) == [("0.04", "10001", "0")]
    venue.control("fill", order_id=venue.books()["orders"][-1]["order_id"])
    await harness.wait_for_state(7, "FILLED")
    assert (harness.orders[7].filled_qty, harness.orders[7].qty) == (
        Decimal("0.05"),
        Decimal("0.05"),
    )


async def test_fills_beyond_the_requested_quantity_are_too_late(
    new_replacing_harness: Made, venue: LoopbackExchange
) -> None:
    harness = await new_replacing_harness().wait_ready()
    await resting(harness)
    venue.control("fill", order_id=harness.orders[7].exchange_order_id, qty="0.02")
    await harness.change(7, None, "0.01")
    await harness.wait_for_state(7, "CANCELED")
    assert last_code(harness) == "too_late"
    assert harness.orders[7].filled_qty == Decimal("0.02")
    assert len(venue.paths("/order/create")) == 1


async def test_a_rejected_create_ends_the_order(
    new_replacing_harness: Made, venue: LoopbackExchange, caplog: pytest.LogCaptureFixture
) -> None:
    harness = await new_replacing_harness().wait_ready()
    await resting(harness)
    await harness.change(7, None, "900")
    await harness.wait_for_state(7, "CANCELED")
    assert last_code(harness) == "create_failed"
    assert harness.orders[7].edit_replace_state == "create_failed"
    assert not live(venue)
    assert [r.levelname for r in caplog.records if "order_create_failed" in r.message] == ["ERROR"]


async def test_a_remainder_too_small_to_place_is_not_canceled(
    new_replacing_harness: Made, venue: LoopbackExchange
) -> None:
    harness = await new_replacing_harness().wait_ready()
    await resting(harness)
    venue.control("fill", order_id=harness.orders[7].exchange_order_id, qty="0.02")
    await harness.wait_for_state(7, "PARTIALLY_FILLED")
    await harness.change(7, "9000", None)
    await wait_answered(harness)
    assert last_code(harness) == "exchange_rejected"
    assert live(venue) == [("0.03", "10000", "0.02")]


@pytest.mark.parametrize("mode", ["accept_then_close", "close_before"])
async def test_a_create_with_unknown_outcome_is_looked_up_and_never_resent(
    new_replacing_harness: Made, venue: LoopbackExchange, mode: str
) -> None:
    harness = await new_replacing_harness().wait_ready()
    await resting(harness)
    venue.control("fault", match="/order/create", mode=mode)
    await harness.change(7, "10001", None)
    if mode == "accept_then_close":
        await wait_answered(harness)
        assert terms(harness) == ("0.03", "10001", "SUBMITTED")
        assert live(venue) == [("0.03", "10001", "0")]
    else:
        await harness.wait_for_state(7, "CANCELED")
        assert last_code(harness) == "create_failed"
        assert not live(venue)
    assert len(venue.paths("/order/create")) == 2


async def test_a_cancel_meanwhile_ends_the_successor(
    new_replacing_harness: Made, venue: LoopbackExchange
) -> None:
    harness = await new_replacing_harness().wait_ready()
    await resting(harness)
    await harness.change(7, "10001", None)
    await harness.cancel(7)
    await harness.wait_for_state(7, "CANCELED")
    assert not live(venue)


async def test_a_restart_after_the_cancel_places_the_remainder(
    new_replacing_harness: Made, venue: LoopbackExchange
) -> None:
    harness = await new_replacing_harness().wait_ready()
    await resting(harness)
    await harness.change(7, "10001", None)
    while live(venue):  # the cancel was sent; the create is not stored, as nothing is fetched
        await harness.poll_uncommitted()
    await harness.exchange.close()
    assert (7, 3, "place") not in harness.attempts
    await harness.start().wait_ready()
    await wait_answered(harness)
    assert terms(harness) == ("0.03", "10001", "SUBMITTED")
    assert live(venue) == [("0.03", "10001", "0")]


@pytest.mark.parametrize("was_sent", [True, False])
async def test_a_restart_after_the_create_was_stored_sends_no_other(
    new_replacing_harness: Made, venue: LoopbackExchange, was_sent: bool
) -> None:
    harness = await new_replacing_harness().wait_ready()
    await resting(harness)
    if was_sent:
        venue.control("fault", match="/order/create", mode="accept_then_hang")
    await harness.change(7, "10001", None)
    while (7, 3, "place") not in harness.attempts:
        await harness.poll_uncommitted()
        harness.save_requests()
    if was_sent:
        harness.exchange.on_committed()
        while not live(venue):
            await harness.poll_uncommitted()
    await harness.exchange.close()
    assert harness.attempts[7, 3, "place"].outcome is None
    await harness.start().wait_ready()
    if was_sent:
        await wait_answered(harness)
        assert terms(harness) == ("0.03", "10001", "SUBMITTED")
        assert live(venue) == [("0.03", "10001", "0")]
    else:
        await harness.wait_for_state(7, "CANCELED")
        assert not live(venue)
    assert len(venue.paths("/order/create")) == (2 if was_sent else 1)


async def test_executions_before_and_after_belong_to_one_order(
    new_replacing_harness: Made, venue: LoopbackExchange
) -> None:
    harness = await new_replacing_harness().wait_ready()
    await resting(harness)
    venue.control("fill", order_id=harness.orders[7].exchange_order_id, qty="0.01")
    await harness.change(7, "10001", None)
    await wait_answered(harness)
    await harness.exchange.close()
    await harness.start().wait_ready()
    venue.control("fill", order_id=venue.books()["orders"][-1]["order_id"])
    await harness.wait_for_state(7, "FILLED")
    assert harness.orders[7].filled_qty == Decimal("0.03")
    traded = {trade["trade_id"] for trade in venue.books()["trades"]}
    executions = [r for r in harness.reports if r.execution is not None]
    assert {r.execution.exchange_trade_id for r in executions if r.execution} == traded
    assert {r.order_id for r in executions} == {7}


async def test_requests_about_an_order_that_never_arrived_end_with_it(
    new_harness: Made, venue: LoopbackExchange
) -> None:
    """They waited for a reply when the process ended; the placement is looked up first."""
    first = await new_harness(dialect="binance").wait_ready()
    venue.control("fault", match=f"POST {CREATE['binance']}", mode="close_before")
    await first.send(7, "buy", "0.03", "10000", symbol=SPOT)
    await first.wait_for_state(7, "UNKNOWN")
    await first.change(7, "10100", None)
    await first.cancel(7)
    await first.exchange.close()

    second = new_harness(dialect="binance", orders=first.orders, attempts=first.attempts)
    await second.wait_for_state(7, "REJECTED")
    assert second.orders[7].reject_code == "not_placed"
    assert venue.books()["orders"] == []
