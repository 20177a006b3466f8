"""Many random orders: REST data, stream data and the venue's books agree."""

import asyncio
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import ccxt
import ccxt.pro
import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from kit.polling import poll_until

LINEAR, SPOT = "BTC/USDT:USDT", "BTC/USDT"
ORDERS = 150

Row = dict[str, Any]


def random_order(rng: random.Random) -> tuple[Any, ...]:
    """Returns a random order near 60,000, of any type that the venue accepts."""
    symbol, side = rng.choice((LINEAR, SPOT)), rng.choice(("buy", "sell"))
    amount, price = rng.randrange(10, 200) / 1000, 60_000 + rng.randrange(-3000, 3000)
    params: Row = {}
    kind = rng.choice(("limit", "limit", "market"))
    match rng.randrange(8):
        case 0 if kind == "limit":
            params["timeInForce"] = rng.choice(("IOC", "FOK", "PO"))
        case 1:
            rises = rng.random() < 0.5
            params["triggerPrice"] = price
            if symbol == LINEAR:
                params["triggerDirection"] = "ascending" if rises else "descending"
        case 2 if symbol == LINEAR:
            params["reduceOnly"] = True
        case 3 if symbol == LINEAR:
            away = 500 if side == "buy" else -500
            params["takeProfit"] = {"triggerPrice": price + away}
            params["stopLoss"] = {"triggerPrice": price - away}
    return symbol, kind, side, amount, price if kind == "limit" else None, params


async def trade(pro: Any, venue: LoopbackExchange, rng: random.Random) -> None:
    """Places, changes and cancels orders while the price moves; some are rejected."""
    for number in range(ORDERS):
        symbol, kind, side, amount, price, params = random_order(rng)
        params["clientOrderId"] = f"order-{number}"
        try:
            created = await pro.create_order(symbol, kind, side, amount, price, params)
            if rng.random() < 0.2:
                await pro.edit_order(created["id"], symbol, kind, side, amount * 2, price)
            if rng.random() < 0.2:
                await pro.cancel_order(created["id"], symbol)
        except (ccxt.InvalidOrder, ccxt.InsufficientFunds, ccxt.BadRequest):
            pass  # OrderNotFound is an InvalidOrder
        if rng.random() < 0.3:
            at = str(60_000 + rng.randrange(-3000, 3000))
            for each in (LINEAR, SPOT):
                venue.control("price", symbol=each, price=at)


async def listen(pro: Any, method: str, rows: dict[str, Row]) -> None:
    """Keeps the newest row of a stream by id."""
    while True:
        for row in await getattr(pro, method)():
            rows[row["id"]] = row["info"]


async def pages(pro: Any, path: str, category: str) -> list[Row]:
    """Returns all rows of a list, read page by page."""
    rows: list[Row] = []
    cursor = ""
    while True:
        query = {"category": category, "limit": 20, "cursor": cursor}
        page = (await getattr(pro, path)(query))["result"]
        rows += page["list"]
        cursor = page["nextPageCursor"]
        if not cursor:
            return rows


