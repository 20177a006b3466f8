"""Candles, tickers, currencies and status of a paper exchange in ccxt's structures."""

import json
from datetime import datetime, timedelta
from typing import Any

import ccxt
import pytest

from kit.builders import NOON
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.adapters.paper.unified_api.market_listings import CANDLES_MAX, TIMEFRAMES
from oms.domain.account import Account, Environment, PaperSettings, PositionMode
from oms.domain.errors import Invalid
from oms.ports.exchange import ExchangeStateRows

LINEAR = "ETH/USDT:USDT"
NOON_MS = 1_772_020_800_000
MINUTE_MS = 60_000


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


async def call_read(func: str, *args: object, now: datetime = NOON, **kwargs: object) -> Any:
    answer = await an_exchange().call(func, args, kwargs, now)
    return json.loads(json.dumps(answer, allow_nan=False))


async def test_candles_are_aligned_and_contain_open_and_close() -> None:
    candles = await call_read("fetch_ohlcv", LINEAR, "1m", None, 5)
    assert [candle[0] for candle in candles] == [NOON_MS - MINUTE_MS * n for n in (4, 3, 2, 1, 0)]
    for _, first, high, low, last, volume in candles:
        assert low <= min(first, last) <= max(first, last) <= high
        assert volume > 0
    ticker = await call_read("fetch_ticker", LINEAR)
    assert candles[-1][4] == ticker["last"], "the newest candle ends with the price of now"
    assert len({candle[1] for candle in candles}) > 1


async def test_trades_add_up_to_candles_and_candles_to_the_day() -> None:
    minute = NOON_MS - MINUTE_MS
    ((*_, volume),) = await call_read("fetch_ohlcv", LINEAR, "1m", minute, 1)
    trades = [
        *await call_read("fetch_trades", LINEAR, minute, 500),
        *await call_read("fetch_trades", LINEAR, minute + 50_000, 100),
    ]
    assert len({trade["id"] for trade in trades}) == 600
    assert sum(trade["amount"] for trade in trades) == pytest.approx(volume)
    ((*_, longer),) = await call_read("fetch_ohlcv", LINEAR, "5m", NOON_MS - 5 * MINUTE_MS, 1)
    minutes = await call_read("fetch_ohlcv", LINEAR, "1m", NOON_MS - 5 * MINUTE_MS, 5)
    assert sum(candle[5] for candle in minutes) == pytest.approx(longer)
    day = await call_read("fetch_ohlcv", LINEAR, "1h", limit=25)
    ticker = await call_read("fetch_ticker", LINEAR)
    assert ticker["baseVolume"] == pytest.approx(sum(candle[5] for candle in day), rel=0.01)


@pytest.mark.parametrize("symbol", ["BTC/USDT", LINEAR, "BTC/USD:BTC"])
async def test_a_ticker_has_the_volume_of_a_day(symbol: str) -> None:
    ticker = await call_read("fetch_ticker", symbol)
    assert ticker["low"] <= ticker["vwap"] <= ticker["high"]
    assert ticker["quoteVolume"] == pytest.approx(ticker["baseVolume"] * ticker["vwap"])
    assert 10**8 < ticker["quoteVolume"] < 10**10, "dollars"


async def test_a_closed_candle_does_not_change() -> None:
    later = NOON + timedelta(minutes=3)
    then = await call_read("fetch_ohlcv", LINEAR, "1m", NOON_MS - MINUTE_MS, 1)
    assert await call_read("fetch_ohlcv", LINEAR, "1m", NOON_MS - MINUTE_MS, 1, now=later) == then


async def test_since_and_limit() -> None:
    candles = await call_read(
        "fetch_ohlcv", LINEAR, "5m", since=NOON_MS - 20 * MINUTE_MS + 1, limit=2
    )
    assert [candle[0] for candle in candles] == [NOON_MS - n * MINUTE_MS for n in (15, 10)]
    assert await call_read("fetch_ohlcv", LINEAR, "1d", NOON_MS + 1) == []
    assert len(await call_read("fetch_ohlcv", LINEAR)) == 100
    assert len(await call_read("fetch_ohlcv", LINEAR, limit=5000)) == CANDLES_MAX


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
async def test_timeframes_are_those_of_ccxt(timeframe: str) -> None:
    first, second = await call_read("fetch_ohlcv", LINEAR, timeframe, limit=2)
    assert second[0] - first[0] == ccxt.Exchange.parse_timeframe(timeframe) * 1000
    assert (await call_read("describe"))["timeframes"][timeframe] == timeframe


@pytest.mark.parametrize(
    "arguments",
    [
        ("NOPE/USDT",),
        (LINEAR, "7m"),
        (LINEAR, "1m", -1),
        (LINEAR, "1m", "now"),
        (LINEAR, "1m", 0, 0),
    ],
)
async def test_invalid_candle_requests_are_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(Invalid):
        await call_read("fetch_ohlcv", *arguments)


async def test_only_random_walks_have_candles() -> None:
    with pytest.raises(Invalid) as refused:
        await an_exchange("manual").call("fetch_ohlcv", [LINEAR], {}, NOON)
    assert refused.value.code == "unsupported_func"


async def test_tickers_of_some_or_of_all() -> None:
    markets = await call_read("load_markets")
    assert set(await call_read("fetch_tickers")) == set(markets)
    tickers = await call_read("fetch_tickers", [LINEAR, "SOL/USDT"])
    assert tickers[LINEAR] == await call_read("fetch_ticker", LINEAR)
    assert set(await call_read("fetch_bids_asks", ["SOL/USDT"])) == {"SOL/USDT"}
    for wrong in (["NOPE/USDT"], 5, [5]):
        with pytest.raises(Invalid):
            await call_read("fetch_tickers", wrong)


async def test_currencies_have_all_of_ccxts_keys() -> None:
    currencies = await call_read("fetch_currencies")
    theirs = ccxt.Exchange().safe_currency_structure({"id": "ETH", "code": "ETH"})
    assert set(theirs) <= set(currencies["ETH"])
    assert currencies["ETH"]["precision"] > 0
    assert "USDT" in currencies


async def test_the_status_is_ok() -> None:
    assert (await call_read("fetch_status"))["status"] == "ok"
    has = await call_read("has")
    assert has["fetchOHLCV"] and has["fetchTickers"] and has["fetchStatus"]
    assert (await call_read("describe"))["precisionMode"] == ccxt.TICK_SIZE
