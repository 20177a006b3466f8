"""Connections of ``/ws``: authentication, frames, limits and close codes."""

import asyncio
import struct

import pytest

from integration.websocket.conftest import KEY, MakeServedGateway, ServedGateway
from kit.databases.sql import execute, fetch_rows
from kit.gateway.in_process import AUDIT, now
from kit.http.websocket_client import SECONDS_MAX, connect_client
from oms.domain.access import Grant


async def test_only_ping_and_auth_before_authentication(served: ServedGateway) -> None:
    async with connect_client(served.url) as client:
        pong = await client.request("ping", namespace="anything", id=[1, 2.5])
        refused = await client.request("subscribe", {"account_ids": [served.account_id]})
        wrong = await client.request("auth", {"api_key": "unknown"})
        none = await client.request("auth", {})
        right = await client.request("auth", {"api_key": KEY}, namespace="system")
        unknown = await client.request("subscribe_moon", {}, namespace="ccxt")
    assert (pong["event"], pong["namespace"], pong["payload"]) == ("pong", "anything", {})
    assert refused["ok"] is False
    assert refused["event"] == "error"
    assert refused["payload"]["code"] == "not_authenticated"
    assert refused["payload"]["ccxt_class"] == "AuthenticationError"
    assert wrong["payload"]["code"] == "invalid_api_key"
    assert none["payload"]["code"] == "missing_api_key"
    assert right["payload"]["role"] == "trader"
    assert unknown["payload"]["code"] == "unsupported_action"


async def test_invalid_credential_at_connect_is_closed_with_1008(served: ServedGateway) -> None:
    async with connect_client(served.url, "oms_no-user-has-this-key-at-all") as client:
        assert (await client.wait_closed())[0] == 1008
    assert client.frames == []


async def test_unauthenticated_connection_is_closed(make_served: MakeServedGateway) -> None:
    async with make_served(auth_seconds=0.2) as served, connect_client(served.url) as client:
        assert (await client.wait_closed())[0] == 4401


async def test_ten_malformed_frames_in_a_row_close(served: ServedGateway) -> None:
    async with connect_client(served.url, KEY) as client:
        for _ in range(9):
            await client.connection.send("{no json")
        await client.request("ping")  # a valid frame resets the count
        for text in ("[]", '"text"', "{}", '{"action": 1}', '{"action": "ping", "payload": 3}'):
            await client.connection.send(text)
        await client.connection.send(b"bytes")
        for _ in range(4):
            await client.connection.send('{"action": "\\ud800"}')
        code, _ = await client.wait_closed()
    assert code == 4400
    errors = [frame["payload"]["code"] for frame in client.frames if frame["event"] == "error"]
    assert len(errors) == 19
    assert errors[:9] == ["invalid_json"] * 9
    assert set(errors) == {"invalid_json", "validation_error"}


async def test_oversized_frame_is_closed_with_1009(served: ServedGateway) -> None:
    async with connect_client(served.url, KEY) as client:
        await client.connection.send('{"action": "ping", "payload": {"x": "' + "x" * 2**20 + '"}}')
        assert (await client.wait_closed())[0] == 1009


