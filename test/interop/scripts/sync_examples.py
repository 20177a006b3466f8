"""Synchronous programs: ccxt's own examples, and lessons of courses."""

import math
from functools import partial
from typing import Any

from interop.scripts.registry import FUTURES, KEYS, Group, script

example = partial(script, Group.SYNC, "ccxt/ccxt")
lesson = partial(script, Group.SYNC, "sharebook-kr/learningspoons-bootcamp-finance")


@example("examples/py/binance-stop-loss-take-profit.py")
def stop_loss_take_profit(ccxt: Any) -> None:
    exchange = ccxt.binanceusdm(KEYS)
    exchange.load_markets()
    exchange.create_order("BTC/USDT", "MARKET", "buy", 0.01)
    exchange.create_order("BTC/USDT", "STOP_MARKET", "sell", 0.01, None, {"stopPrice": 55000})
    take_profit = {"stopPrice": 65000}
    exchange.create_order("BTC/USDT", "TAKE_PROFIT_MARKET", "sell", 0.01, None, take_profit)


@example("examples/py/binance-conditional-orders.py")
def conditional_orders(ccxt: Any) -> None:
    exchange = ccxt.binanceusdm(KEYS)
    exchange.load_markets()
    entry = exchange.create_order("ETH/USDT", "market", "buy", 10)
    price = entry["price"]
    if price is None:
        price = entry["average"]
    if price is None:
        price = float(entry["info"]["cumQuote"]) / float(entry["info"]["executedQty"])
    stop, profit = {"stopPrice": price * 0.9}, {"stopPrice": price * 1.6}
    exchange.create_order("ETH/USDT", "stop_market", "sell", 10, None, stop)
    exchange.create_order("ETH/USDT", "take_profit_market", "sell", 10, None, profit)


@example("examples/py/advanced-trading-bot/trading_bot.py")
def advanced_trading_bot(ccxt: Any) -> None:
    exchange = getattr(ccxt, "binance")({**KEYS, "enableRateLimit": True})  # noqa: B009
    symbol, dollars = "BTC/USDT", 10
    try:
        exchange.load_markets()
        if symbol not in exchange.markets:
            return
        price = exchange.fetch_ticker(symbol)["last"] * (1 - 0.1 / 100)
        amount = dollars / price
        free = exchange.fetch_balance().get(symbol.split("/")[1], {}).get("free", 0)
        if free < dollars:
            return
        order = exchange.create_order(symbol, "limit", "buy", amount, price)
        print(exchange.fetch_order(order["id"], symbol)["status"])
    except ccxt.NetworkError as error:
        print(f"network: {error}")
    except ccxt.ExchangeError as error:
        print(f"exchange: {error}")


@example("examples/bots/py/binance-spot-scalping-bot.py")
def scalping_bot(ccxt: Any) -> None:
    exchange = ccxt.binance(KEYS)
    symbol, margin = "BTC/USDT", 1.003
    fees = exchange.fetch_trading_fee(symbol=symbol)
    assert margin >= 1 / (1 - fees["taker"]) / (1 - fees["maker"])
    market = exchange.load_markets()[symbol]
    least_cost = market["limits"]["cost"]["min"]
    least_amount = market["limits"]["amount"]["min"]
    price = exchange.fetch_ticker(symbol)["last"]
    amount = math.ceil(least_cost / price / least_amount) * least_amount
    try:
        bought = exchange.create_order(symbol=symbol, type="market", side="buy", amount=amount)
        print(bought["filled"], bought["price"], bought["cost"], market["quote"])
        exchange.create_order(
            symbol=symbol, type="limit", side="sell", amount=amount, price=bought["price"] * margin
        )
    except ccxt.errors.InsufficientFunds:
        print("no funds")


@example("examples/py/bybit-conditional-orders.py")
def bybit_conditional_orders(ccxt: Any) -> None:
    exchange = ccxt.bybit(KEYS)
    exchange.load_markets()
    params = {"stop_px": 9750, "base_price": 11152}
    exchange.create_order("BTC/USDT:USDT", "market", "buy", 0.911, None, params)


@lesson("python-binance/unit08/04.py")
def limit_sell_on_spot(ccxt: Any) -> None:
    binance = ccxt.binance(config={**KEYS, "enableRateLimit": True})
    binance.create_limit_sell_order(symbol="BTC/USDT", amount=0.000999, price=67300)


@lesson("python-binance/unit10/01.py")
def limit_buy_of_futures(ccxt: Any) -> None:
    binance = ccxt.binance(config=FUTURES)
    binance.create_limit_buy_order(symbol="BTC/USDT", amount=0.01, price=50000)


@lesson("python-binance/unit10/03.py")
def market_sell_of_futures(ccxt: Any) -> None:
    binance = ccxt.binance(config=FUTURES)
    binance.create_market_sell_order(symbol="BTC/USDT", amount=0.002)


@lesson("python-binance/unit14-tpsl/01.py", fails=True)
def market_with_exits(ccxt: Any) -> None:
    binance = ccxt.binance(config=FUTURES)
    terms = {"symbol": "BTC/USDT", "amount": 0.002}
    binance.create_order(**terms, type="MARKET", side="buy")
    binance.create_order(
        **terms, type="TAKE_PROFIT_MARKET", side="sell", params={"stopPrice": 61000}
    )
    binance.create_order(**terms, type="STOP_MARKET", side="sell", params={"stopPrice": 59000})


@lesson("python-binance/unit14-tpsl/02.py", fails=True)
def limit_with_exits(ccxt: Any) -> None:
    binance = ccxt.binance(config=FUTURES)
    terms = {"symbol": "BTC/USDT", "amount": 0.002, "price": 59400}
    binance.create_order(**terms, type="LIMIT", side="buy")
    binance.create_order(**terms, type="TAKE_PROFIT", side="sell", params={"stopPrice": 61600})
    binance.create_order(**terms, type="STOP", side="sell", params={"stopPrice": 59200})


@lesson("python-binance/unit13/02.py")
def breakout(ccxt: Any) -> None:
    binance = ccxt.binance(config=FUTURES)
    symbol = "BTC/USDT"
    day = binance.fetch_ohlcv(symbol=symbol, timeframe="1d", since=None, limit=10)[0]
    gap = (day[2] - day[3]) * 0.5
    dollars = binance.fetch_balance()["total"]["USDT"]
    price = binance.fetch_ticker(symbol)["last"]
    amount = math.floor(dollars * 0.1 * 1000000 / price) / 1000000
    if price > day[1] + gap:
        binance.create_market_buy_order(symbol=symbol, amount=amount)
        binance.create_market_sell_order(symbol=symbol, amount=amount)
    elif price < day[1] - gap:
        binance.create_market_sell_order(symbol=symbol, amount=amount)
        binance.create_market_buy_order(symbol=symbol, amount=amount)