@pytest.mark.parametrize("seed", [1, 2])
async def test_rest_streams_and_books_agree(venue: LoopbackExchange, seed: int) -> None:
    venue.control("deposit", currency="BTC", amount="10")
    for symbol in (LINEAR, SPOT):
        venue.control("price", symbol=symbol, price="60000")
    pro = ccxt.pro.bybit(venue.config() | {"newUpdates": True})
    pro.set_sandbox_mode(True)
    streamed: dict[str, dict[str, Row]] = {"watch_orders": {}, "watch_my_trades": {}}
    try:
        await pro.load_markets()
        listeners = [
            asyncio.create_task(listen(pro, name, rows)) for name, rows in streamed.items()
        ]

        async def topics() -> Any:
            return venue.control("streams")["streams"]

        await poll_until(topics, lambda each: each == [["execution", "order"]])
        await trade(pro, venue, random.Random(seed))
        last = await pro.create_order(LINEAR, "limit", "buy", 0.01, 10_000)
        await pro.cancel_order(last["id"], LINEAR)

        async def last_status() -> str:
            return str(streamed["watch_orders"].get(last["id"], {}).get("orderStatus"))

        await poll_until(last_status, lambda state: state == "Cancelled")
        books = venue.books()
        for listener in listeners:
            listener.cancel()
        orders = [
            row
            for path in ("private_get_v5_order_realtime", "private_get_v5_order_history")
            for category in ("spot", "linear")
            for row in await pages(pro, path, category)
        ]
        trades = [
            row
            for category in ("spot", "linear")
            for row in await pages(pro, "private_get_v5_execution_list", category)
        ]
        agree_on_orders(books, orders, streamed["watch_orders"])
        agree_on_trades(books, trades, streamed["watch_my_trades"])
        agree_on_money(books, await pro.fetch_balance(), await pro.fetch_positions())
    finally:
        await pro.close()


def agree_on_orders(books: Row, orders: list[Row], streamed: Mapping[str, Row]) -> None:
    """Checks each order once: filled quantity and status over REST, in the stream, in the books."""
    assert len(books["orders"]) > ORDERS / 2
    filled = {row["order_id"]: row["filled"] for row in books["orders"]}
    assert {row["orderId"]: row["cumExecQty"] for row in orders} == filled
    assert len(orders) == len(filled)
    assert {name: row["cumExecQty"] for name, row in streamed.items()} == filled
    states = {row["orderId"]: row["orderStatus"] for row in orders}
    assert {name: row["orderStatus"] for name, row in streamed.items()} == states


def agree_on_trades(books: Row, trades: list[Row], streamed: Mapping[str, Row]) -> None:
    """Checks each execution once: quantity, price and fee; they sum up to the orders."""
    executions = {
        row["trade_id"]: (row["order_id"], row["qty"], row["price"], row["fee"])
        for row in books["trades"]
    }
    names = ("orderId", "execQty", "execPrice", "execFee")
    assert {row["execId"]: tuple(row[name] for name in names) for row in trades} == executions
    assert {
        each: tuple(row[name] for name in names) for each, row in streamed.items()
    } == executions
    assert len(trades) == len(executions)
    filled: dict[str, Decimal] = {}
    for row in books["trades"]:
        filled[row["order_id"]] = filled.get(row["order_id"], Decimal(0)) + Decimal(row["qty"])
    for row in books["orders"]:
        assert filled.get(row["order_id"], Decimal(0)) == Decimal(row["filled"])


def agree_on_money(books: Row, balance: Row, positions: list[Row]) -> None:
    """Checks balances and positions as ccxt reads them."""
    coins = {row["coin"]: row for row in balance["info"]["result"]["list"][0]["coin"]}
    for currency, balance_row in books["balances"].items():
        row = coins[currency]
        assert row["walletBalance"] == balance_row["total"]
        used = sum(Decimal(row[name]) for name in ("locked", "totalOrderIM", "totalPositionIM"))
        assert used == Decimal(balance_row["used"])
    signs = {"Buy": 1, "Sell": -1}
    infos = {row["symbol"]: row["info"] for row in positions}
    for row in books["positions"]:
        info = infos[row["symbol"]]
        assert Decimal(info["size"]) * signs[info["side"]] == Decimal(row["qty"])
        assert info["avgPrice"] == row["entry"]
    assert len(infos) == len(books["positions"])
    qty = {LINEAR: Decimal(0)}
    for row in books["trades"]:
        sign = 1 if row["side"] == "buy" else -1
        qty[row["symbol"]] = qty.get(row["symbol"], Decimal(0)) + sign * Decimal(row["qty"])
    position_qty = sum(Decimal(row["qty"]) for row in books["positions"])
    assert position_qty == qty[LINEAR]
