"""The streaming classes: synchronous methods, coroutines, and watching by polling."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest

from ccxt_driver import OmsAsyncHttpClient, OmsCcxtAsyncExchange, OmsCcxtProExchange, OmsHttpClient
from kit.http.stub_transport import API_KEY, BASE_URL, ORDER, StubTransport, failure, results

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
        assert len(watched) == 7 and instance.has["ws"] is True and instance.pro is True
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


async def test_extract_ws_rows() -> None:
    exchange, _ = async_on({})
    frame = {"event": "snapshot_open_orders", "payload": {"items": [ORDER]}}
    for kind in ("orders", "order"):
        assert exchange._extract_ws_rows(kind=kind, msg=frame) == [ORDER]
    assert exchange._extract_ws_rows(kind="orders", msg=frame, symbol="eth/usdt") == []
    assert exchange._extract_ws_rows(kind="my_trades", msg=frame) == []
    assert exchange._extract_ws_rows(kind="else", msg=frame) == []
