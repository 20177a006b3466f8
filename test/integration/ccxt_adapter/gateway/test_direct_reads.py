"""ccxt reads of an account at an exchange: attributes, computations, and numbers as numbers."""

import time
from typing import Any

import ccxt

from kit.exchanges.ccxt_harness import LINEAR, SPOT
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup


async def test_attributes_computations_and_numbers(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    setup = await exchange_setup.start_account()
    venue.control("price", symbol=LINEAR, price="60000")
    await setup.send()  # the account is connected when this is answered

    async def read(func: str, *args: Any, **kwargs: Any) -> Any:
        body = {"args": args, "kwargs": kwargs}
        answer = await setup.client("POST", f"/ccxt/{setup.account_id}/{func}", body)
        return answer.json().get("result", answer.json())

    described, real = await read("describe"), ccxt.bybit()
    assert (described["id"], described["has"]["fetchTicker"]) == ("bybit", True)
    assert await read("timeframes") == real.timeframes
    assert await read("precisionMode") == real.precisionMode
    assert (await read("has"))["createOrder"] is True
    assert await read("isUnifiedEnabled") == [False, True]
    assert LINEAR in await read("symbols")
    assert abs(await read("milliseconds") - time.time() * 1000) < 60_000
    assert await read("amount_to_precision", LINEAR, 0.0129) == "0.012"
    market = await read("market", LINEAR)
    assert market["precision"] == {**market["precision"], "amount": 0.001, "price": 0.1}
    assert market["limits"]["amount"]["min"] == 0.001
    assert (await read("markets"))[SPOT]["precision"]["price"] == 0.01

    ticker, balance = await read("fetch_ticker", LINEAR), await read("fetch_balance")
    assert (ticker["last"], ticker["bid"]) == (60000, 60000)
    assert isinstance(ticker["info"]["lastPrice"], str)
    assert isinstance(balance["USDT"]["free"], float)
    candles = await read("fetch_ohlcv", LINEAR, limit=2)
    assert all(isinstance(number, int | float) for candle in candles for number in candle)
    book = await read("fetch_order_book", LINEAR, 5)
    assert isinstance(book["bids"][0][0], float)
    orders = await read("fetch_open_orders", LINEAR)
    assert [(type(row["id"]), row["price"], row["amount"]) for row in orders] == [
        (str, 10000, 0.01)
    ]

    for func, kwargs in (("fetch_ticker", {"name": 1}), ("has", {"x": 1}), ("market", {})):
        refused = await read(func, **kwargs)
        assert refused["detail"]["code"] == "validation_error", (func, refused)
    unknown = await read("market", "NO/USDT")
    assert unknown["detail"]["code"] == "instrument_not_supported", unknown
    wrong = await read("cancel_order", "1", LINEAR, name=1)
    assert wrong["detail"]["code"] == "validation_error", wrong
