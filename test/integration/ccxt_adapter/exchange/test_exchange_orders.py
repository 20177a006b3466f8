"""Orders at the loopback exchange through the real ccxt: placed, filled, changed, canceled."""

from decimal import Decimal

import pytest

from kit.exchanges.ccxt_harness import LINEAR, SPOT, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.errors import Conflict, Invalid
from oms.domain.orders.execution_report import ReportKind, ReportSource


async def test_a_limit_order_rests_is_changed_and_canceled(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    row = harness.attempts[7, 1, "place"]
    assert row.client_id.startswith("0a1b2c3d0000000000000007")
    sent = venue.control("log", match="/order/create")["log"]
    assert [each["client_id"] for each in sent] == [row.client_id]

    await harness.change(7, "10001.5", "0.02")
    await harness.wait_until(lambda: harness.orders[7].pending_change is None, "changed")
    assert (harness.orders[7].price, harness.orders[7].qty) == (Decimal("10001.5"), Decimal("0.02"))

    await harness.cancel(7)
    await harness.wait_for_state(7, "CANCELED")
    assert [row.outcome for row in harness.attempts.values()] == ["acked", "acked", "acked"]
    shown = venue.books()["orders"]
    assert [(each["state"], each["qty"]) for each in shown] == [("canceled", "0.02")]


async def test_market_orders_fill_by_their_executions(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(8, "buy", "0.01", None)
    await harness.send(9, "buy", "0.02", None, symbol=SPOT)
    await harness.wait_for_state(8, "FILLED")
    await harness.wait_for_state(9, "FILLED")
    trades = {trade["symbol"]: trade for trade in venue.books()["trades"]}
    for order_id, symbol in ((8, LINEAR), (9, SPOT)):
        fills = [r.execution for r in harness.reports if r.order_id == order_id and r.execution]
        assert len(fills) == 1, "reported once"
        executions = trades[symbol]
        assert (fills[0].qty, fills[0].price) == (
            Decimal(executions["qty"]),
            Decimal(executions["price"]),
        )
        assert fills[0].fee == Decimal(executions["fee"])
        assert fills[0].fee_currency == executions["fee_currency"]
        assert fills[0].maker is False
    assert harness.kinds(8)[0] is ReportKind.ACCEPTED
    assert {r.source for r in harness.reports if r.execution} == {ReportSource.RECONCILE}


async def test_an_open_order_is_filled_in_parts(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(7, "buy", "0.03", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    name = harness.orders[7].exchange_order_id
    venue.control("fill", order_id=name, qty="0.01")
    await harness.wait_for_state(7, "PARTIALLY_FILLED")
    venue.control("fill", order_id=name)
    await harness.wait_for_state(7, "FILLED")
    assert harness.orders[7].filled_qty == Decimal("0.03")
    assert harness.kinds(7).count(ReportKind.EXECUTION) == 2


async def test_a_rejection_has_the_exchange_s_code(harness: CcxtHarness) -> None:
    await harness.send(7, "buy", "90", "60000")
    await harness.send(8, "buy", "0.01", "99999", post_only=True)
    await harness.wait_for_state(7, "REJECTED")
    assert harness.orders[7].reject_code == "insufficient_funds"
    assert harness.attempts[7, 1, "place"].outcome == "rejected"
    await harness.wait_until(lambda: not harness.orders[8].is_open, "post-only")


async def test_an_unsupported_form_is_refused(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    trailing = {"order_type": "trailing_stop", "trailing_percent": Decimal(1)}
    await harness.send(7, "sell", "0.01", None, **trailing)
    assert [report.kind for report in harness.reports] == [ReportKind.REFUSED]
    assert harness.reports[0].code == "order_type_not_supported"
    assert not harness.attempts
    assert not venue.paths("/order/create")


async def test_an_order_canceled_before_it_was_sent_is_never_sent(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    order = await harness.send(6, "buy", "0.01", "10000")
    harness.reports += await harness.exchange.cancel(order, order.created_at)
    await harness.wait_for_state(6, "CANCELED")
    assert harness.attempts[6, 1, "place"].outcome == "not_sent"
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    assert len(venue.paths("/order/create")) == 1
    assert not venue.paths("/order/cancel")


async def test_a_cancel_that_is_too_late_reports_the_fill(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    venue.control("fill", order_id=harness.orders[7].exchange_order_id)
    await harness.cancel(7)
    await harness.wait_for_state(7, "FILLED")
    row = harness.attempts[7, 2, "cancel"]
    assert (row.outcome, row.code) == ("rejected", "order_not_found")


async def test_a_rejected_amendment_leaves_the_order_unchanged(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    await harness.change(7, None, "900")
    await harness.wait_until(lambda: harness.orders[7].pending_change is None, "refused")
    assert harness.state(7) == "SUBMITTED"
    assert harness.orders[7].qty == Decimal("0.01")
    assert harness.kinds(7)[-1] is ReportKind.REJECTED
    await harness.cancel(7)
    await harness.wait_for_state(7, "CANCELED")


async def test_requests_are_sent_after_they_are_stored(
    harness: CcxtHarness, venue: LoopbackExchange
) -> None:
    await harness.send(6, "buy", "0.01", "10000", unconfirmed=True)
    await harness.poll_uncommitted()
    assert not venue.paths("/order/create")
    harness.exchange.on_committed()
    await harness.wait_for_state(6, "SUBMITTED")


async def test_a_requested_ticker_is_kept_up_to_date(harness: CcxtHarness) -> None:
    assert harness.exchange.quote(LINEAR, now()) is None, "not requested before"
    await harness.wait_until(lambda: harness.exchange.quote(LINEAR, now()) is not None, "a price")
    quote = harness.exchange.quote(LINEAR, now())
    assert quote is not None and quote.bid < quote.ask


async def test_reads_return_ccxt_s_shape(harness: CcxtHarness) -> None:
    await harness.send(7, "buy", "0.01", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    [order] = await harness.exchange.call("fetch_open_orders", [LINEAR], {}, now())
    assert order["id"] == harness.orders[7].exchange_order_id
    with pytest.raises(Invalid, match="does not answer"):
        await harness.exchange.call("fetch_the_moon", [], {}, now())
    with pytest.raises(Conflict) as failed:
        await harness.exchange.call("fetch_open_orders", ["NO/SUCH"], {}, now())
    assert failed.value.code
