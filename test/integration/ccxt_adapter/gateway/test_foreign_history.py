"""An account with 90 days of trading elsewhere: the first import has the exchange's own figures."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup

LINEAR, OTHER, FLAT, SPOT = "BTC/USDT:USDT", "ETH/USDT:USDT", "XRP/USDT:USDT", "SOL/USDT"
#: Days ago, symbol, side, quantity and price of what another program traded.
HISTORY = (
    (88, LINEAR, "buy", "0.1", "40000.1"),
    (70, OTHER, "sell", "2.003", "3000.37"),
    (60, LINEAR, "buy", "0.3", "44001.3"),
    (55, SPOT, "buy", "3.333", "101.07"),
    (40, LINEAR, "sell", "0.137", "50000.7"),
    (33, FLAT, "buy", "501", "2.0007"),
    (31, FLAT, "sell", "501", "2.2113"),
    (20, OTHER, "sell", "0.701", "2900.01"),
    (12, OTHER, "buy", "0.4", "2800.99"),
    (9, SPOT, "buy", "1.1", "97.77"),
    (2, LINEAR, "buy", "0.011", "61234.5"),
)


@pytest.mark.parametrize("dialect", ["binance", "bybit", "okx"])
async def test_the_figures_of_the_exchange_come_out(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, dialect: str
) -> None:
    for days, symbol, side, qty, price in HISTORY:
        venue.control("clock", offset_s=-86_400 * days)
        venue.control("price", symbol=symbol, price=price)
        venue.control("external", symbol=symbol, side=side, qty=qty)
    venue.control("clock", offset_s=0)
    exchange_setup.exchange_id = f"ccxt.{dialect}"
    config = venue.startup["extra_config"][dialect]
    await exchange_setup.start_account(**config, rateLimit=2)
    await import_history(exchange_setup)
    books = venue.books()
    booked = await deals(exchange_setup)
    assert sum_by_symbol(each for each in booked if each["type"] == "trade") == sum_fees(books)
    funding = [each for each in booked if each["type"] == "funding"]
    paid = sum_by_symbol(each | {"fee": each["pnl"], "fee_currency": "USDT"} for each in funding)
    assert paid == sum_funding(books) and paid.keys() >= {(LINEAR, "USDT"), (OTHER, "USDT")}
    held = {row["symbol"]: row for row in await positions(exchange_setup)}
    assert held.keys() == {LINEAR, OTHER, SPOT}
    for row in books["positions"]:
        position = held[row["symbol"]]
        signed = Decimal(position["qty"]) * (1 if position["side"] == "buy" else -1)
        assert signed == Decimal(row["qty"])
        key = (row["symbol"], "USDT")
        assert Decimal(position["funding"]) == paid[key]
        assert Decimal(position["fees"]["USDT"]) == sum_fees(books)[key]
        shown = Decimal(row["entry"])
        assert Decimal(position["avg_price"]).quantize(shown) == shown
    assert Decimal(held[SPOT]["qty"]) == Decimal(books["balances"]["SOL"]["total"])
    assert await exchange_setup.discrepancies() == []


async def import_history(setup: ExchangeSetup) -> None:
    today = datetime.now(UTC)
    await setup.reconcile(
        scope="period",
        start_date=(today - timedelta(days=89)).isoformat(),
        end_date=(today + timedelta(minutes=1)).isoformat(),
    )


async def deals(setup: ExchangeSetup) -> list[dict[str, Any]]:
    """All deals of the account."""
    today, found, after = datetime.now(UTC).date(), list[dict[str, Any]](), ""
    days = f"start_date={today - timedelta(days=91)}&end_date={today}"
    path = f"/oms/deals?account_ids={setup.account_id}&{days}&limit=1000"
    while True:
        fields = await setup.client.get(path + after)
        found += fields["items"]
        if not fields.get("next_cursor"):
            return found
        after = f"&cursor={fields['next_cursor']}"


async def positions(setup: ExchangeSetup) -> list[dict[str, Any]]:
    path = f"/oms/positions/open?account_ids={setup.account_id}"
    rows: list[dict[str, Any]] = (await setup.client.get(path))["items"]
    return rows


def sum_by_symbol(rows: Iterable[dict[str, Any]]) -> dict[tuple[str, str], Decimal]:
    """The sums of ``fee`` by symbol and currency."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["symbol"], row["fee_currency"]] += Decimal(row["fee"])
    return dict(sums)


def sum_fees(books: dict[str, Any]) -> dict[tuple[str, str], Decimal]:
    return sum_by_symbol(each for each in books["trades"] if each["kind"] == "trade")


def sum_funding(books: dict[str, Any]) -> dict[tuple[str, str], Decimal]:
    """What was received: the exchange lists funding as a fee."""
    paid = sum_by_symbol(each for each in books["trades"] if each["kind"] == "funding")
    return {key: -amount for key, amount in paid.items()}