async def test_text_that_is_not_utf8_is_closed_with_1007_and_not_logged(
    served: ServedGateway, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect_client(served.url) as client:
        await client.connection.send(b"\xff", text=True)
        assert (await client.wait_closed())[0] == 1007
    assert "UTF-8" not in caplog.text


async def test_connections_per_key_are_limited(make_served: MakeServedGateway) -> None:
    async with make_served(sockets_per_key_max=2) as served:
        async with connect_client(served.url, KEY) as one, connect_client(served.url, KEY) as two:
            await one.request("ping")
            await two.request("ping")
            async with connect_client(served.url, KEY) as three:
                assert (await three.wait_closed())[0] == 4429
        async with connect_client(served.url, KEY) as four:
            await four.request("ping")


async def test_too_many_frames_are_closed_with_4429(make_served: MakeServedGateway) -> None:
    async with (
        make_served(frames_per_second_max=5) as served,
        connect_client(served.url, KEY) as client,
    ):
        for _ in range(20):
            await client.send("ping")
        assert (await client.wait_closed())[0] == 4429


@pytest.mark.parametrize(
    "payload",
    [{}, {"account_ids": ["x", -1]}, {"account_ids": [1], "from_seq": [1]}],
)
async def test_invalid_subscribe_returns_an_error(served: ServedGateway, payload: object) -> None:
    async with connect_client(served.url, KEY) as client:
        answer = await client.request("subscribe", payload)
    assert answer["payload"]["code"] in ("missing_account_ids", "validation_error")


async def test_foreign_accounts_are_denied(served: ServedGateway) -> None:
    other = await served.gateway.add_account()
    async with connect_client(served.url, KEY) as client:
        none = await client.request("subscribe", {"account_ids": [other]})
        some = await client.request("subscribe", {"account_ids": [other, served.account_id]})
    assert none["payload"]["code"] == "permission_denied"
    assert some["payload"]["account_ids"] == [served.account_id]
    assert some["payload"]["denied"] == [other]


async def test_disabled_key_closes_its_connections(served: ServedGateway) -> None:
    async with connect_client(served.url, KEY) as client:
        await client.request("subscribe", {"account_ids": [served.account_id]})
        execute(
            served.dsn, "UPDATE user_api_keys SET status = 'disabled' WHERE key_prefix = 'oms_a-tr'"
        )
        assert (await client.wait_closed())[0] == 4401


async def test_removed_account_is_reported(served: ServedGateway) -> None:
    gateway = served.gateway
    other = await gateway.add_account()
    grants = {served.account_id: Grant(), other: Grant()}
    key = await gateway.add_key("reader", "oms_a-reader-for-tests-only", "readonly", grants=grants)
    ((user_id,),) = fetch_rows(served.dsn, "SELECT id FROM users WHERE name = 'reader'")
    async with connect_client(served.url, key) as client:
        await client.request("subscribe", {"account_ids": [served.account_id, other]})
        for account_id in (other, served.account_id):
            await gateway.store.registry.grant(
                user_id=user_id,
                account_id=account_id,
                grant=Grant(can_read=False),
                now=now(),
                audit=AUDIT,
            )
            removed = await client.receive_event("access_removed")
            assert removed["payload"] == {"account_ids": [account_id]}
        assert (await client.wait_closed())[0] == 4403


async def test_restricted_key_gets_events_of_its_strategies_only(served: ServedGateway) -> None:
    grants = {served.account_id: Grant(restrict_to_strategies=True, strategy_ids=frozenset({7}))}
    key = await served.gateway.add_key("narrow", "oms_a-narrow-key-for-tests", grants=grants)
    await served.trade()
    async with (
        connect_client(served.url, key) as client,
        connect_client(served.url, KEY) as all_of_it,
    ):
        for one in (client, all_of_it):
            await one.request("subscribe", {"account_ids": [served.account_id]})
            await one.receive_event("snapshot_done")
        await served.trade()
        await all_of_it.receive_event("position_updated")
        await client.request("ping")
    assert client.events == []
    (pair,) = [f for f in client.frames if f["event"] == "snapshot_open_positions"]
    assert pair["payload"]["items"] == []


async def test_heartbeats_on_request(served: ServedGateway) -> None:
    async with connect_client(served.url, KEY) as client:
        await client.request("subscribe", {"account_ids": [served.account_id], "heartbeat_ms": 1})
        beat = await client.receive_event("heartbeat")
    assert beat["payload"]["heads"] == {str(served.account_id): await served.head()}
    assert 0 <= beat["payload"]["worker_age_ms"] < 5000


async def test_request_ids_of_the_gateway_are_refused(served: ServedGateway) -> None:
    async with connect_client(served.url, KEY) as client:
        command = served.gateway.command() | {"request_id": "oms:kill:1"}
        reply = await client.request("command", command, namespace="position")
    assert (reply["ok"], reply["payload"]["code"]) == (False, "validation_error")


async def test_commands_and_calls_over_the_socket(served: ServedGateway) -> None:
    order = served.gateway.command()
    async with connect_client(served.url, KEY) as client:
        for number in range(20):
            command = order | {"request_id": f"r{number}", "wait_ms": 5000}
            await client.send("command", command, namespace="position", id=number)
        again = order | {"request_id": "r0", "wait_ms": 5000}
        replayed = await client.request("command", again, namespace="position", id="again")
        result = {f["id"]: f for f in client.frames if f["event"] == "command_result"}
        while len(result) < 21:
            frame = await client.receive_event("command_result")
            result[frame["id"]] = frame
        wrong = await client.request("command", {"command": "send_order"}, namespace="position")
        missing = order | {"account_id": None}
        missing_id = await client.request("command", missing, namespace="position")
        foreign = await client.request("command", order | {"account_id": 999}, namespace="position")
        ticker = {"account_id": served.account_id, "func": "fetch_ticker"}
        ticker |= {"args": ["BTC/USDT:USDT"]}
        price = await client.request("call", ticker, namespace="ccxt")
        trade = await client.request("call", ticker | {"func": "withdraw"}, namespace="ccxt")
    assert all(frame["ok"] for frame in result.values())
    results = [result[number]["payload"] for number in range(20)]
    assert {row["order"]["status"] for row in results} == {"FILLED"}
    ids = [row["command_id"] for row in results]
    assert ids == sorted(ids)  # commands are stored in the order of the frames
    assert replayed["payload"]["replayed"] is True
    assert replayed["payload"]["command_id"] == ids[0]
    assert wrong["payload"]["code"] == "validation_error"
    assert wrong["payload"]["errors"][0]["loc"] == ["payload"]
    assert missing_id["payload"]["code"] == "missing_account_id"
    assert (foreign["ok"], foreign["event"]) == (False, "command_result")
    assert foreign["payload"]["error"]["code"] == "account_not_found"
    assert price["payload"]["result"]["bid"] == 50000
    assert trade["payload"]["code"] == "ccxt_error"
    assert trade["payload"]["detail"]["code"] == "ccxt_method_not_allowed"


async def test_missing_pong_is_closed_with_4408(make_served: MakeServedGateway) -> None:
    async with make_served(ping_seconds=0.1, pong_seconds=0.2) as served:
        host, port = "127.0.0.1", int(served.url.rsplit(":", 1)[1].split("/")[0])
        reader, writer = await asyncio.open_connection(host, port)
        nonce = "dGhlIHNhbXBsZSBub25jZQ=="
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\n"
            f"Sec-WebSocket-Version: 13\r\nx-api-key: {KEY}\r\n\r\n".encode()
        )
        async with asyncio.timeout(SECONDS_MAX):
            received = await reader.read(-1)  # without a PONG
        writer.close()
        assert b"\x88" + bytes([2 + len("no answer to PING")]) + struct.pack("!H", 4408) in received


