"""The WebSocket as in the contract: frames, actions, errors, market data."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from integration.websocket.conftest import KEY, ServedGateway
from kit.gateway.in_process import TRADER
from kit.http import wire_keys
from kit.http.websocket_client import WebSocketClient, connect_client
from kit.http.wire_keys import assert_keys
from kit.polling import poll_until
from oms.api.websocket import deadman_beats

SYMBOL = "BTC/USDT:USDT"
REPLY = frozenset(["id", "ok", "type", "namespace", "action", "event", "payload"])
PUSH = REPLY
STORED = PUSH | {"event_id", "account_id", "seq", "prev_seq", "ts"}
HELLO = frozenset(["session", "server_time", "heartbeat_ms", "version"])
MARKET = frozenset(["account_id", "symbol", "channel", "data", "ts_ms"])


async def market(client: WebSocketClient, served: ServedGateway, **more: object) -> Any:
    payload = {"account_id": served.account_id, "symbol": SYMBOL} | more
    return await client.request("subscribe_market", payload, namespace="ccxt")


async def test_frames_of_the_arming_connection_are_beats(
    served: ServedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {
        "account_ids": [served.account_id],
        "timeout_seconds": 30,
        "action": "cancel_entries",
        "comment": "the strategy",
    }
    switches = served.gateway.store.deadman_switches
    async with connect_client(served.url) as client, connect_client(served.url) as other:
        for each in (client, other):
            await each.request("auth", {"api_key": KEY})
        refused = await client.request("arm_deadman", {"account_ids": []}, namespace="risk")
        assert refused["payload"]["code"] == "validation_error"
        armed = await client.request("arm_deadman", body, namespace="risk")
        assert (armed["ok"], armed["event"]) == (True, "deadman_armed")
        assert_keys(armed["payload"], wire_keys.DEADMAN)
        first = await switches.find(armed["payload"]["id"])
        assert first is not None
        await other.request("ping", {})
        assert await switches.find(first.id) == first
        await client.request("ping", {})

        async def stored() -> datetime:
            switch = await switches.find(first.id)
            assert switch is not None
            return switch.deadline

        second = await poll_until(stored, lambda deadline: deadline > first.deadline)
        await client.request("ping", {})
        await poll_until(stored, lambda deadline: deadline > second)
        monkeypatch.setattr(deadman_beats, "SWITCHES_MAX", 1)
        more = await client.request("arm_deadman", body, namespace="risk")
        assert (more["payload"]["code"], more["payload"]["reason"]) == (
            "conflict",
            "too_many_switches",
        )
        assert (await other.request("arm_deadman", body, namespace="risk"))["ok"]


async def test_hello_auth_subscribe_and_snapshot_frames(served: ServedGateway) -> None:
    await served.trade()
    async with connect_client(served.url) as client:
        await client.send("auth", {"api_key": KEY}, id=7)
        payload = {"account_ids": [served.account_id, 999], "namespaces": ["position", "command"]}
        await client.send("subscribe", payload, id="s")
        await client.receive_event("snapshot_done")
        await served.trade()
        await client.receive_event("command_updated")
    hello, auth, subscribed, orders, positions, done, *rest = client.frames
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


async def test_commands_return_the_same_results_as_http(served: ServedGateway) -> None:
    command = served.gateway.command() | {"wait_ms": 5000}
    async with connect_client(served.url, KEY) as client:
        done = await client.request("command", command, namespace="position")
        extra = await client.request("command", command | {"surprise": 1}, namespace="position")
        nameless = command | {"account_id": None}
        missing = await client.request("command", nameless, namespace="position")
        strange = await client.request("dance", {}, namespace="position")
    assert (done["event"], done["ok"]) == ("command_result", True)
    assert_keys(done["payload"], wire_keys.RESULT)
    assert done["payload"]["index"] == 0
    codes = [frame["payload"]["code"] for frame in (extra, missing, strange)]
    assert codes == ["validation_error", "missing_account_id", "unsupported_action"]
    assert_keys(extra["payload"], wire_keys.ERROR | {"errors"})


async def test_market_data_is_pushed_on_change(served: ServedGateway) -> None:
    async with connect_client(served.url, KEY) as client:
        result = await market(client, served, channels=["ticker", "OrderBook"], poll_interval_ms=1)
        assert (result["event"], result["namespace"]) == ("subscribed_market", "ccxt")
        assert result["payload"] == {
            "account_id": served.account_id,
            "symbol": SYMBOL,
            "channels": ["ticker", "orderbook"],
            "poll_interval_ms": 250,
        }
        pushed = [frame for frame in client.frames if frame["event"].endswith("_updated")]
        assert pushed == [], "the reply comes before the data"
        names = ("ticker_updated", "orderbook_updated")
        first = {name: await client.receive_event(name) for name in names}
        assert_keys(first["ticker_updated"], PUSH)
        assert_keys(first["ticker_updated"]["payload"], MARKET)
        await served.gateway.set_price(SYMBOL, "51000")
        ticker = await client.receive_event("ticker_updated")
        assert ticker["payload"]["data"]["last"] == 51000
        gone = await client.request("unsubscribe_market", {"symbol": SYMBOL}, namespace="ccxt")
        assert gone["payload"] == {"removed": 2}
        again = await client.request("unsubscribe_market", {}, namespace="ccxt")
        assert again["payload"] == {"removed": 0}


async def test_channel_is_polled_once_for_all_listeners(served: ServedGateway) -> None:
    asked = served.gateway.api_context.request_metrics
    async with connect_client(served.url, KEY) as one, connect_client(served.url, KEY) as two:
        for client in (one, two):
            await market(client, served, poll_interval_ms=250)
        await served.gateway.set_price(SYMBOL, "52000")
        for client in (one, two):
            frame = await client.receive_until(
                lambda f: f["event"] == "ticker_updated" and f["payload"]["data"]["last"] == 52000
            )
            assert frame["payload"]["channel"] == "ticker"
    assert asked.ops == {}, "reads for listeners are not counted as commands"


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
async def test_invalid_market_subscriptions(
    served: ServedGateway, more: dict[str, Any], code: str
) -> None:
    async with connect_client(served.url, KEY) as client:
        result = await market(client, served, **more)
    assert (result["ok"], result["event"], result["payload"]["code"]) == (False, "error", code)


async def test_lost_permission_removes_channels(served: ServedGateway) -> None:
    gateway = served.gateway
    key = await gateway.add_key(
        "guest", "oms_watches-for-a-while-only", grants={gateway.account_id: TRADER}
    )
    async with connect_client(served.url, key) as client:
        await market(client, served, poll_interval_ms=250)
        users = await gateway.client.get("/admin/users", key="oms_an-admin-for-tests-only")
        (guest,) = [u["user_id"] for u in users["items"] if u["user_name"] == "guest"]
        path = f"/admin/users/{guest}"
        body = {"status": "disabled"}
        answer = await gateway.client("PATCH", path, body, key="oms_an-admin-for-tests-only")
        assert answer.status == 200
        async with asyncio.timeout(8):
            assert (await client.wait_closed())[0] == 4401
