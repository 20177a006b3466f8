"""The WebSocket as the contract says it: frames, actions, errors, market data."""

import asyncio
from typing import Any

import pytest

from integration.websocket.conftest import KEY, Studio
from kit.gateway.in_process import TRADER, InProcessGateway
from kit.http import wire_keys
from kit.http.websocket_client import WebSocketClient, connect_client
from kit.http.wire_keys import assert_keys

SYMBOL = "BTC/USDT:USDT"
REPLY = frozenset(["id", "ok", "type", "namespace", "action", "event", "payload"])
PUSH = REPLY
STORED = PUSH | {"event_id", "account_id", "seq", "prev_seq", "ts"}
HELLO = frozenset(["session", "server_time", "heartbeat_ms", "version"])
MARKET = frozenset(["account_id", "symbol", "channel", "data", "ts_ms"])


async def set_price(gateway: InProcessGateway, price: str) -> None:
    body = {"account_id": gateway.account_id, "symbol": SYMBOL, "price": price}
    assert (await gateway.client("POST", "/paper/price", body)).status == 200


async def market(ear: WebSocketClient, studio: Studio, **more: object) -> Any:
    payload = {"account_id": studio.account_id, "symbol": SYMBOL} | more
    return await ear.request("subscribe_market", payload, namespace="ccxt")


async def test_hello_auth_subscribe_and_the_trio(studio: Studio) -> None:
    await studio.trade()
    async with connect_client(studio.url) as ear:
        await ear.send("auth", {"api_key": KEY}, id=7)
        wish = {"account_ids": [studio.account_id, 999], "namespaces": ["position", "command"]}
        await ear.send("subscribe", wish, id="s")
        await ear.receive_event("snapshot_done")
        await studio.trade()
        await ear.receive_event("command_updated")
    hello, auth, subscribed, orders, positions, done, *rest = ear.frames
    assert (hello["id"], hello["ok"], hello["type"]) == ("server-hello", True, "ws_event")
    assert_keys(hello["payload"], HELLO)
    for frame, number, keys in (
        (auth, 7, frozenset({"user_id", "api_key_id", "role"})),
        (subscribed, "s", frozenset({"namespaces", "account_ids", "heads", "denied"})),
    ):
        assert_keys(frame, REPLY)
        assert (frame["id"], frame["namespace"]) == (number, "system")
        assert_keys(frame["payload"], keys)
    assert subscribed["payload"]["denied"] == [999]
    for frame, row in ((orders, wire_keys.ORDER), (positions, wire_keys.POSITION)):
        assert_keys(frame, PUSH)
        assert frame["action"] == "snapshot"
        assert_keys(frame["payload"], frozenset({"account_id", "items", "seq"}))
        for item in frame["payload"]["items"]:
            assert_keys(item, row)
    assert_keys(done["payload"], frozenset({"account_ids", "accounts"}))
    assert_keys(
        done["payload"]["accounts"][0],
        frozenset({"account_id", "open_orders", "open_positions", "seq"}),
    )
    stored = {frame["event"]: frame for frame in rest if "seq" in frame}
    for name, row in (
        ("order_updated", wire_keys.ORDER | {"exec_type", "late_fill"}),
        ("deal_updated", wire_keys.DEAL),
        ("position_updated", wire_keys.POSITION),
        ("order_submitted", frozenset(wire_keys.EVENTS["order_submitted"])),
        ("deal_created", frozenset(wire_keys.EVENTS["deal_created"])),
    ):
        assert_keys(stored[name], STORED)
        assert_keys(stored[name]["payload"], row | {"account_id"})