async def test_server_shutdown_closes_with_1012(make_served: MakeServedGateway) -> None:
    async with make_served() as served:
        async with connect_client(served.url, KEY) as client:
            await client.request("subscribe", {"account_ids": [served.account_id]})
            ending = asyncio.create_task(_stopped(served))
            assert (await client.wait_closed())[0] == 1012
            await ending


async def _stopped(served: ServedGateway) -> None:
    sockets = served.gateway.app.state.api_context.websocket
    await sockets.stop()


async def test_foreign_origin_may_not_connect(served: ServedGateway) -> None:
    with pytest.raises(Exception, match="HTTP 403"):
        async with connect_client(served.url, KEY, origin="https://elsewhere.example"):
            pass


async def test_many_frames_of_one_read_are_answered_in_order(
    served: ServedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oms.api.websocket.websocket_protocol.SEGMENT_BYTES", 100)
    async with connect_client(served.url, KEY) as client:
        protocol = client.connection.protocol
        for number in range(1500):
            protocol.send_text(b'{"action":"ping","id":%d}' % number)
        client.connection.transport.write(b"".join(protocol.data_to_send()))
        await client.receive_until(lambda frame: frame["id"] == 1499)
    pongs = [frame["id"] for frame in client.frames if frame["event"] == "pong"]
    assert pongs == list(range(1500))
