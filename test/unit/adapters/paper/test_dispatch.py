"""What a ccxt client reads from a paper account: ccxt's keys, JSON numbers, nothing invented."""

import json
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from kit.builders import NOON, an_order
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.account import Account, Environment, PaperSettings, PositionMode
from oms.domain.errors import Invalid
from oms.ports.exchange import ExchangeStateRows, Quote

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


async def asked(exchange: PaperExchange, func: str, *args: object, **kwargs: object) -> Any:
    """The answer, as JSON would carry it."""
    answer = await exchange.call(func, args, kwargs, NOON)
    return json.loads(json.dumps(answer, allow_nan=False))


async def test_a_ticker_has_all_of_ccxts_keys() -> None:
    ticker = await asked(an_exchange(), "fetch_ticker", LINEAR)
    given = {"symbol", "timestamp", "datetime", "info"}
    assert set(ticker) == given | set(ccxt.Exchange().safe_ticker({}))
    assert ticker["low"] <= ticker["bid"] < ticker["ask"]
    assert ticker["last"] <= ticker["high"]
    assert ticker["datetime"] == "2026-02-25T12:00:00.000Z"
    assert ticker["timestamp"] == 1_772_020_800_000
    assert ticker["change"] == pytest.approx(ticker["last"] - ticker["open"])


async def test_a_ticker_without_a_price_says_nothing() -> None:
    exchange = an_exchange("manual")
    ticker = await asked(exchange, "fetch_ticker", symbol=LINEAR)
    assert {key for key, value in ticker.items() if value not in (None, {})} == {
        "symbol",
        "timestamp",
        "datetime",
    }
    book = await asked(exchange, "fetch_order_book", LINEAR)
    assert (book["bids"], book["asks"]) == ([], [])


async def test_an_order_book_is_as_deep_as_wished() -> None:
    exchange = an_exchange()
    book = await asked(exchange, "fetch_order_book", LINEAR)
    assert set(book) == set(ccxt.Exchange().parse_order_book({"bids": [], "asks": []}, LINEAR))
    assert len(book["asks"]) == 10
    shallow = await asked(exchange, "fetch_order_book", LINEAR, 2)
    deep = await asked(exchange, "fetch_order_book", LINEAR, 50)
    assert shallow["asks"] == book["asks"][:2]
    assert deep["asks"][:10] == book["asks"]
    assert len(deep["asks"]) == len({price for price, _ in deep["asks"]}) == 50
    for limit in (0, "2", True):
        with pytest.raises(Invalid):
            await exchange.call("fetch_order_book", [LINEAR, limit], {}, NOON)


async def test_a_book_without_limit_shows_a_large_number() -> None:
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
    book = await asked(exchange, "fetch_order_book", LINEAR)
    assert (book["bids"], book["asks"]) == ([[99.0, 3.0]], [[100.0, 1e9]])


async def test_a_balance_in_ccxts_shape() -> None:
    exchange = an_exchange()
    await exchange.place(an_order(symbol=LINEAR, qty=Decimal("0.5")), NOON)
    balance = await asked(exchange, "fetch_balance")
    usdt = balance["USDT"]
    assert usdt["used"] > 0
    assert usdt["total"] == pytest.approx(usdt["free"] + usdt["used"])
    assert balance["free"] == {"USDT": usdt["free"]}
    assert {"info", "timestamp", "datetime", "free", "used", "total"} <= set(balance)


async def test_markets_have_all_of_ccxts_keys() -> None:
    exchange = an_exchange()
    markets = await asked(exchange, "load_markets")
    assert list(markets.values()) == await asked(exchange, "fetch_markets")
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
    assert await asked(exchange, "fetch_time") == 1_772_020_800_000
    described = await asked(exchange, "describe")
    assert described["id"] == "paper.binance"
    assert described["has"] == await asked(exchange, "has")
    assert described["has"]["fetchTicker"] is True


async def test_what_is_not_answered() -> None:
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
