"""``un_watch_*`` over a real WebSocket: awaited calls end, and so do subscriptions."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from ccxt_driver import OmsCcxtAsyncExchange
from ccxt_driver.methods import watch as watch_methods
from kit.http.scripted_websocket import ScriptedWebSocket
from kit.http.stub_transport import DEAL, ORDER, RepeatingClient
from kit.polling import poll_until

BOTH = ["A/B", "C/D"]
CANDLES = [[60_000, 1, 2, 0.5, 1.5, 10]]
Watch = Callable[[Any], Awaitable[Any]]


def market_frames(server: ScriptedWebSocket) -> list[tuple[str, str, str]]:
    """Action, symbol, and channel with timeframe of the frames about market data."""
    return [
        (
            frame["action"].removesuffix("_market"),
            frame["payload"]["symbol"],
            " ".join(
                [*frame["payload"]["channels"], frame["payload"].get("timeframe", "")]
            ).strip(),
        )
        for frame in server.received
        if frame["action"].endswith("subscribe_market")
    ]


async def sent(server: ScriptedWebSocket, count: int) -> list[tuple[str, str, str]]:
    """The first ``count`` frames about market data, as soon as they arrived."""

    async def read() -> list[tuple[str, str, str]]:
        return market_frames(server)

    return (await poll_until(read, lambda frames: len(frames) >= count))[:count]


async def begin(server: ScriptedWebSocket, watch: Awaitable[Any], count: int) -> Any:
    """Returns the task of a call, once ``count`` frames about market data were sent in all."""
    task = asyncio.ensure_future(watch)
    await sent(server, count)
    return task


def push(event: str, symbol: str, data: Any, **fields: Any) -> dict[str, Any]:
    payload = {"account_id": 7, "symbol": symbol, "data": data, **fields}
    return {"event": f"{event}_updated", "payload": payload}


MARKET: dict[str, tuple[Watch, Watch, str]] = {
    "ticker": (lambda x: x.watch_ticker("A/B"), lambda x: x.un_watch_ticker("A/B"), "ticker"),
    "tickers": (lambda x: x.watch_tickers(["A/B"]), lambda x: x.un_watch_tickers(), "ticker"),
    "bids and asks": (
        lambda x: x.watch_bids_asks(["A/B"]),
        lambda x: x.un_watch_bids_asks(["A/B"]),
        "ticker",
    ),
    "order book": (
        lambda x: x.watch_order_book("A/B", 5),
        lambda x: x.un_watch_order_book("A/B"),
        "orderbook",
    ),
    "order books": (
        lambda x: x.watch_order_book_for_symbols(["A/B"]),
        lambda x: x.unWatchOrderBookForSymbols(["A/B"]),
        "orderbook",
    ),
    "trades": (lambda x: x.watch_trades("A/B"), lambda x: x.un_watch_trades("A/B"), "trades"),
    "candles": (
        lambda x: x.watch_ohlcv("A/B", "5m"),
        lambda x: x.unWatchOHLCV("A/B", "5m"),
        "ohlcv 5m",
    ),
    "several candles": (
        lambda x: x.watch_ohlcv_for_symbols([["A/B", "5m"]]),
        lambda x: x.un_watch_ohlcv_for_symbols([["A/B", "5m"]]),
        "ohlcv 5m",
    ),
}


@pytest.mark.parametrize("name", MARKET)
async def test_an_awaited_call_ends(
    name: str, server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    watch, un_watch, channel = MARKET[name]
    server.script = [[]]
    watching = await begin(server, watch(exchange), 1)
    assert await un_watch(exchange) is True
    with pytest.raises(ccxt.UnsubscribeError, match="A/B"):
        await watching
    assert await un_watch(exchange) is True, "nothing is watched any more"
    again = await begin(server, watch(exchange), 3)
    again.cancel()
    assert market_frames(server) == [
        ("subscribe", "A/B", channel),
        ("unsubscribe", "A/B", channel.split()[0]),
        ("subscribe", "A/B", channel),
    ]


async def test_other_symbols_and_kinds_go_on(
    server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    server.script = [[]]
    tickers = [
        await begin(server, exchange.watch_ticker(symbol), count)
        for count, symbol in enumerate(BOTH, 1)
    ]
    asks = await begin(server, exchange.watch_bids_asks(["A/B"]), 3)
    await exchange.un_watch_ticker("A/B")
    assert (await sent(server, 5))[3:] == [
        ("unsubscribe", "A/B", "ticker"),
        ("subscribe", "A/B", "ticker"),
    ], "bids and asks are still watched"
    await server.push(push("ticker", "C/D", {"last": 5}), push("ticker", "A/B", {"symbol": "A/B"}))
    assert await asks == {"A/B": {"symbol": "A/B"}}
    assert await tickers[1] == {"last": 5}
    assert (exchange.tickers, list(exchange.bidsasks)) == ({"C/D": {"last": 5}}, ["A/B"])
    await exchange.un_watch_tickers()
    assert exchange.tickers == {}


async def test_candles_of_timeframes_are_apart(
    server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    server.script = [[]]
    minutes = await begin(server, exchange.watch_ohlcv("A/B", "1m"), 1)
    hours = await begin(server, exchange.watch_ohlcv("A/B", "1h"), 2)
    await server.push(push("ohlcv", "A/B", CANDLES, timeframe="1h"))
    assert await hours == CANDLES
    assert not minutes.done()
    assert list(exchange.ohlcvs["A/B"]) == ["1h"]
    await exchange.un_watch_ohlcv("A/B", "1m")
    with pytest.raises(ccxt.UnsubscribeError):
        await minutes
    assert (await sent(server, 4))[2:] == [
        ("unsubscribe", "A/B", "ohlcv"),
        ("subscribe", "A/B", "ohlcv 1h"),
    ]
    await exchange.un_watch_ohlcv("A/B", "1h")
    assert exchange.ohlcvs["A/B"] == {}


async def test_a_call_that_reads_over_http_ends(exchange: OmsCcxtAsyncExchange) -> None:
    assert isinstance(exchange.http, RepeatingClient)
    exchange.http.response = {"result": {"last": 1}}
    params = {"force_polling": True, "poll_interval_seconds": 3600}
    await exchange.watch_ticker("A/B", params)
    waiting = asyncio.ensure_future(exchange.watch_ticker("A/B", params))
    await asyncio.sleep(0)
    await exchange.un_watch_ticker("A/B")
    with pytest.raises(ccxt.UnsubscribeError):
        await waiting


async def test_the_first_read_over_http_is_at_once_on_a_machine_that_has_just_started(
    exchange: OmsCcxtAsyncExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_methods, "time", SimpleNamespace(monotonic=lambda: 1.0))
    assert isinstance(exchange.http, RepeatingClient)
    exchange.http.response = {"result": {"last": 1}}
    params = {"force_polling": True, "poll_interval_seconds": 3600}
    ticker = await asyncio.wait_for(exchange.watch_ticker("A/B", params), 30)
    assert ticker["last"] == 1


ROWS: dict[str, tuple[Watch, Watch]] = {
    "orders": (lambda x: x.watch_orders(), lambda x: x.un_watch_orders()),
    "orders of a symbol": (lambda x: x.watch_orders("A/B"), lambda x: x.un_watch_orders()),
    "trades": (lambda x: x.watch_my_trades(), lambda x: x.un_watch_my_trades()),
    "positions": (lambda x: x.watch_positions(), lambda x: x.un_watch_positions()),
}


@pytest.mark.parametrize("name", ROWS)
async def test_a_call_that_awaits_rows_ends(
    name: str, server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    watch, un_watch = ROWS[name]
    server.script = [[]]
    waiting = asyncio.ensure_future(watch(exchange))

    async def actions() -> list[str]:
        return [frame["action"] for frame in server.received]

    await poll_until(actions, lambda names: "subscribe" in names)
    assert await un_watch(exchange) is True
    with pytest.raises(ccxt.UnsubscribeError):
        await waiting


async def test_the_next_watch_begins_with_open_orders(
    server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    opened = {"account_id": 7, "items": [ORDER], "seq": 10}
    deal = {"event": "deal_updated", "account_id": 7, "seq": 11, "prev_seq": 10, "payload": DEAL}
    server.script = [[{"event": "snapshot_open_orders", "payload": opened}]]
    trades = asyncio.ensure_future(exchange.watch_my_trades())
    (first,) = await exchange.watch_orders()
    assert await exchange.watch_orders(params={"watch_timeout_seconds": 0}) == []
    await exchange.un_watch_orders()
    (again,) = await exchange.watch_orders()
    assert again["id"] == first["id"]
    await server.push(deal)
    assert len(await trades) == 1, "another watch goes on"


async def test_what_cannot_be_ended_alone_is_refused(exchange: OmsCcxtAsyncExchange) -> None:
    for call in (exchange.un_watch_orders, exchange.un_watch_my_trades):
        with pytest.raises(ccxt.NotSupported, match="symbol"):
            await call("A/B")
    with pytest.raises(ccxt.NotSupported, match="symbol"):
        await exchange.un_watch_positions(["A/B"])
    for several in (
        exchange.un_watch_order_book_for_symbols,
        exchange.un_watch_trades_for_symbols,
        exchange.un_watch_ohlcv_for_symbols,
    ):
        with pytest.raises(ccxt.ArgumentsRequired):
            await several([])


async def test_a_canceled_caller_is_canceled(
    server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    server.script = [[]]
    watching = await begin(server, exchange.watch_ticker("A/B"), 1)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert exchange.has["unWatchTicker"] and exchange.has["unWatchOHLCV"]
