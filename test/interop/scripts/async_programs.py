"""Asynchronous programs, most of them ccxt's own examples."""

import asyncio
from functools import partial
from typing import Any

from interop.scripts.registry import KEYS, Group, script

program = partial(script, Group.ASYNC)
example = partial(program, "ccxt/ccxt")


@example("examples/py/create-orders-example.py")
async def create_orders(ccxt: Any) -> None:
    exchange = ccxt.binance(KEYS)
    exchange.set_sandbox_mode(True)
    await exchange.load_markets()
    exchange.verbose = False
    limit = {"symbol": "LTC/USDT:USDT", "type": "limit", "side": "buy", "amount": 10, "price": 55}
    market = {"symbol": "ETH/USDT:USDT", "type": "market", "side": "buy", "amount": 0.5}
    await exchange.create_orders([limit, market])
    await exchange.close()


@example(
    "examples/py/bybit-updated.py",
    differs="`reduce_only` in `params` is reduce-only here; ccxt sends a name that Bybit ignores",
)
async def bybit_updated(ccxt: Any) -> None:
    exchange = ccxt.bybit(KEYS)
    await exchange.load_markets()
    await exchange.fetch_balance()
    order = await exchange.create_order("LTC/USDT", "limit", "buy", 0.1, 50)
    await exchange.cancel_order(order["id"], "LTC/USDT")
    await exchange.fetch_closed_orders("LTC/USDT")
    exchange.options["defaultType"] = "swap"
    await exchange.load_markets()
    await exchange.fetch_balance()
    symbol, closing = "LTC/USDT:USDT", {"reduce_only": True}
    await exchange.create_order(symbol, "market", "buy", 0.3, None)
    await exchange.fetch_positions([symbol])
    await exchange.createOrder(symbol, "market", "sell", 0.3, None, closing)
    await exchange.close()


@example(
    "examples/py/async-binance-create-margin-order.py",
    differs="`NotSupported`: margin orders are not sent; the loopback exchange has none either",
    fails=True,
    places_orders=False,
)
async def margin_order(ccxt: Any) -> None:
    # The program prints every exception and ends; here it is raised, for the comparison.
    exchange = ccxt.binance({**KEYS, "enableRateLimit": True})
    await exchange.create_order("BTC/USDT", "limit", "buy", 1, 9000, {"type": "margin"})
    await exchange.close()


@example("examples/py/create-order-position-with-takeprofit-stoploss.py")
async def position_with_exits(ccxt: Any) -> None:
    exchange = ccxt.bybit({**KEYS, "password": "YOUR_API_PASSWORD"})
    symbol = "DOGE/USDT:USDT"
    await exchange.load_markets()
    market = exchange.market(symbol)
    ticker = await exchange.fetch_ticker(symbol)
    price = ticker["bid"] * 0.95
    stop, profit = price * 0.98, price * 1.02
    params = {
        "stopLoss": {"triggerPrice": stop, "price": stop * 0.98},
        "takeProfit": {"triggerPrice": profit, "price": profit * 0.98},
    }
    print(market["contractSize"], exchange.price_to_precision(symbol, price))
    try:
        await exchange.create_order(symbol, "limit", "buy", 100, price, params)
        await exchange.fetch_open_orders(symbol)
    except Exception as error:  # noqa: BLE001
        print(error)
    await exchange.close()


@example("examples/py/async-binance-create-trailing-percent-order.py")
async def trailing_percent(ccxt: Any) -> None:
    exchange = ccxt.binanceusdm(KEYS)
    await exchange.create_order("BTC/USDT:USDT", "market", "buy", 0.1)
    params = {"trailingPercent": 5, "reduceOnly": True}
    await exchange.create_order("BTC/USDT:USDT", "market", "sell", 0.1, None, params)
    await exchange.close()


@example("examples/py/async-bitget-perpetual-futures-swaps.py")
async def perpetual_swaps(ccxt: Any) -> None:
    config = {**KEYS, "password": "YOUR_API_PASSWORD", "options": {"defaultType": "swap"}}
    exchange = ccxt.bybit(config)
    await exchange.load_markets()
    print((await exchange.fetch_balance())["total"])
    await exchange.create_order("ETH/USDT:USDT", "limit", "buy", 1, 3000)
    await exchange.create_order("ETH/USDT:USDT", "market", "sell", 1)
    await exchange.close()


@example("examples/py/async-bitstamp-create-order-cancel-order.py")
async def create_and_cancel(ccxt: Any) -> None:
    exchange = ccxt.binance({**KEYS, "uid": "YOUR_UID"})
    await exchange.load_markets()
    balance = await exchange.fetch_balance()
    market = exchange.market("BTC/USDT")
    print(balance[market["base"]], balance[market["quote"]])
    order = await exchange.create_order("BTC/USDT", "limit", "sell", 0.001, 70000)
    await exchange.cancel_order(order["id"], order["symbol"])
    await exchange.close()


@example("examples/py/async-bitstamp-create-limit-buy-order.py")
async def limit_buy(ccxt: Any) -> None:
    exchange = ccxt.binance({**KEYS, "uid": "YOUR_UID"})
    await exchange.load_markets()
    await exchange.create_limit_buy_order("BTC/USDT", 0.001, 40000)
    await exchange.close()


@example("examples/bots/py/spot-arbitrage-bot.py", sends_at_once=True)
async def arbitrage_bot(ccxt: Any) -> None:
    exchanges = [ccxt.bybit({**KEYS, "options": {"defaultType": "spot"}}), ccxt.binance(KEYS)]
    symbols = ["BTC/USDT", "ETH/USDT"]
    sizes = {"BTC/USDT": 0.001, "ETH/USDT": 0.01}
    for exchange in exchanges:
        if not exchange.has["fetchTickers"]:
            return
        await exchange.load_markets()
        if any(symbol not in exchange.markets for symbol in symbols):
            return
    prices = await asyncio.gather(*[exchange.fetch_tickers(symbols) for exchange in exchanges])
    for symbol in symbols:
        last = [each[symbol]["last"] for each in prices]
        low, high = exchanges[0], exchanges[1]
        fees = sizes[symbol] * min(last) * low.fees["trading"]["taker"]
        fees += sizes[symbol] * max(last) * high.fees["trading"]["taker"]
        print(symbol, (max(last) - min(last)) * sizes[symbol] - fees)
        await asyncio.gather(
            low.create_market_buy_order(symbol, sizes[symbol]),
            high.create_market_sell_order(symbol, sizes[symbol]),
        )
    for exchange in exchanges:
        await exchange.close()


@program("ccxt/woofipro-python", "build/templates/examples/async.py")
async def template(ccxt: Any) -> None:
    instance = ccxt.bybit(KEYS)
    await instance.load_markets()
    await instance.fetch_ticker("BTC/USDT:USDT")
    await instance.create_order("BTC/USDT:USDT", "limit", "buy", 1, 12345.6789)
    await instance.close()
