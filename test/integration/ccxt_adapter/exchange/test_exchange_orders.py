"""Orders at the loopback exchange by the real ccxt: placed, filled, changed, canceled."""

from decimal import Decimal

import pytest

from kit.exchanges.ccxt_harness import LINEAR, SPOT, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.errors import Conflict, Invalid
from oms.domain.orders.execution_report import ReportKind, ReportSource


async def test_a_limit_order_rests_is_changed_and_canceled(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    await desk.send(7, "buy", "0.01", "10000")
    await desk.wait_for_state(7, "SUBMITTED")
    row = desk.attempts[7, 1, "place"]
    assert row.client_id.startswith("0a1b2c3d0000000000000007")
    sent = venue.control("log", match="/order/create")["log"]
    assert [each["client_id"] for each in sent] == [row.client_id]

    await desk.change(7, "10001.5", "0.02")
    await desk.wait_until(lambda: desk.orders[7].pending_change is None, "changed")
    assert (desk.orders[7].price, desk.orders[7].qty) == (Decimal("10001.5"), Decimal("0.02"))

    await desk.cancel(7)
    await desk.wait_for_state(7, "CANCELED")
    assert [row.outcome for row in desk.attempts.values()] == ["acked", "acked", "acked"]
    shown = venue.books()["orders"]
    assert [(each["state"], each["qty"]) for each in shown] == [("canceled", "0.02")]


async def test_market_orders_fill_by_their_executions(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    await desk.send(8, "buy", "0.01", None)
    await desk.send(9, "buy", "0.02", None, symbol=SPOT)
    await desk.wait_for_state(8, "FILLED")
    await desk.wait_for_state(9, "FILLED")
    trades = {trade["symbol"]: trade for trade in venue.books()["trades"]}
    for order_id, symbol in ((8, LINEAR), (9, SPOT)):
        fills = [r.execution for r in desk.reports if r.order_id == order_id and r.execution]
        assert len(fills) == 1, "told once"
        told = trades[symbol]
        assert (fills[0].qty, fills[0].price) == (Decimal(told["qty"]), Decimal(told["price"]))
        assert fills[0].fee == Decimal(told["fee"])
        assert fills[0].fee_currency == told["fee_currency"]
        assert fills[0].maker is False
    assert desk.kinds(8)[0] is ReportKind.ACCEPTED
    assert {r.source for r in desk.reports if r.execution} == {ReportSource.RECONCILE}


async def test_a_resting_order_is_filled_in_parts(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    await desk.send(7, "buy", "0.03", "10000")
    await desk.wait_for_state(7, "SUBMITTED")
    name = desk.orders[7].exchange_order_id
    venue.control("fill", order_id=name, qty="0.01")
    await desk.wait_for_state(7, "PARTIALLY_FILLED")
    venue.control("fill", order_id=name)
    await desk.wait_for_state(7, "FILLED")
    assert desk.orders[7].filled_qty == Decimal("0.03")
    assert desk.kinds(7).count(ReportKind.EXECUTION) == 2


async def test_what_the_exchange_refuses_is_rejected_with_its_code(desk: CcxtHarness) -> None:
    await desk.send(7, "buy", "90", "60000")
    await desk.send(8, "buy", "0.01", "99999", post_only=True)
    await desk.wait_for_state(7, "REJECTED")
    assert desk.orders[7].reject_code == "insufficient_funds"
    assert desk.attempts[7, 1, "place"].outcome == "rejected"
    await desk.wait_until(lambda: not desk.orders[8].is_open, "post-only")


async def test_a_form_that_is_not_sent_is_refused_at_once(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    await desk.send(7, "sell", "0.01", "60000", time_in_force="GTD")
    assert [report.kind for report in desk.reports] == [ReportKind.REFUSED]
    assert desk.reports[0].code == "order_type_not_supported"
    assert not desk.attempts
    assert not venue.paths("/order/create")


async def test_an_order_canceled_before_it_left_never_leaves(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    order = await desk.send(6, "buy", "0.01", "10000")
    desk.reports += await desk.exchange.cancel(order, order.created_at)
    await desk.wait_for_state(6, "CANCELED")
    assert desk.attempts[6, 1, "place"].outcome == "not_sent"
    await desk.send(7, "buy", "0.01", "10000")
    await desk.wait_for_state(7, "SUBMITTED")
    assert len(venue.paths("/order/create")) == 1
    assert not venue.paths("/order/cancel")


async def test_a_cancel_that_comes_too_late_shows_the_fill(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    await desk.send(7, "buy", "0.01", "10000")
    await desk.wait_for_state(7, "SUBMITTED")
    venue.control("fill", order_id=desk.orders[7].exchange_order_id)
    await desk.cancel(7)
    await desk.wait_for_state(7, "FILLED")
    row = desk.attempts[7, 2, "cancel"]
    assert (row.outcome, row.code) == ("rejected", "order_not_found")


async def test_a_refused_change_leaves_the_order_as_it_is(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    await desk.send(7, "buy", "0.01", "10000")
    await desk.wait_for_state(7, "SUBMITTED")
    await desk.change(7, None, "900")
    await desk.wait_until(lambda: desk.orders[7].pending_change is None, "refused")
    assert desk.state(7) == "SUBMITTED"
    assert desk.orders[7].qty == Decimal("0.01")
    assert desk.kinds(7)[-1] is ReportKind.REJECTED
    await desk.cancel(7)
    await desk.wait_for_state(7, "CANCELED")


async def test_requests_leave_after_they_are_stored(
    desk: CcxtHarness, venue: LoopbackExchange
) -> None:
    await desk.send(6, "buy", "0.01", "10000", unconfirmed=True)
    await desk.poll_uncommitted()
    assert not venue.paths("/order/create")
    desk.exchange.on_committed()
    await desk.wait_for_state(6, "SUBMITTED")


async def test_prices_are_kept_once_asked_for(desk: CcxtHarness) -> None:
    assert desk.exchange.quote(LINEAR, now()) is None, "nobody has asked yet"
    await desk.wait_until(lambda: desk.exchange.quote(LINEAR, now()) is not None, "a price")
    quote = desk.exchange.quote(LINEAR, now())
    assert quote is not None and quote.bid < quote.ask


async def test_reads_come_in_ccxt_s_shape(desk: CcxtHarness) -> None:
    await desk.send(7, "buy", "0.01", "10000")
    await desk.wait_for_state(7, "SUBMITTED")
    [order] = await desk.exchange.call("fetch_open_orders", [LINEAR], {}, now())
    assert order["id"] == desk.orders[7].exchange_order_id
    with pytest.raises(Invalid, match="does not answer"):
        await desk.exchange.call("fetch_the_moon", [], {}, now())
    with pytest.raises(Conflict) as failed:
        await desk.exchange.call("fetch_open_orders", ["NO/SUCH"], {}, now())
    assert failed.value.code
