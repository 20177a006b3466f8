"""A program written for ccxt only, which trades through the gateway when ccxt is patched.

See "Without changing a program" in ``ccxt_driver/README.md``. Without the patch it
connects to the real Binance, which rejects its orders because it has no key.
"""

import asyncio

import ccxt
import ccxt.pro

SYMBOL = "BTC/USDT:USDT"


def trade() -> None:
    exchange = ccxt.binance({"enableRateLimit": True, "options": {"defaultType": "swap"}})
    exchange.load_markets()
    assert exchange.has["createOrder"] and exchange.has["editOrder"]
    last = exchange.fetch_ticker(SYMBOL)["last"]
    amount = float(exchange.amount_to_precision(SYMBOL, 0.0123))
    price = float(exchange.price_to_precision(SYMBOL, last * 0.8))

    order = exchange.create_order(SYMBOL, "limit", "buy", amount, price)
    order = exchange.edit_order(order["id"], SYMBOL, "limit", "buy", amount * 2, price)
    assert order["id"] in [each["id"] for each in exchange.fetch_open_orders(SYMBOL)]
    print(f"resting: {order['amount']} at {order['price']}")
    exchange.cancel_order(order["id"], SYMBOL)
    print(f"canceled: {exchange.fetch_order(order['id'], SYMBOL)['status']}")

    levels = {
        "stopLoss": {"triggerPrice": exchange.price_to_precision(SYMBOL, last * 0.9)},
        "takeProfit": {"triggerPrice": exchange.price_to_precision(SYMBOL, last * 1.1)},
    }
    bought = exchange.create_order(SYMBOL, "market", "buy", amount, None, levels)
    attached = {each["id"] for each in exchange.fetch_open_orders(SYMBOL)}
    print(f"bought: {bought['status']}, exits attached: {len(attached)}")
    position = exchange.fetch_positions([SYMBOL])[0]
    assert position["side"] == "long" and position["contracts"] >= amount

    # One cancels the other: a take profit and a stop loss for the same contracts.
    exits = {
        "takeProfitPrice": exchange.price_to_precision(SYMBOL, last * 1.2),
        "stopLossPrice": exchange.price_to_precision(SYMBOL, last * 0.8),
        "reduceOnly": True,
    }
    pair = exchange.create_order(SYMBOL, "market", "sell", amount, None, exits)
    resting = {each["id"] for each in exchange.fetch_open_orders(SYMBOL)} - attached
    assert len(resting) == 2 and pair["id"] in resting
    exchange.cancel_order(pair["id"], SYMBOL)
    assert {each["id"] for each in exchange.fetch_open_orders(SYMBOL)} == attached
    exchange.create_order(
        SYMBOL, "market", "sell", position["contracts"], None, {"reduceOnly": True}
    )
    assert exchange.fetch_positions([SYMBOL]) == []
    print(f"exits left: {len(exchange.fetch_open_orders(SYMBOL))}")
    assert exchange.fetch_balance()["USDT"]["total"] > 0
    trades = exchange.fetch_my_trades(SYMBOL, exchange.milliseconds() - 60_000)
    print(f"trades: {[trade['side'] for trade in trades[-2:]]}")
    try:
        exchange.create_order(SYMBOL, "limit", "buy", 1_000_000, price)
    except ccxt.InsufficientFunds:
        print("insufficient funds")


async def watch() -> None:
    exchange = ccxt.pro.binance({"options": {"defaultType": "swap"}})
    try:
        await exchange.load_markets()
        last = (await exchange.fetch_ticker(SYMBOL))["last"]
        price = float(exchange.price_to_precision(SYMBOL, last * 0.8))
        watching = asyncio.create_task(exchange.watch_orders(SYMBOL))
        order = await exchange.create_order(SYMBOL, "limit", "buy", 0.01, price)
        orders = await watching
        await exchange.cancel_order(order["id"], SYMBOL)
        while not any(each["status"] == "canceled" for each in orders):
            orders = await exchange.watch_orders(SYMBOL)
        print("watched")
    finally:
        await exchange.close()


if __name__ == "__main__":
    trade()
    asyncio.run(watch())
