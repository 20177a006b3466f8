"""Money and orders without a command: funding, transfers, liquidation, a reset."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.paper_harness import LINEAR, SPOT, PaperHarness
from oms.domain.errors import Conflict, Invalid
from oms.domain.orders.execution_report import ChargeKind


def paid(port: PaperHarness) -> list[tuple[str, str, Decimal, str]]:
    return [
        (each.kind.value, each.charge_id, each.amount, each.currency)
        for each in port.take_charges()
    ]


async def test_funding_is_charged_when_it_is_due() -> None:
    port = PaperHarness(funding_rate=Decimal("0.001"))
    port.quote("100")
    await port.buy("2")
    assert port.exchange.needs_polling()
    assert await port.advance_time(hours=3) == []
    assert port.take_charges() == []
    assert await port.advance_time(hours=2) == []
    (charge,) = port.take_charges()
    assert (charge.kind, charge.amount, charge.currency) == (
        ChargeKind.FUNDING,
        Decimal("-0.2"),
        "USDT",
    )
    assert (charge.symbol, charge.price, charge.executed_at.hour) == (LINEAR, 100, 16)
    assert port.take_charges() == []


def test_transfers_are_charges_and_initial_balances_are_not() -> None:
    port = PaperHarness()
    assert paid(port) == []
    assert port.exchange.deposit("USDT", Decimal(5), port.now) == []
    assert port.exchange.deposit("USDT", Decimal(-3), port.now) == []
    assert paid(port) == [("balance", "m2", 5, "USDT"), ("balance", "m3", -3, "USDT")]
    with pytest.raises(Conflict):
        port.exchange.deposit("USDT", Decimal(-200_000), port.now)
    assert paid(port) == []


async def test_a_liquidation_is_an_external_order_and_insurance_pays_the_debt() -> None:
    port = PaperHarness(balances={"USDT": Decimal(1000)})
    port.quote("10000")
    await port.buy("0.9")
    await port.buy("0.1", order_type="limit", price="5000")
    summaries = port.quote("8000")
    assert summaries == ["2 canceled", "o3 accepted", "o3 execution"]
    closing = port.externals["o3"]
    assert (closing.reason, closing.side.value, closing.order_type) == (
        "liquidation",
        "sell",
        "market",
    )
    assert (float(closing.qty), closing.reduce_only, closing.parent_order_id) == (0.9, True, None)
    assert paid(port) == [("balance", "m2", 800, "USDT")]
    assert port.paper.state.balances["USDT"].total == 0


async def test_a_reset_reports_what_it_canceled_and_closed() -> None:
    port = PaperHarness()
    port.quote("100")
    port.quote("10", symbol=SPOT)
    await port.buy("2")
    await port.buy("1", symbol=SPOT)
    await port.buy("1", symbol=SPOT, order_type="limit", price="5")
    port.quote("110")
    summaries = port.ingest(await port.exchange.reset(None, port.now))
    assert summaries == ["3 canceled", "o4 accepted", "o4 execution"]
    assert (port.state(3), port.externals["o4"].reason) == ("CANCELED", "correction")
    assert paid(port) == [("balance", "m2", -1, "SOL"), ("balance", "m3", -10, "USDT")]
    assert {name: each.total for name, each in port.paper.state.balances.items()} == {
        "SOL": 0,
        "USDT": 100_000,
    }
    assert not port.exchange.needs_polling()
    await port.exchange.reset({"BTC": Decimal(2)}, port.now)
    assert paid(port) == [("balance", "m4", 2, "BTC"), ("balance", "m5", -100_000, "USDT")]
    with pytest.raises(Invalid):
        await port.exchange.reset({"BTC": Decimal(-2)}, port.now)


@pytest.mark.parametrize(
    ("sent", "is_moved"),
    [
        ({}, True),
        ({"symbol": SPOT}, False),
        ({"symbol": SPOT, "order_type": "limit", "price": "50"}, True),
        ({"params": {"sim": "timeout_before"}}, False),
    ],
)
async def test_needs_polling_while_anything_is_open(sent: dict[str, Any], is_moved: bool) -> None:
    port = PaperHarness()
    port.quote("100")
    port.quote("100", symbol=SPOT)
    assert not port.exchange.needs_polling()
    await port.buy("1", **sent)
    assert port.exchange.needs_polling() is is_moved


async def test_stale_prices_fill_nothing() -> None:
    port = PaperHarness(max_price_age=timedelta(seconds=5))
    port.quote("100")
    port.now += timedelta(seconds=6)
    assert await port.buy("1") == ["1 rejected"]
    assert port.orders[1].reject_code == "no_price"
    port.quote("100")
    assert await port.buy("1") == ["2 accepted", "2 execution"]
