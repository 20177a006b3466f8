"""The driver's stream over a real WebSocket with a scripted server."""

import asyncio
from typing import Any

import ccxt
import pytest

from ccxt_driver import OmsCcxtAsyncExchange
from kit.http.scripted_websocket import ScriptedWebSocket, run_scripted_websocket
from kit.http.stub_transport import DEAL, ORDER, POSITION, RepeatingClient
from kit.polling import poll_until

SECONDS = 10


def client(exchange: OmsCcxtAsyncExchange) -> RepeatingClient:
    assert isinstance(exchange.http, RepeatingClient)
    return exchange.http


def snapshot(seq: int, *rows: Any) -> list[dict[str, Any]]:
    orders, positions = "snapshot_open_orders", "snapshot_open_positions"
    return [
        {"event": orders, "payload": {"account_id": 7, "items": list(rows), "seq": seq}},
        {"event": positions, "payload": {"account_id": 7, "items": [POSITION], "seq": seq}},
    ]


def event(seq: int, previous: int, version: int, **fields: Any) -> dict[str, Any]:
    row = {**ORDER, "version": version, **fields}
    return {
        "event": "order_updated",
        "account_id": 7,
        "seq": seq,
        "prev_seq": previous,
        "payload": row,
    }


def versions(orders: list[Any]) -> list[int]:
    return [order["info"]["version"] for order in orders]


