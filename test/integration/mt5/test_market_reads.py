"""Bars, ticks, books and symbols equal what the gateway's own reads say; pandas works on them."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mt5_driver as mt5
from kit.gateway.metatrader import BTC, COIN, KEY, MetaTraderGateway
from mt5_driver.structures import RATES_DTYPE, TICKS_DTYPE
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleRow, CandleSource
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.ports.audit_log import AuditContext
from oms.ports.market.candle_store import CandleSeries

from .conftest import Connect

HOUR = 3600
STORED_FROM = datetime(2026, 1, 5, tzinfo=UTC)


def call(gateway: MetaTraderGateway, account: str, func: str, *args: Any) -> Any:
    path = f"/ccxt/{gateway.accounts[account]}/{func}"
    return gateway.request("POST", path, {"args": list(args)})["result"]


def rows_of(candles: list[Any]) -> list[Any]:
    """Returns candles of ccxt as tuples of an array of rates; a step of BTC is 0.001."""
    return [
        (row[0] // 1000, *map(float, row[1:5]), int(Decimal(str(row[5])) * 1000), 0, int(row[5]))
        for row in candles
    ]


def test_rates_equal_the_exchange_s_candles(connect: Connect) -> None:
    gateway = connect("walk-netting")
    last = (int(time.time()) // HOUR - 1) * HOUR  # the newest hour that has ended
    candles = call(gateway, "walk-netting", "fetch_ohlcv", BTC, "1h", (last - 4 * HOUR) * 1000, 5)
    expected = np.array(rows_of(candles), dtype=RATES_DTYPE)
    at = datetime.fromtimestamp(last, UTC)
    read = mt5.copy_rates_from("BTCUSD", mt5.TIMEFRAME_H1, at, 5)
    assert read.dtype == RATES_DTYPE
    assert np.array_equal(read, expected)
    start = at - timedelta(hours=4)
    assert np.array_equal(mt5.copy_rates_range("BTCUSD", mt5.TIMEFRAME_H1, start, at), expected)
    between = mt5.copy_rates_range(
        "BTCUSD", mt5.TIMEFRAME_H1, start + timedelta(minutes=1), at - timedelta(minutes=1)
    )
    assert np.array_equal(between, expected[1:-1])
    newest = mt5.copy_rates_from_pos("BTCUSD", mt5.TIMEFRAME_H1, 0, 6)
    position = next(i for i in range(6) if newest[5 - i]["time"] == last)
    assert np.array_equal(
        mt5.copy_rates_from_pos("BTCUSD", mt5.TIMEFRAME_H1, position, 5), expected
    )


def test_longer_bars_are_made_of_candles(connect: Connect) -> None:
    connect("walk-netting")
    until = datetime(2026, 1, 8, tzinfo=UTC) - timedelta(seconds=1)
    since = until - timedelta(days=2) + timedelta(seconds=1)
    hours = pd.DataFrame(mt5.copy_rates_range("BTCUSD", mt5.TIMEFRAME_H1, since, until))
    hours.index = pd.to_datetime(hours["time"], unit="s")
    columns = {"open": "first", "high": "max", "low": "min", "close": "last"}
    for name, rule in (("H2", "2h"), ("H3", "3h"), ("H6", "6h")):
        frame = getattr(mt5, f"TIMEFRAME_{name}")
        read = pd.DataFrame(mt5.copy_rates_range("BTCUSD", frame, since, until))
        read.index = pd.to_datetime(read["time"], unit="s")
        expected = hours.resample(rule).agg(columns)
        if name == "H2":  # Others may be made of candles that sample the walk elsewhere.
            assert read[list(columns)].equals(expected[list(columns)])
        assert list(read.index) == list(expected.index)
    for frame, day in ((mt5.TIMEFRAME_W1, 6), (mt5.TIMEFRAME_MN1, None)):
        bars = mt5.copy_rates_from("BTCUSD", frame, until, 3)
        days = [datetime.fromtimestamp(bar["time"], UTC) for bar in bars]
        assert len(days) == 3
        assert all(each.weekday() == day if day else each.day == 1 for each in days)


def test_more_bars_than_a_page(connect: Connect) -> None:
    connect("walk-netting")
    bars = mt5.copy_rates_from_pos("BTCUSD", mt5.TIMEFRAME_M1, 0, 1201)
    assert len(bars) == 1201
    assert set(np.diff(bars["time"])) == {60}


def test_stored_candles_where_the_exchange_has_none(connect: Connect) -> None:
    gateway = connect("netting")
    gateway.thread.wait(_store_hours(gateway))
    since, until = STORED_FROM, STORED_FROM + timedelta(hours=47)
    hours = mt5.copy_rates_range(COIN, mt5.TIMEFRAME_H1, since, until)
    path = f"/market/candles?exchange=binance&symbol={COIN}&timeframe=1h"
    items = gateway.request("GET", path)["items"]
    assert [bar["close"] for bar in hours] == [float(item["close"]) for item in items]
    assert [bar["time"] for bar in hours] == [
        datetime.fromisoformat(item["time"]).timestamp() for item in items
    ]
    days = mt5.copy_rates_range(COIN, mt5.TIMEFRAME_D1, since, until)
    assert [(bar["open"], bar["close"]) for bar in days] == [(100, 124), (124, 148)]
    assert [tuple(bar) for bar in mt5.copy_rates_from(COIN, mt5.TIMEFRAME_D1, until, 1)] == [
        tuple(days[-1])
    ]


async def _store_hours(gateway: MetaTraderGateway) -> None:
    store = gateway.gateway.store
    instrument = await store.instruments.add(
        MarketInstrument(id=0, exchange="binance", symbol=COIN, base="BTC", quote="USDT"),
        AuditContext(actor="test", at=STORED_FROM),
    )
    rows = []
    for hour in range(48):
        price = Decimal(100 + hour)
        candle = Candle(
            open_time=STORED_FROM + timedelta(hours=hour),
            open=price,
            high=price + 2,
            low=price - 1,
            close=price + 1,
            volume=Decimal("2.5"),
        )
        source = CandleSource.EXCHANGE
        rows.append(CandleRow(candle=candle, is_closed=True, source=source, updated_at=STORED_FROM))
    series = CandleSeries(instrument_id=instrument.id, timeframe=Timeframe.HOUR)
    await store.candles.upsert(series, rows)


def test_ticks_equal_the_exchange_s_trades(connect: Connect) -> None:
    gateway = connect("walk-netting")
    since = int(time.time()) - 300
    trades = call(gateway, "walk-netting", "fetch_trades", BTC, since * 1000, 50)
    read = mt5.copy_ticks_from("BTCUSD", since, 50, mt5.COPY_TICKS_ALL)
    assert read.dtype == TICKS_DTYPE
    assert [(tick["time_msc"], tick["last"], tick["volume_real"]) for tick in read] == [
        (trade["timestamp"], trade["price"], trade["amount"]) for trade in trades
    ]
    bought = [bool(tick["flags"] & mt5.TICK_FLAG_BUY) for tick in read]
    assert bought == [trade["side"] == "buy" for trade in trades]
    minutes = mt5.copy_ticks_range("BTCUSD", since, since + 120, mt5.COPY_TICKS_TRADE)
    assert len(minutes) == 1201 and set(np.diff(minutes["time_msc"])) == {100}
    assert len(mt5.copy_ticks_from("BTCUSD", since, 50, mt5.COPY_TICKS_INFO)) == 0


def test_books_and_symbols(connect: Connect) -> None:
    gateway = connect("netting")
    assert mt5.market_book_get("BTCUSD") is None
    assert mt5.market_book_add("BTCUSD")
    book = mt5.market_book_get("BTCUSD")
    levels = call(gateway, "netting", "fetch_order_book", BTC, 20)
    asks = [(1, *map(float, level)) for level in reversed(levels["asks"])]
    bids = [(2, *map(float, level)) for level in levels["bids"]]
    assert [(row.type, row.price, row.volume_dbl) for row in book] == asks + bids
    assert mt5.market_book_release("BTCUSD")
    markets = call(gateway, "netting", "fetch_markets")
    assert mt5.symbols_total() == len(markets)
    info = mt5.symbol_info("EURUSD")
    assert (info.trade_contract_size, info.volume_step, info.digits) == (1000.0, 0.0001, 4)
    ticker = call(gateway, "netting", "fetch_ticker", BTC)
    assert mt5.symbol_info("BTCUSD").bid == float(ticker["bid"])
    names = {info.name for info in mt5.symbols_get("*USD*,!*USDT*")}
    assert {"BTCUSD", "EURUSD", "ETHUSD", "BTC/USDC"} <= names
    assert not any("USDT" in name for name in names)
    assert mt5.symbol_select("BTCUSD", False) and not mt5.symbol_info("BTCUSD").visible
    assert mt5.symbol_select("BTCUSD") and mt5.symbol_info("BTCUSD").visible
    assert not mt5.symbol_select("XAUUSD")
    assert mt5.last_error()[0] == mt5.RES_E_NOT_FOUND


def test_the_account_equals_the_portfolio(connect: Connect) -> None:
    gateway = connect("hedge")
    mt5.Buy("BTCUSD", 0.5)
    gateway.set_price("hedge", "50100")
    item = gateway.request("GET", f"/portfolio?account_ids={gateway.accounts['hedge']}")["items"][0]
    info = mt5.account_info()
    assert (info.balance, info.equity) == (float(item["cash"]), float(item["equity"]))
    assert (info.profit, info.currency, info.leverage) == (50.0, "USDT", 10)
    assert info.margin == float(item["balances"][0]["used"])
    assert info.margin_free == pytest.approx(info.equity - info.margin)
    assert info.margin_mode == mt5.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING
    assert (info.login, info.trade_mode) == (gateway.accounts["hedge"], 0)
    assert mt5.order_calc_margin(0, "BTCUSD", 0.1, 50000.0) == 500.0
    assert mt5.order_calc_profit(1, "BTCUSD", 0.1, 50000.0, 49000.0) == 100.0
    checked = mt5.order_check({"action": 1, "symbol": "BTCUSD", "volume": 0.1, "type": 0})
    assert (checked.retcode, checked.comment) == (0, "Done")
    assert checked.margin == pytest.approx(info.margin + 501.0)
    worse = mt5.order_check({"action": 1, "symbol": "BTCUSD", "volume": 0.1, "sl": 60000.0})
    assert worse.retcode == mt5.TRADE_RETCODE_INVALID_STOPS


def test_pandas_as_in_the_package_s_documentation(connect: Connect) -> None:
    connect("walk-hedge")
    mt5.Buy("BTCUSD", 0.02)
    bars = pd.DataFrame(mt5.copy_rates_from_pos("BTCUSD", mt5.TIMEFRAME_M5, 0, 20))
    bars["time"] = pd.to_datetime(bars["time"], unit="s")
    assert bars["time"].is_monotonic_increasing and len(bars["close"].rolling(5).mean()) == 20
    assert (bars["high"] >= bars["low"]).all()
    for rows in (mt5.positions_get(), mt5.history_deals_get(0, time.time() + 60)):
        table = pd.DataFrame(list(rows), columns=rows[0]._asdict().keys())
        table["time"] = pd.to_datetime(table["time"], unit="s")
        assert list(table.columns) == list(rows[0]._fields)
        assert table["volume"].dtype == float and table["ticket"].dtype == np.int64
    table.drop(["time_msc", "external_id"], axis=1)
    quotes = pd.DataFrame(mt5.copy_ticks_from("BTCUSD", time.time() - 60, 20, mt5.COPY_TICKS_ALL))
    assert (pd.to_datetime(quotes["time_msc"], unit="ms").dt.second < 60).all()
    account = pd.DataFrame(list(mt5.account_info()._asdict().items()), columns=["name", "value"])
    assert set(account["name"]) == set(mt5.AccountInfo._fields)


def test_the_environment_may_name_no_account(running: MetaTraderGateway) -> None:
    assert mt5.initialize(login=10**6, password=KEY, server=running.base_url) is False
    assert mt5.last_error()[0] == mt5.RES_E_AUTH_FAILED
    assert mt5.initialize(password=KEY, server=running.base_url) is False
    assert mt5.last_error() == (-2, 'Invalid "login" argument: the key reads 7 accounts, name one')
    wrong = "oms_a-key-that-does-not-exist"
    assert mt5.initialize(login=1, password=wrong, server=running.base_url) is False
    assert mt5.last_error()[0] == mt5.RES_E_AUTH_FAILED
    assert mt5.initialize(login=1, password=KEY, server=running.base_url)
    assert mt5.login(10**6) is False
    assert mt5.account_info().login == 1
    assert mt5.login(running.accounts["hedge"])
    assert mt5.account_info().login == running.accounts["hedge"]
