"""History of an account at a venue that lists executions by symbol only (Binance)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.databases.sql import fetch_number
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.polling import poll_until

LINEAR, OTHER, SPOT, FLAT = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT", "XRP/USDT:USDT"


@pytest.fixture
def setup(exchange_setup: ExchangeSetup) -> ExchangeSetup:
    exchange_setup.exchange_id = "ccxt.binance"
    return exchange_setup


async def start(setup: ExchangeSetup) -> ExchangeSetup:
    return await setup.start_account(**setup.venue.startup["extra_config"]["binance"])


async def positions(setup: ExchangeSetup) -> dict[str, dict[str, Any]]:
    fields = await setup.client.get(f"/oms/positions/open?account_ids={setup.account_id}")
    return {row["symbol"]: row for row in fields["items"]}


def trade(venue: LoopbackExchange, symbol: str, side: str, qty: str, price: str) -> None:
    venue.control("price", symbol=symbol, price=price)
    venue.control("external", symbol=symbol, side=side, qty=qty)


async def test_a_new_account_gets_ninety_days_of_history(
    setup: ExchangeSetup, venue: LoopbackExchange, dsn: str
) -> None:
    for days, symbol, side, qty, price in (
        (88, LINEAR, "buy", "0.1", "40000"),
        (40, LINEAR, "buy", "0.3", "44000"),
        (20, FLAT, "buy", "50", "2"),
        (19, FLAT, "sell", "50", "2.2"),
    ):
        venue.control("clock", offset_s=-86_400 * days)
        trade(venue, symbol, side, qty, price)
    venue.control("clock", offset_s=0)
    await start(setup)
    today = datetime.now(UTC)
    await setup.reconcile(
        scope="period",
        start_date=(today - timedelta(days=90)).isoformat(),
        end_date=(today + timedelta(minutes=1)).isoformat(),
        symbols_hint=[FLAT],
    )
    held = await positions(setup)
    assert held.keys() == {LINEAR}
    assert (held[LINEAR]["qty"], held[LINEAR]["avg_price"]) == ("0.4", "43000")
    trades = "SELECT COUNT(*) FROM oms_deals WHERE type = 'trade' AND symbol = "
    assert [fetch_number(dsn, f"{trades}'{symbol}'") for symbol in (LINEAR, FLAT)] == [2, 2]


async def test_the_symbols_of_coins_are_read(setup: ExchangeSetup, venue: LoopbackExchange) -> None:
    venue.control("clock", offset_s=-86_400 * 2)
    trade(venue, SPOT, "buy", "3", "100")
    venue.control("clock", offset_s=0)
    await start(setup)
    await setup.reconcile(scope="long")
    held = await positions(setup)
    assert held.keys() == {SPOT}
    assert held[SPOT]["avg_price"] == "100"


async def test_what_happened_while_the_gateway_was_down_is_found(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await start(setup)
    for symbol in (LINEAR, OTHER):
        sent = await setup.send(symbol=symbol, order_type="market", price=None, qty="0.1")
        await setup.wait_for_order(sent["order_id"], "FILLED")
    await setup.gateway.stop_worker()
    venue.control("liquidate", symbol=LINEAR)
    venue.control("external", symbol=OTHER, side="buy", qty="0.2")
    venue.control("external", symbol=FLAT, side="buy", qty="40")
    await setup.restart_worker(live_allowed=False)
    await setup.reconcile()
    held = await poll_until(lambda: positions(setup), lambda rows: LINEAR not in rows, seconds=15)
    assert {symbol: row["qty"] for symbol, row in held.items()} == {OTHER: "0.3", FLAT: "40"}
    assert [row for row in await setup.discrepancies() if row["class"] == "position_differs"] == []


async def test_coins_sold_elsewhere_open_no_short(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    """Of a purchase that is too old to be read and a later one, a sale takes both."""
    venue.control("clock", offset_s=-86_400 * 30)
    trade(venue, SPOT, "buy", "2", "90")
    venue.control("clock", offset_s=-86_400)
    trade(venue, SPOT, "buy", "3", "100")
    venue.control("clock", offset_s=0)
    trade(venue, SPOT, "sell", "4.5", "110")
    await start(setup)
    await setup.reconcile(scope="long")
    assert await positions(setup) == {}
    span = "start_date=2020-01-01&end_date=2099-01-01"
    deals = await setup.client.get(f"/oms/deals?account_ids={setup.account_id}&{span}")
    sold = [row for row in deals["items"] if row["side"] == "sell"]
    assert [bool(row["position_id"]) for row in sold] == [True, False]
    assert sum(Decimal(row["qty"]) for row in sold) == Decimal("4.5")
    assert [row for row in await setup.discrepancies() if row["class"] == "position_differs"] == []