async def test_commands_answer_as_over_http(studio: Studio) -> None:
    command = studio.gateway.command() | {"wait_ms": 5000}
    async with connect_client(studio.url, KEY) as ear:
        done = await ear.request("command", command, namespace="position")
        extra = await ear.request("command", command | {"surprise": 1}, namespace="position")
        nameless = command | {"account_id": None}
        missing = await ear.request("command", nameless, namespace="position")
        strange = await ear.request("dance", {}, namespace="position")
    assert (done["event"], done["ok"]) == ("command_result", True)
    assert_keys(done["payload"], wire_keys.RESULT)
    assert done["payload"]["index"] == 0
    codes = [frame["payload"]["code"] for frame in (extra, missing, strange)]
    assert codes == ["validation_error", "missing_account_id", "unsupported_action"]
    assert_keys(extra["payload"], wire_keys.ERROR | {"errors"})


async def test_market_data_comes_when_it_changes(studio: Studio) -> None:
    async with connect_client(studio.url, KEY) as ear:
        told = await market(ear, studio, channels=["ticker", "OrderBook"], poll_interval_ms=1)
        assert (told["event"], told["namespace"]) == ("subscribed_market", "ccxt")
        assert told["payload"] == {
            "account_id": studio.account_id,
            "symbol": SYMBOL,
            "channels": ["ticker", "orderbook"],
            "poll_interval_ms": 250,
        }
        first = {f["event"]: f for f in ear.frames if f["event"].endswith("_updated")}
        assert set(first) == {"ticker_updated", "orderbook_updated"}
        assert_keys(first["ticker_updated"], PUSH)
        assert_keys(first["ticker_updated"]["payload"], MARKET)
        await set_price(studio.gateway, "51000")
        ticker = await ear.receive_event("ticker_updated")
        assert ticker["payload"]["data"]["last"] == 51000
        gone = await ear.request("unsubscribe_market", {"symbol": SYMBOL}, namespace="ccxt")
        assert gone["payload"] == {"removed": 2}
        again = await ear.request("unsubscribe_market", {}, namespace="ccxt")
        assert again["payload"] == {"removed": 0}


async def test_many_watch_what_is_asked_for_once(studio: Studio) -> None:
    asked = studio.gateway.api_context.request_metrics
    async with connect_client(studio.url, KEY) as one, connect_client(studio.url, KEY) as two:
        for ear in (one, two):
            await market(ear, studio, poll_interval_ms=250)
        await set_price(studio.gateway, "52000")
        for ear in (one, two):
            frame = await ear.receive_until(
                lambda f: f["event"] == "ticker_updated" and f["payload"]["data"]["last"] == 52000
            )
            assert frame["payload"]["channel"] == "ticker"
    assert asked.ops == {}, "reads for listeners are nobody's commands"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"channels": ["smoke"]}, "validation_error"),
        ({"symbol": 5}, "validation_error"),
        ({"account_id": None}, "missing_account_id"),
        ({"account_id": 999}, "permission_denied"),
        ({"channels": ["ohlcv"]}, "unsupported_func"),
        ({"symbol": "NO/SUCH"}, "instrument_not_supported"),
    ],
)
async def test_what_cannot_be_watched(studio: Studio, more: dict[str, Any], code: str) -> None:
    async with connect_client(studio.url, KEY) as ear:
        told = await market(ear, studio, **more)
    assert (told["ok"], told["event"], told["payload"]["code"]) == (False, "error", code)


async def test_who_may_not_read_any_more_watches_no_more(studio: Studio) -> None:
    gateway = studio.gateway
    key = await gateway.add_key(
        "guest", "oms_watches-for-a-while-only", grants={gateway.account_id: TRADER}
    )
    async with connect_client(studio.url, key) as ear:
        await market(ear, studio, poll_interval_ms=250)
        users = await gateway.client.get("/admin/users", key="oms_an-admin-for-tests-only")
        (guest,) = [u["user_id"] for u in users["items"] if u["user_name"] == "guest"]
        path = f"/admin/users/{guest}"
        body = {"status": "disabled"}
        answer = await gateway.client("PATCH", path, body, key="oms_an-admin-for-tests-only")
        assert answer.status == 200
        async with asyncio.timeout(8):
            assert (await ear.wait_closed())[0] == 4401