async def test_frames_sent_after_connecting(
    server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    server.script = [snapshot(10, {**ORDER, "version": 1})]
    assert versions(await exchange.watch_orders()) == [1]
    (position,) = await exchange.watch_positions()
    assert (position["side"], server.keys) == ("long", ["key"])
    auth, subscribe = server.received
    assert auth["payload"] == {"api_key": "key"}
    assert subscribe["payload"]["account_ids"] == [7]
    assert subscribe["payload"]["refresh"] is False
    assert "from_seq" not in subscribe["payload"]
    assert client(exchange).paths == []


async def test_a_reconnect_resumes_after_the_last_event(
    server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    server.script = [
        [*snapshot(10, {**ORDER, "version": 1}), event(11, 10, 2)],
        [event(12, 11, 3), event(12, 11, 3)],
    ]
    returned = versions(await exchange.watch_orders())
    while 2 not in returned:
        returned += versions(await exchange.watch_orders())
    await server.disconnect()
    while 3 not in returned:
        returned += versions(await exchange.watch_orders())
    assert returned == [1, 2, 3]
    assert server.received[-1]["payload"]["from_seq"] == {"7": 11}


async def test_missed_events_are_requested_again(
    server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    lost = [*snapshot(10, {**ORDER, "version": 1}), event(13, 12, 4)]
    server.script = [lost, [event(12, 10, 3), event(13, 12, 4)]]
    returned: list[int] = []
    while 4 not in returned:
        returned += versions(await exchange.watch_orders())
    assert returned == [1, 3, 4]
    assert server.received[-1]["payload"]["from_seq"] == {"7": 10}


async def test_after_a_gap_unlisted_rows_are_read(
    server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    gap = {"event": "gap", "payload": {"account_id": 7, "from": 11, "to": 90}}
    server.script = [[*snapshot(10, {**ORDER, "version": 1})]]
    assert versions(await exchange.watch_orders()) == [1]
    client(exchange).response = {"items": [{**ORDER, "version": 5, "status": "FILLED"}]}
    watching = asyncio.create_task(exchange.watch_orders())
    await server.push(gap, *snapshot(90))
    (order,) = await watching
    assert (order["status"], client(exchange).paths) == ("closed", ["/oms/orders/42"])


async def test_trades_are_pushed(server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange) -> None:
    deal = {"event": "deal_updated", "account_id": 7, "seq": 11, "prev_seq": 10, "payload": DEAL}
    server.script = [[*snapshot(10), deal]]
    (trade,) = await exchange.watch_my_trades("btc/usdt")
    assert (trade["id"], trade["order"]) == ("9", "42")
    assert await exchange.watch_my_trades("btc/usdt", params={"watch_timeout_seconds": 0}) == []


async def test_marks_are_subscribed_to_while_they_are_watched(
    server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    server.script = [snapshot(10)]
    assert len(await exchange.watch_positions()) == 1
    (position,) = await exchange.watch_positions(params={"marks": True})
    mark = {"account_id": 7, "position_id": POSITION["id"], "mark_price": "107"}
    payload = {"account_id": 7, "marks": [mark]}
    watching = asyncio.create_task(exchange.watch_positions(params={"marks": True}))
    await server.push({"event": "positions_marked", "payload": payload})
    (marked,) = await watching
    assert (marked["id"], marked["markPrice"]) == (position["id"], 107)
    assert await exchange.watch_positions(params={"watch_timeout_seconds": 0}) == []
    await exchange.un_watch_positions()

    async def subscriptions() -> list[Any]:
        return [f["payload"] for f in server.received if f["action"] == "subscribe"]

    sent = await poll_until(subscriptions, lambda each: len(each) == 3)
    assert [each.get("marks", False) for each in sent] == [False, True, False]
    assert [each.get("from_seq") for each in sent] == [None, {"7": 10}, {"7": 10}]


async def test_a_refused_key_raises_a_ccxt_exception(
    server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    server.refuses_auth = True
    client(exchange).response = ccxt.AuthenticationError("no")
    with pytest.raises(ccxt.AuthenticationError):
        await exchange.watch_orders()


async def test_polling_without_a_websocket(exchange: OmsCcxtAsyncExchange) -> None:
    exchange.base_url = "http://127.0.0.1:1"
    client(exchange).response = {"items": [{**ORDER, "version": 1}]}
    assert versions(await exchange.watch_orders()) == [1]
    assert "/oms/orders/open" in client(exchange).paths


async def test_market_data_is_pushed_and_returned_once(
    server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    watching = asyncio.create_task(exchange.watch_ticker("btc/usdt"))
    await asyncio.wait_for(server.market_asked.wait(), SECONDS)
    payload = {"account_id": 7, "symbol": "BTC/USDT", "channel": "ticker", "data": {"last": 5}}
    await server.push({"event": "ticker_updated", "payload": payload})
    assert await watching == {"last": 5}
    assert client(exchange).paths == []
    quiet = await exchange._watch_market_via_ws(
        "ticker", symbol="btc/usdt", timeout_s=0.05, poll_interval_ms=1000
    )
    assert quiet is None
    (sent,) = [frame for frame in server.received if frame["action"] == "subscribe_market"]
    assert sent["payload"]["channels"] == ["ticker"]


async def test_refused_market_data_is_read_over_http(
    server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    server.supports_market_data = False
    client(exchange).response = {"result": {"last": 6}}
    assert await exchange.watch_ticker("BTC/USDT") == {"last": 6}
    assert client(exchange).paths == ["/ccxt/7/fetch_ticker"]


async def test_concurrent_watches_share_one_connection(
    server: ScriptedWebSocket, exchange: OmsCcxtAsyncExchange
) -> None:
    server.script = [snapshot(10, {**ORDER, "version": 1})]
    results = await asyncio.gather(
        exchange.watch_orders(), exchange.watch_orders("BTC/USDT"), exchange.watch_positions()
    )
    assert [len(rows) for rows in results] == [1, 1, 1]
    assert len(server.keys) == 1


def test_another_event_loop_resumes_the_cache() -> None:
    async def first(created: OmsCcxtAsyncExchange, server: ScriptedWebSocket) -> list[int]:
        created.base_url = server.base_url
        return versions(await created.watch_orders())

    async def begin(created: OmsCcxtAsyncExchange) -> list[int]:
        async with run_scripted_websocket() as server:
            server.script = [snapshot(10, {**ORDER, "version": 1})]
            returned = await first(created, server)
            assert created._stream is not None
            await created._stream.close()
            return returned

    async def go_on(created: OmsCcxtAsyncExchange) -> list[int]:
        async with run_scripted_websocket() as server:
            server.script = [[event(11, 10, 2)]]
            returned = await first(created, server)
            assert server.received[1]["payload"]["from_seq"] == {"7": 10}
            await created.close()
            return returned

    created = OmsCcxtAsyncExchange(api_key="key", account_id=7, http_client=RepeatingClient())
    assert asyncio.run(begin(created)) + asyncio.run(go_on(created)) == [1, 2]


async def test_a_hook_is_called_with_each_connection(server: ScriptedWebSocket) -> None:
    urls: list[str] = []

    class Program(OmsCcxtAsyncExchange):
        def on_connected(self, client: Any, message: Any = None) -> None:
            urls.append(client.url)

    program = Program(
        api_key="key", account_id=7, base_url=server.base_url, http_client=RepeatingClient()
    )
    server.script = [snapshot(10, {**ORDER, "version": 1})]
    await program.watch_orders()
    await program.close()
    assert urls == [f"{server.base_url.replace('http', 'ws')}/ws"]


async def test_an_exception_of_a_hook_is_reported_and_the_stream_goes_on(
    server: ScriptedWebSocket,
) -> None:
    raised: list[Any] = []

    class Program(OmsCcxtAsyncExchange):
        def on_connected(self, client: Any, message: Any = None) -> None:
            raise KeyError("a fault of the program")

    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: raised.append(context["exception"])
    )
    program = Program(
        api_key="key", account_id=7, base_url=server.base_url, http_client=RepeatingClient()
    )
    server.script = [snapshot(10, {**ORDER, "version": 1})]
    assert versions(await program.watch_orders()) == [1]
    await server.push(event(11, 10, 2))
    assert versions(await program.watch_orders()) == [2]
    await program.close()
    assert [type(each) for each in raised] == [KeyError]
    assert client(program).paths == []
