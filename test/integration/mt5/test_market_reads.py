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
MARKET_BUY = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "BTCUSD", "volume": 0.02, "type": 0}
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


def test_a_key_of_one_strategy_sees_the_wallet(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = connect("hedge")
    mt5.Buy("BTCUSD", 0.02)  # of no strategy: the key does not see it
    wallet = call(gateway, "hedge", "fetch_balance")
    only = {"restrict_to_strategies": True, "strategy_ids": [_strategy(gateway)]}
    monkeypatch.setenv("OMS_API_KEY", gateway.add_key("one-strategy", "hedge", **only))
    assert mt5.initialize(), mt5.last_error()
    info = mt5.account_info()
    assert info.balance == info.equity == float(wallet["total"]["USDT"]) > 0
    assert (info.margin, info.profit) == (float(wallet["used"]["USDT"]), 0.0)
    assert mt5.positions_get() == ()
    bought = mt5.order_send(
        {"action": 1, "symbol": "BTCUSD", "volume": 0.01, "type": 0, "magic": 8}
    )
    assert bought.retcode == mt5.TRADE_RETCODE_DONE, bought
    gateway.set_price("hedge", "50100")
    assert mt5.account_info().profit == pytest.approx(1)


def _strategy(gateway: MetaTraderGateway) -> int:
    accounts = [gateway.accounts["hedge"]]
    body = {"name": "only this", "account_ids": accounts, "client_strategy_id": 8}
    return int(gateway.request("POST", "/strategies", body)["strategy_id"])


def test_pandas_as_in_the_package_s_documentation_of_rows(connect: Connect) -> None:
    gateway = connect("walk-hedge")
    bought = mt5.order_send(MARKET_BUY)
    limit = {"action": 5, "symbol": "BTCUSD", "volume": 0.02, "type": 2, "price": 20000.0}
    assert mt5.order_send(limit).retcode == mt5.TRADE_RETCODE_DONE
    since, until = datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(minutes=1)
    reads: list[tuple[Any, list[str], list[str]]] = [
        (mt5.orders_get(group="*USD*"), ["time_setup"], ["time_done", "position_by_id", "reason"]),
        (mt5.positions_get(group="*USD*"), ["time"], ["time_update", "time_msc", "external_id"]),
        (mt5.history_orders_get(since, until), ["time_setup", "time_done"], ["type_time", "tp"]),
        (mt5.history_deals_get(since, until, group="*,!*ETH*"), ["time"], ["fee"]),
        (mt5.history_deals_get(position=bought.order), ["time"], ["external_id"]),
    ]
    for rows, times, dropped in reads:
        table = pd.DataFrame(list(rows), columns=rows[0]._asdict().keys())
        assert list(table.columns) == list(rows[0]._fields)
        assert table["ticket"].dtype == np.int64
        table.drop(dropped, axis=1, inplace=True)
        for name in times:
            table[name] = pd.to_datetime(table[name], unit="s")
            assert (table[name] <= pd.Timestamp(until).tz_localize(None)).all()
            assert (table[name] >= pd.Timestamp("2026-01-01")).all()
    for info in (mt5.account_info(), mt5.terminal_info(), mt5.symbol_info("BTCUSD")):
        table = pd.DataFrame(list(info._asdict().items()), columns=["property", "value"])
        assert list(table["property"][:-1]) == list(info._fields[:-1])
    gateway.flatten("walk-hedge")


def test_pandas_as_in_the_package_s_documentation_of_arrays(connect: Connect) -> None:
    connect("walk-hedge")
    until = datetime.now(UTC)
    since, hour = until - timedelta(minutes=1), timedelta(hours=1)
    arrays = {
        "from": mt5.copy_rates_from("BTCUSD", mt5.TIMEFRAME_M5, until, 20),
        "position": mt5.copy_rates_from_pos("BTCUSD", mt5.TIMEFRAME_M5, 0, 20),
        "range": mt5.copy_rates_range("BTCUSD", mt5.TIMEFRAME_M5, until - 2 * hour, until),
        "ticks": mt5.copy_ticks_from("BTCUSD", since, 20, mt5.COPY_TICKS_ALL),
        "ticks of a range": mt5.copy_ticks_range("BTCUSD", since, until, mt5.COPY_TICKS_TRADE),
    }
    for name, read in arrays.items():
        table = pd.DataFrame(read)
        assert list(table.columns) == list(read.dtype.names) and len(table) >= 20, name
        table["time"] = pd.to_datetime(table["time"], unit="s")
        age = pd.Timestamp(until).tz_localize(None) - table["time"]
        assert (age <= 2 * hour).all() and (age >= -timedelta(seconds=2)).all(), name
        assert table["time"].is_monotonic_increasing, name
    bars = pd.DataFrame(arrays["position"])
    assert (bars["high"] >= bars["low"]).all() and len(bars["close"].rolling(5).mean()) == 20
    assert tuple(arrays["position"][0])[4] == bars["close"][0]  # rows as the examples print them


def test_the_environment_may_name_no_account(running: MetaTraderGateway) -> None:
    assert mt5.initialize(login=10**6, password=KEY, server=running.base_url) is False
    assert mt5.last_error()[0] == mt5.RES_E_AUTH_FAILED
    assert mt5.initialize(password=KEY, server=running.base_url) is False
    assert mt5.last_error() == (-2, 'Invalid "login" argument: the key reads 11 accounts, name one')
    wrong = "oms_a-key-that-does-not-exist"
    assert mt5.initialize(login=1, password=wrong, server=running.base_url) is False
    assert mt5.last_error()[0] == mt5.RES_E_AUTH_FAILED
    assert mt5.initialize(login=1, password=KEY, server=running.base_url)
    assert mt5.login(10**6) is False
    assert mt5.account_info().login == 1
    assert mt5.login(running.accounts["hedge"])
    assert mt5.account_info().login == running.accounts["hedge"]
