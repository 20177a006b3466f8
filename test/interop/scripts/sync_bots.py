"""Synchronous programs: bots, and the chapters of a book."""

from functools import partial
from typing import Any

from interop.scripts.registry import FUTURES, KEYS, Group, script

bot = partial(script, Group.SYNC)
chapter = partial(bot, "sharebook-kr/book-cryptocurrency-trading-with-python-ccxt")
grid = partial(bot, "sharebook-kr/crypto-grid-bot")


@chapter("ch06_binance_spot/limit_buy_order.py")
def spot_limit_buy(ccxt: Any) -> None:
    exchange = ccxt.binance(config=KEYS)
    exchange.create_limit_buy_order(symbol="XRP/USDT", amount=50, price=0.3)


@chapter("ch06_binance_spot/market_buy_order.py")
def spot_market_buy(ccxt: Any) -> None:
    exchange = ccxt.binance(config=KEYS)
    exchange.create_market_buy_order(symbol="XRP/USDT", amount=50)


@chapter("ch06_binance_spot/cancel_order.py")
def spot_cancel(ccxt: Any) -> None:
    exchange = ccxt.binance(config=KEYS)
    order = exchange.create_limit_buy_order(symbol="XRP/USDT", amount=50, price=0.3)
    exchange.cancel_order(id=order["id"], symbol="XRP/USDT")


@chapter("ch07_binance_future/limit_buy_order.py")
def futures_limit_buy(ccxt: Any) -> None:
    exchange = ccxt.binance(config=FUTURES)
    exchange.create_limit_buy_order(symbol="XRP/USDT", amount=50, price=0.3)


@chapter("ch07_binance_future/cancel_all_orders.py")
def futures_cancel_all(ccxt: Any) -> None:
    exchange = ccxt.binance(config=FUTURES)
    exchange.create_limit_buy_order(symbol="XRP/USDT", amount=50, price=0.3)
    exchange.cancel_all_orders(symbol="XRP/USDT")


@chapter("ch07_binance_future/hedge_open_short_market.py")
def hedge_open_short(ccxt: Any) -> None:
    exchange = ccxt.binance(config=FUTURES)
    params = {"positionSide": "SHORT"}
    exchange.create_market_sell_order(symbol="XRP/USDT", amount=50, params=params)


@grid("bybit/bot/main.py")
def grid_bot(ccxt: Any) -> None:
    exchange = ccxt.bybit(config=FUTURES)
    symbol, gap = "BTC/USDT", 300
    print(exchange.fetch_balance()["USDT"]["total"])
    candles = exchange.fetch_ohlcv(symbol=symbol, timeframe="15m", since=None, limit=20)
    target = round(float(candles[-1][4]), -2)
    exchange.create_market_order(symbol=symbol, side="buy", amount=0.01)
    closing = {"reduce_only": True}
    below = {"symbol": symbol, "side": "buy", "amount": 0.001}
    above = {"symbol": symbol, "side": "sell", "amount": 0.001, "params": closing}
    exchange.create_limit_order(**below, price=target - gap)
    exchange.create_limit_order(**above, price=target + gap)
    print(len(exchange.fetch_open_orders(symbol=symbol)))
    exchange.create_limit_order(**below, price=target - 2 * gap)
    exchange.create_limit_order(**above, price=target)
    exchange.cancel_all_orders(symbol=symbol)
    exchange.create_market_order(symbol=symbol, side="sell", amount=0.001, params=closing)


@grid("bybit/api-test/api_order.py")
def grid_bot_order(ccxt: Any) -> None:
    exchange = ccxt.bybit(config=FUTURES)
    exchange.create_limit_sell_order(symbol="BTC/USDT", amount=0.001, price=70000)


@grid("bybit/api-test/03_order.py")
def grid_bot_hedge_order(ccxt: Any) -> None:
    exchange = ccxt.bybit(config=FUTURES)
    params = {"positionSide": "LONG"}
    exchange.create_limit_sell_order(symbol="BTC/USDT", amount=0.001, price=69000, params=params)


@grid("binance-exchange/04.py", fails=True)
def grid_bot_of_binance(ccxt: Any) -> None:
    exchange = ccxt.binance(config=FUTURES)
    symbol, gap, amount = "BTC/USDT", 300, 0.002
    print(exchange.fetch_balance(params={"type": "future"})["USDT"]["total"])
    exchange.fetch_ohlcv(symbol=symbol, timeframe="15m", since=None, limit=20)
    bought = exchange.create_market_buy_order(symbol=symbol, amount=amount)
    # Today ccxt takes the symbol for spot, whose replies have no avgPrice: it fails with both.
    price = float(bought["info"]["avgPrice"])
    exchange.create_limit_sell_order(symbol=symbol, amount=amount, price=price + gap)
    exchange.create_limit_buy_order(symbol=symbol, amount=amount, price=price - gap)


@bot("hackingthemarkets/supertrend-crypto-bot", "supertrend.py")
def supertrend(ccxt: Any) -> None:
    exchange = ccxt.binance(KEYS)
    market, size = "BTC/USDT", 500
    exchange.fetch_ohlcv(market, "1m", limit=100)
    last = float(exchange.fetch_ticker(market)["info"]["lastPrice"])
    bought = exchange.create_market_buy_order(market, size / last)
    print(float(bought["cost"]))
    exchange.create_market_sell_order(market, exchange.fetch_balance()["BTC"]["free"] / 1000)


@bot(
    "robswc/tradingview-webhooks-bot",
    "src/components/actions/community_created_actions/crypto/binance_spot.py",
    fails=True,
    places_orders=False,
)
def webhook_action(ccxt: Any) -> None:
    exchange = ccxt.binance({**KEYS, "rateLimit": 2000, "id": "binance"})
    symbol, price = "BTCUSDT", 60000
    amount = exchange.fetch_balance()["free"][symbol[-4:]] / price
    exchange.load_markets()
    formatted = exchange.amount_to_precision(symbol, amount)
    exchange.create_market_order(symbol, "buy", quoteOrderQty=formatted)


@bot(
    "URPRO2/PHL-1253_2",
    "program/1_初窥门径/数字货币量化投资概览/7_Python一行代码自动交易数字货币.py",
)
def order_and_cancel(ccxt: Any) -> None:
    exchange = ccxt.binance(KEYS)
    exchange.fetch_balance()
    order = exchange.create_limit_sell_order("BTC/USDT", 0.01, 73000)
    exchange.cancel_order(id=order["id"], symbol="BTC/USDT")


@bot("jianwang0212/napoli_gang", "reference.py")
def reference(ccxt: Any) -> None:
    exchange = ccxt.binance(KEYS)
    exchange.load_markets()
    exchange.fetch_order_book(exchange.symbols[0])
    exchange.fetch_trades("LTC/USDT")
    exchange.fetch_balance()
    exchange.create_market_sell_order("BTC/USDT", 1)
    exchange.create_limit_buy_order("BTC/USDT", 1, 2500.00)


@bot(
    "L0GYKAL/Python-crypto-Bot",
    "orders.py",
    differs="`NotSupported`: `type` in `params` may choose another market; ccxt drops `stopLimit`",
)
def order_with_stop_type(ccxt: Any) -> None:
    exchange = ccxt.binance(KEYS)
    params = {"stopPrice": 0.04, "type": "stopLimit"}
    exchange.create_order("ETH/BTC", "limit", "sell", 1.23, 0.039, params)
