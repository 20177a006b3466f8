"""Reads of a paper account by ccxt's names: ccxt's keys, JSON numbers, no invented values."""

import json
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from kit.builders import NOON, an_order
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.account import Account, Environment, PaperSettings, PositionMode
from oms.domain.errors import Invalid
from oms.domain.quotes import Quote
from oms.ports.exchange import ExchangeStateRows

LINEAR = "ETH/USDT:USDT"


def an_exchange(source: str = "walk") -> PaperExchange:
    account = Account(
        id=1,
        exchange_id="paper.binance",
        label="paper",
        position_mode=PositionMode.NETTING,
        environment=Environment.PAPER,
        paper=PaperSettings(source=source),
    )
    return PaperExchange.restore(account, ExchangeStateRows())


async def call_read(exchange: PaperExchange, func: str, *args: object, **kwargs: object) -> Any:
    """Returns the result as JSON carries it."""
    answer = await exchange.call(func, args, kwargs, NOON)
    return json.loads(json.dumps(answer, allow_nan=False))


async def test_a_ticker_has_all_of_ccxts_keys() -> None:
    ticker = await call_read(an_exchange(), "fetch_ticker", LINEAR)
    given = {"symbol", "timestamp", "datetime", "info"}
    assert set(ticker) == given | set(ccxt.Exchange().safe_ticker({}))
    assert ticker["low"] <= ticker["bid"] < ticker["ask"]
    assert ticker["last"] <= ticker["high"]
    assert ticker["datetime"] == "2026-02-25T12:00:00.000Z"
    assert ticker["timestamp"] == 1_772_020_800_000
    assert ticker["change"] == pytest.approx(ticker["last"] - ticker["open"])


async def test_a_ticker_without_a_price_is_empty() -> None:
    exchange = an_exchange("manual")
    ticker = await call_read(exchange, "fetch_ticker", symbol=LINEAR)
    assert {key for key, value in ticker.items() if value not in (None, {})} == {
        "symbol",
        "timestamp",
        "datetime",
    }
    book = await call_read(exchange, "fetch_order_book", LINEAR)
    assert (book["bids"], book["asks"]) == ([], [])


async def test_an_order_book_has_the_requested_depth() -> None:
    exchange = an_exchange()
    book = await call_read(exchange, "fetch_order_book", LINEAR)
    assert set(book) == set(ccxt.Exchange().parse_order_book({"bids": [], "asks": []}, LINEAR))
    assert len(book["asks"]) == 10
    shallow = await call_read(exchange, "fetch_order_book", LINEAR, 2)
    deep = await call_read(exchange, "fetch_order_book", LINEAR, 50)
    assert shallow["asks"] == book["asks"][:2]
    assert deep["asks"][:10] == book["asks"]
    assert len(deep["asks"]) == len({price for price, _ in deep["asks"]}) == 50
    for limit in (0, "2", True):
        with pytest.raises(Invalid):
            await exchange.call("fetch_order_book", [LINEAR, limit], {}, NOON)


async def test_unlimited_depth_is_a_large_quantity() -> None:
    exchange = an_exchange("manual")
    exchange.set_price(
        Quote(
            symbol=LINEAR,
            bid=Decimal(99),
            ask=Decimal(100),
            bid_qty=Decimal(3),
            ask_qty=None,
            at=NOON,
        )
    )
    book = await call_read(exchange, "fetch_order_book", LINEAR)
    assert (book["bids"], book["asks"]) == ([[99.0, 3.0]], [[100.0, 1e9]])


async def test_a_balance_has_ccxts_structure() -> None:
    exchange = an_exchange()
    await exchange.place(an_order(symbol=LINEAR, qty=Decimal("0.5")), NOON)
    balance = await call_read(exchange, "fetch_balance")
    usdt = balance["USDT"]
    assert usdt["used"] > 0
    assert usdt["total"] == pytest.approx(usdt["free"] + usdt["used"])
    assert balance["free"] == {"USDT": usdt["free"]}
    assert {"info", "timestamp", "datetime", "free", "used", "total"} <= set(balance)


async def test_markets_have_all_of_ccxts_keys() -> None:
    exchange = an_exchange()
    markets = await call_read(exchange, "load_markets")
    assert list(markets.values()) == await call_read(exchange, "fetch_markets")
    known = ccxt.Exchange().safe_market_structure({})
    for symbol in ("SOL/USDT", LINEAR):
        assert set(known) <= set(markets[symbol])
        assert set(known["limits"]) == set(markets[symbol]["limits"])
    assert markets[LINEAR]["precision"]["price"] == 0.01
    assert markets[LINEAR]["linear"] is True
    assert markets["SOL/USDT"]["spot"] is True
    assert markets["SOL/USDT"]["settle"] is None


async def test_clock_and_description() -> None:
    exchange = an_exchange()
    assert await call_read(exchange, "fetch_time") == 1_772_020_800_000
    described = await call_read(exchange, "describe")
    assert described["id"] == "paper.binance"
    assert described["has"] == await call_read(exchange, "has")
    assert described["has"]["fetchTicker"] is True


async def test_unsupported_methods_are_refused() -> None:
    exchange = an_exchange()
    for func in ("create_order", "watch_ticker", "__init__", "answer"):
        with pytest.raises(Invalid) as refused:
            await exchange.call(func, [], {}, NOON)
        assert refused.value.code == "unsupported_func"
    with pytest.raises(Invalid) as refused:
        await exchange.call("fetch_ticker", ["NO/SUCH"], {}, NOON)
    assert refused.value.code == "instrument_not_supported"
    for args, kwargs in (([], {}), ([LINEAR, {}, 3], {}), ([LINEAR], {"colour": "red"})):
        with pytest.raises(Invalid) as refused:
            await exchange.call("fetch_ticker", args, kwargs, NOON)
        assert refused.value.code == "validation_error"
