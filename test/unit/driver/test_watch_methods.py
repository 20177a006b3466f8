"""The streaming classes: synchronous methods, coroutines, and watching by polling."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest

from ccxt_driver import OmsAsyncHttpClient, OmsCcxtAsyncExchange, OmsCcxtProExchange, OmsHttpClient
from kit.http.stub_transport import (
    API_KEY,
    BASE_URL,
    ORDER,
    StubTransport,
    failure,
    make_exchange,
    results,
)

MARKET = {"id": "BTCUSDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "spot": True}
#: Responses to what the first order of an object loads: markets and description.
LOADED = ({"result": {"BTC/USDT": MARKET}}, {"result": {}})
POLLING = {"force_polling": True, "watch_timeout_seconds": 0.05, "poll_interval_seconds": 0.01}


def pro_on(*responses: Any, **keywords: Any) -> tuple[Any, StubTransport]:
    transport = StubTransport(list(responses))
    http = OmsHttpClient(base_url=BASE_URL, api_key=API_KEY, transport=transport)
    instance = OmsCcxtProExchange(api_key=API_KEY, account_id=7, http_client=http, **keywords)
    instance._sleep = lambda seconds: None
    return instance, transport


def async_on(*responses: Any, **keywords: Any) -> tuple[Any, StubTransport]:
    transport = StubTransport(list(responses))

    async def send(method: str, url: str, headers: dict[str, str], payload: Any) -> Any:
        return transport(method, url, headers, payload)

    http = OmsAsyncHttpClient(base_url=BASE_URL, api_key=API_KEY, transport=send)
    return OmsCcxtAsyncExchange(api_key=API_KEY, account_id=7, http_client=http, **keywords), (
        transport
    )


@pytest.fixture
async def no_tasks_left() -> AsyncIterator[None]:
    yield
    assert {task for task in asyncio.all_tasks() if "ccxt_driver" in task.get_name()} == set()


async def test_own_methods_are_synchronous_and_results_awaitable() -> None:
    pro, _ = pro_on(results({"order": ORDER}))
    order = pro.create_order("BTC/USDT", "limit", "buy", 1, 100)
    assert order["id"] == "42"
    assert await order is order
    assert json.loads(json.dumps(order))["id"] == "42"
    assert (await pro.cancel_order("42"))["id"] == "42"
    pro, _ = pro_on({"items": [ORDER]})
    orders = pro.fetch_open_orders()
    assert len(orders) == 1
    assert await orders == orders
    pro, _ = pro_on({"items": []})
    assert pro.fetch_order("42") is None


async def test_methods_that_query_the_exchange_are_coroutines() -> None:
    pro, transport = pro_on({"result": {"BTC/USDT": {"id": "x", "precision": {"amount": 0.1}}}})
    for call in (
        pro.fetch_ohlcv("BTC/USDT"),
        pro.fetchOrderBook("BTC/USDT"),
        pro.load_markets(),
        pro.call_ccxt_async("fetchTime"),
    ):
        assert inspect.iscoroutine(call)
        assert await call
    paths = [sent.path.rsplit("/", 1)[1] for sent in transport.sent]
    assert paths == ["fetch_ohlcv", "fetch_order_book", "load_markets", "fetch_time"]
    text = pro.amount_to_precision("BTC/USDT", 0.19)
    assert (text, await text) == ("0.1", "0.1")
    with pytest.raises(ccxt.NotSupported):
        pro.create_twap_order()


async def test_an_asynchronous_client_may_be_assigned() -> None:
    pro, _ = pro_on({"result": 1})

    class Client:
        async def request(self, method: str, path: str, **fields: Any) -> Any:
            return {"result": path}

    pro.http = Client()
    assert await pro.fetch_time() == "/ccxt/7/fetch_time"


def test_has_contains_the_watch_methods() -> None:
    for instance in (pro_on({})[0], async_on({})[0]):
        watched = {name for name, can in instance.has.items() if can and "watch" in name}
        assert len(watched) == 15 and instance.has["ws"] is True and instance.pro is True
        assert instance.watchOHLCV and instance.watchMyTrades


async def test_the_asynchronous_class_has_the_ccxt_dialect() -> None:
    exchange, transport = async_on({"items": []})
    assert exchange.dialect == "ccxt"
    with pytest.raises(ccxt.OrderNotFound):
        await exchange.fetch_order("42")
    exchange, transport = async_on(*LOADED, results({"order": ORDER}))
    with pytest.raises(ccxt.ExchangeError, match="load_markets"):
        exchange.market("BTC/USDT")
    order = await exchange.createLimitBuyOrder("BTC/USDT", 1, 100)
    assert (order["id"], order["symbol"]) == ("42", "BTC/USDT")
    paths = [sent.path for sent in transport.sent]
    assert paths == ["/ccxt/7/load_markets", "/ccxt/7/describe", "/oms/commands"]


async def test_a_failed_read_is_retried_and_a_trade_never() -> None:
    down = failure("exchange_unavailable", ccxt_class="ExchangeNotAvailable", retryable=True)
    exchange, transport = async_on(down, {"result": 5})
    assert await exchange.fetch_ticker("BTC/USDT") == 5
    assert len(transport.sent) == 2
    exchange, transport = async_on(*LOADED, down)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await exchange.create_market_buy_order("BTC/USDT", 1)
    assert [sent.path for sent in transport.sent].count("/oms/commands") == 1


@pytest.mark.parametrize("make", [pro_on, async_on])
async def test_watching_by_polling(make: Any, no_tasks_left: None) -> None:
    exchange, transport = make({"items": [ORDER]})
    (order,) = await exchange.watch_orders("btc/usdt", params=POLLING)
    assert (order["id"], order["info"]["client_order_id"]) == ("42", "mine-1")
    assert await exchange.watch_orders("btc/usdt", params=POLLING) == []
    assert "/oms/orders/open" in [sent.path for sent in transport.sent]
    await exchange.close()


async def test_limit_and_since_apply_and_other_rows_stay_pending() -> None:
    rows = [{**ORDER, "id": number} for number in (41, 42, 43)]
    exchange, _ = async_on({"items": rows})
    first = await exchange.watch_orders(None, None, 2, POLLING)
    second = await exchange.watch_orders(None, None, 2, POLLING)
    assert [[row["id"] for row in part] for part in (first, second)] == [["41", "42"], ["43"]]
    exchange, _ = async_on({"items": rows})
    late = exchange.parse8601("2026-03-01T00:00:00Z")
    assert await exchange.watch_orders(None, late, None, POLLING) == []


async def test_watch_balance_leaves_the_rows_of_other_watches() -> None:
    listed = {"items": [ORDER, {**ORDER, "id": 43}]}
    exchange, _ = async_on({"heads": {}}, listed, {"result": {"total": {}}})
    params = {**POLLING, "watch_timeout_seconds": 10}
    (first,) = await exchange.watch_orders(None, None, 1, params)
    assert await exchange.watch_balance(params) == {"total": {}}
    (second,) = await exchange.watch_orders(None, None, None, params)
    assert (first["id"], second["id"]) == ("42", "43")
    assert exchange._current_stream()._running is None, "force_polling: no WebSocket"


async def test_polling_of_market_data_is_rate_limited() -> None:
    exchange, transport = async_on({"result": {"last": 1}})
    params = {**POLLING, "poll_interval_seconds": 0.05}
    started_at = asyncio.get_running_loop().time()
    for _ in range(3):
        assert await exchange.watch_ticker("BTC/USDT", params) == {"last": 1}
    assert asyncio.get_running_loop().time() - started_at >= 0.1
    assert transport.sent[0].payload == {"args": ["BTC/USDT"], "kwargs": {}}
    exchange, _ = async_on({"result": [[1, 0], [2, 0], [3, 0]]})
    assert await exchange.watch_ohlcv("X", "1m", 2, 1, POLLING) == [[3, 0]]
    assert exchange.ohlcvs["X"]["1m"][-1] == [3, 0]
    exchange, _ = async_on({"result": [[1, 0], [2, 0]]}, {"result": [[2, 5], [3, 0]]})
    assert await exchange.watch_ohlcv("X", "1m", params=POLLING) == [[1, 0], [2, 0]]
    assert await exchange.watch_ohlcv("X", "1m", params=POLLING) == [[2, 5], [3, 0]]
    assert await exchange.watch_ohlcv("X", "1m", params=POLLING) == [], "nothing new"
    exchange.newUpdates = False
    assert len(await exchange.watch_ohlcv("X", "1m", params=POLLING)) == 3


async def test_several_symbols_are_watched_at_once() -> None:
    exchange, transport = async_on({"result": {"last": 5}})
    with pytest.raises(ccxt.ArgumentsRequired):
        await exchange.watch_tickers()
    tickers = await exchange.watch_tickers(["A/B", "C/D"], POLLING)
    assert tickers and set(tickers) <= {"A/B", "C/D"}
    assert set(transport.sent[-1].payload["args"]) <= {"A/B", "C/D"}
    book = await exchange.watch_order_book_for_symbols(["A/B"], 5, POLLING)
    assert book == {"last": 5}
    exchange, _ = async_on({"result": [[1, 0]]})
    pairs = [["A/B", "1m"]]
    candles = await exchange.watch_ohlcv_for_symbols(pairs, None, None, POLLING)
    assert candles == {"A/B": {"1m": [[1, 0]]}}


async def test_a_quick_symbol_does_not_hide_a_slow_one() -> None:
    async def send(method: str, url: str, headers: dict[str, str], payload: Any) -> Any:
        (symbol,) = payload["args"]
        for _ in range(50 if symbol == "SLOW/X" else 1):
            await asyncio.sleep(0)
        return {"result": {"symbol": symbol}}

    http = OmsAsyncHttpClient(base_url=BASE_URL, api_key=API_KEY, transport=send)
    exchange = OmsCcxtAsyncExchange(api_key=API_KEY, account_id=7, http_client=http)
    params = {**POLLING, "poll_interval_seconds": 10}
    symbols = ["QUICK/X", "SLOW/X"]
    returned = [set(await exchange.watch_tickers(symbols, params)) for _ in range(2)]
    assert returned == [{"QUICK/X"}, {"SLOW/X"}]


async def test_helpers_have_the_nature_of_the_class() -> None:
    exchange, transport = async_on({})
    await exchange.sleep(1)
    assert await exchange.throttle() is None
    blocking, _ = make_exchange({})
    assert (blocking.sleep(1), blocking.throttle(5)) == (None, None)
    assert transport.sent == []


async def test_an_order_is_found_by_its_client_order_id() -> None:
    listed = {"items": [ORDER, {**ORDER, "id": 43, "client_order_id": "43"}]}
    exchange, transport = async_on(listed)
    assert (await exchange.fetch_order("mine-1"))["id"] == "42"
    for params in ({"clientOrderId": "43"}, {"origClientOrderId": "43"}):
        assert (await exchange.fetch_order(None, "BTC/USDT", params))["id"] == "43"
    exchange, transport = async_on(listed, results({"order": ORDER}))
    await exchange.cancel_order_with_client_order_id("mine-1", "BTC/USDT")
    assert transport.sent[-1].payload["payload"] == {"order_id": 42}
    exchange, _ = async_on({"items": []})
    with pytest.raises(ccxt.OrderNotFound):
        await exchange.cancel_order(None, "BTC/USDT", {"clientOrderId": "gone"})
    with pytest.raises(ccxt.ArgumentsRequired):
        await exchange.cancel_order(None, "BTC/USDT")


async def test_parameters_without_effect_are_refused() -> None:
    exchange, transport = async_on({"items": []})
    for params in ({"fromId": 5}, {"paginate": True}):
        with pytest.raises(ccxt.NotSupported, match=next(iter(params))):
            await exchange.fetch_my_trades("BTC/USDT", params=params)
    assert transport.sent == []
    assert await exchange.fetch_my_trades("BTC/USDT", params={"until": 5}) == []


async def test_extract_ws_rows() -> None:
    exchange, _ = async_on({})
    frame = {"event": "snapshot_open_orders", "payload": {"items": [ORDER]}}
    for kind in ("orders", "order"):
        (order,) = exchange._extract_ws_rows(kind=kind, msg=frame)
        assert (order["id"], order["info"]) == ("42", ORDER), "a structure of ccxt"
    assert exchange._extract_ws_rows(kind="orders", msg=frame, symbol="eth/usdt") == []
    assert exchange._extract_ws_rows(kind="my_trades", msg=frame) == []
    assert exchange._extract_ws_rows(kind="else", msg=frame) == []
