"""Programs for ccxt.pro: ccxt's own examples, and the chapters of a book."""

import asyncio
from functools import partial
from typing import Any

from interop.scripts.registry import FUTURES, KEYS, Group, script

program = partial(script, Group.PRO)
example = partial(program, "ccxt/ccxt")
chapter = partial(program, "sharebook-kr/book-cryptocurrency-trading-with-python-ccxt")


@example("examples/ccxt.pro/py/binance-create-order-cancel-order.py")
async def create_and_cancel(ccxt: Any) -> None:
    exchange = ccxt.binance(KEYS)
    await exchange.load_markets()
    order = await exchange.create_order("ETH/BTC", "limit", "sell", 1.0, 0.060154)
    await exchange.cancel_order(order["id"], order["symbol"])
    await exchange.close()


@example("examples/ccxt.pro/py/binance-watch-orders-being-placed.py")
async def orders_being_placed(ccxt: Any) -> None:
    exchange = ccxt.binanceusdm(KEYS)
    symbol = "BTC/USDT"

    async def place() -> None:
        await exchange.sleep(5000)
        await exchange.create_limit_buy_order(symbol, 0.01, 51111)
        print(exchange.iso8601(exchange.milliseconds()))

    balance = asyncio.ensure_future(exchange.watch_balance())
    orders, _ = await asyncio.gather(exchange.watch_orders(symbol), place())
    assert orders[0]["amount"] == 0.01
    balance.cancel()
    await asyncio.gather(balance, return_exceptions=True)
    await exchange.close()


@example("examples/ccxt.pro/py/on-connected-user-hook.py")
async def connected_hook(ccxt: Any) -> None:
    tasks = []

    class MyBinance(ccxt.binance):
        def on_connected(self, client: Any, message: Any = None) -> None:
            print(client.url)
            tasks.append(asyncio.ensure_future(create_order(self)))

    async def create_order(exchange: Any) -> None:
        await exchange.create_order("BTC/USDT", "limit", "buy", 0.12345, 54.321e3, {})

    exchange = MyBinance({**KEYS, "enableRateLimit": True})
    orders = await exchange.watch_orders()
    await asyncio.gather(*tasks)
    assert len(tasks) == 1, orders
    await exchange.close()


@example("examples/ccxt.pro/py/phemex-cancel-all-orders.py")
async def cancel_all(ccxt: Any) -> None:
    exchange = ccxt.bybit(KEYS)
    await exchange.load_markets()
    await exchange.create_order("LTC/USDT", "limit", "buy", 1, 50)
    await exchange.cancel_all_orders("LTC/USDT")
    await exchange.close()


@example("examples/py/create-order-ws-example.py")
async def order_over_websocket(ccxt: Any) -> None:
    exchange = ccxt.binance(KEYS)
    exchange.set_sandbox_mode(True)
    await exchange.load_markets()
    price = 1000
    for number in range(1, 5):
        await exchange.create_order_ws("ETH/USDT", "limit", "buy", 0.01, price)
        price += number
    await exchange.close()


@chapter("ch08_binance_ws/watch_orders.py")
async def watch_orders(ccxt: Any) -> None:
    exchange = ccxt.binance(config=FUTURES)
    watching = asyncio.ensure_future(exchange.watch_orders(symbol="XRP/USDT"))
    await exchange.sleep(5000)
    await exchange.create_limit_buy_order(symbol="XRP/USDT", amount=50, price=0.3)
    assert (await watching)[0]["symbol"] == "XRP/USDT"
    await exchange.close()


@chapter("ch08_binance_ws/watch_my_trades.py")
async def watch_my_trades(ccxt: Any) -> None:
    exchange = ccxt.binance(config=FUTURES)
    watching = asyncio.ensure_future(exchange.watch_my_trades(symbol="XRP/USDT"))
    await exchange.sleep(5000)
    await exchange.create_market_buy_order(symbol="XRP/USDT", amount=50)
    assert (await watching)[0]["amount"] == 50
    await exchange.close()


@chapter("ch08_binance_ws/watch_ticker.py")
async def watch_ticker(ccxt: Any) -> None:
    exchange = ccxt.bybit(config=FUTURES)
    ticker = await exchange.watch_ticker(symbol="BTC/USDT")
    await exchange.create_limit_buy_order("BTC/USDT", 0.01, ticker["last"] * 0.9)
    await exchange.close()


@chapter("ch08_binance_ws/watch_order_book.py")
async def watch_order_book(ccxt: Any) -> None:
    exchange = ccxt.bybit(config=FUTURES)
    book = await exchange.watch_order_book(symbol="BTC/USDT")
    await exchange.create_limit_buy_order("BTC/USDT", 0.01, book["bids"][0][0] - 1000)
    await exchange.close()


@example("examples/ccxt.pro/py/binance-reload-markets.py", places_orders=False)
async def reload_markets(ccxt: Any) -> None:
    exchange = ccxt.bybit()
    await exchange.load_markets()

    async def reload() -> None:
        await exchange.sleep(60000)
        await exchange.load_markets(True)
        print(exchange.iso8601(exchange.milliseconds()))

    book, _ = await asyncio.gather(exchange.watch_order_book("BTC/USDT"), reload())
    print(book["asks"][0], book["bids"][0])
    await exchange.close()


@example("examples/ccxt.pro/py/binance-futures.py", places_orders=False)
async def futures(ccxt: Any) -> None:
    exchange = ccxt.bybit({"options": {"defaultType": "future"}})
    book = await exchange.watch_order_book("BTC/USDT")
    print(exchange.iso8601(exchange.milliseconds()), exchange.id, book["asks"][0], book["bids"][0])
    await exchange.close()


@program("ccxt/woofipro-python", "build/templates/examples/websockets.py", places_orders=False)
async def template(ccxt: Any) -> None:
    instance = ccxt.bybit({})
    await instance.load_markets()
    symbol = "BTC/USDT"
    ticker, book = await asyncio.gather(
        instance.watch_ticker(symbol), instance.watch_order_book(symbol)
    )
    print(ticker, book)
    await instance.close()


@program("mag137/WebsocketFlaskSSE", "tests/Example_watch_tickers.py", places_orders=False)
async def watch_tickers(ccxt: Any) -> None:
    exchange = ccxt.bybit({"enableRateLimit": True, "type": "future", "newUpdates": False})
    if exchange.has["watchTickers"]:
        for key, ticker in (await exchange.watch_tickers(["BTC/USDT", "ETH/USDT"])).items():
            print(key, ticker["ask"], ticker["bid"], ticker["datetime"])
    await exchange.close()
