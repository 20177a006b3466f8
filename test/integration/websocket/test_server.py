"""The socket's door: who comes in, what is understood, and with which code it ends."""

import asyncio
import struct

import pytest

from integration.websocket.conftest import KEY, MakeStudio, Studio
from kit.databases.sql import execute, fetch_rows
from kit.gateway.in_process import AUDIT, now
from kit.http.websocket_client import SECONDS_MAX, connect_client
from oms.domain.access import Grant


async def test_only_ping_and_auth_before_authentication(studio: Studio) -> None:
    async with connect_client(studio.url) as ear:
        pong = await ear.request("ping", namespace="anything", id=[1, 2.5])
        refused = await ear.request("subscribe", {"account_ids": [studio.account_id]})
        wrong = await ear.request("auth", {"api_key": "nobody"})
        none = await ear.request("auth", {})
        right = await ear.request("auth", {"api_key": KEY}, namespace="system")
        unknown = await ear.request("subscribe_moon", {}, namespace="ccxt")
    assert (pong["event"], pong["namespace"], pong["payload"]) == ("pong", "anything", {})
    assert refused["ok"] is False
    assert refused["event"] == "error"
    assert refused["payload"]["code"] == "not_authenticated"
    assert refused["payload"]["ccxt_class"] == "AuthenticationError"
    assert wrong["payload"]["code"] == "invalid_api_key"
    assert none["payload"]["code"] == "missing_api_key"
    assert right["payload"]["role"] == "trader"
    assert unknown["payload"]["code"] == "unsupported_action"


async def test_an_invalid_credential_at_connect_is_closed_with_1008(studio: Studio) -> None:
    async with connect_client(studio.url, "oms_nobody-has-this-key-at-all") as ear:
        assert (await ear.wait_closed())[0] == 1008
    assert ear.frames == []


async def test_who_does_not_say_who_he_is_is_closed(make_studio: MakeStudio) -> None:
    async with make_studio(auth_seconds=0.2) as studio, connect_client(studio.url) as ear:
        assert (await ear.wait_closed())[0] == 4401


async def test_ten_malformed_frames_in_a_row_close(studio: Studio) -> None:
    async with connect_client(studio.url, KEY) as ear:
        for _ in range(9):
            await ear.connection.send("{no json")
        await ear.request("ping")  # one that is well formed: the count begins anew
        for text in ("[]", '"text"', "{}", '{"action": 1}', '{"action": "ping", "payload": 3}'):
            await ear.connection.send(text)
        await ear.connection.send(b"bytes")
        for _ in range(4):
            await ear.connection.send('{"action": "\\ud800"}')
        code, _ = await ear.wait_closed()
    assert code == 4400
    errors = [frame["payload"]["code"] for frame in ear.frames if frame["event"] == "error"]
    assert len(errors) == 19
    assert errors[:9] == ["invalid_json"] * 9
    assert set(errors) == {"invalid_json", "validation_error"}


async def test_a_frame_over_the_limit_is_closed_with_1009(studio: Studio) -> None:
    async with connect_client(studio.url, KEY) as ear:
        await ear.connection.send('{"action": "ping", "payload": {"x": "' + "x" * 2**20 + '"}}')
        assert (await ear.wait_closed())[0] == 1009


async def test_a_key_has_only_so_many_connections(make_studio: MakeStudio) -> None:
    async with make_studio(sockets_per_key_max=2) as studio:
        async with connect_client(studio.url, KEY) as one, connect_client(studio.url, KEY) as two:
            await one.request("ping")
            await two.request("ping")
            async with connect_client(studio.url, KEY) as three:
                assert (await three.wait_closed())[0] == 4429
        async with connect_client(studio.url, KEY) as four:
            await four.request("ping")


async def test_too_many_frames_are_closed_with_4429(make_studio: MakeStudio) -> None:
    async with (
        make_studio(frames_per_second_max=5) as studio,
        connect_client(studio.url, KEY) as ear,
    ):
        for _ in range(20):
            await ear.send("ping")
        assert (await ear.wait_closed())[0] == 4429


@pytest.mark.parametrize(
    "payload",
    [{}, {"account_ids": ["x", -1]}, {"account_ids": [1], "from_seq": [1]}],
)
async def test_a_wrong_subscribe_is_told(studio: Studio, payload: object) -> None:
    async with connect_client(studio.url, KEY) as ear:
        answer = await ear.request("subscribe", payload)
    assert answer["payload"]["code"] in ("missing_account_ids", "validation_error")


async def test_foreign_accounts_are_denied(studio: Studio) -> None:
    other = await studio.gateway.add_account()
    async with connect_client(studio.url, KEY) as ear:
        none = await ear.request("subscribe", {"account_ids": [other]})
        some = await ear.request("subscribe", {"account_ids": [other, studio.account_id]})
    assert none["payload"]["code"] == "permission_denied"
    assert some["payload"]["account_ids"] == [studio.account_id]
    assert some["payload"]["denied"] == [other]


async def test_a_key_that_is_disabled_ends_its_connections(studio: Studio) -> None:
    async with connect_client(studio.url, KEY) as ear:
        await ear.request("subscribe", {"account_ids": [studio.account_id]})
        execute(
            studio.dsn, "UPDATE user_api_keys SET status = 'disabled' WHERE key_prefix = 'oms_a-tr'"
        )
        assert (await ear.wait_closed())[0] == 4401


async def test_an_account_that_is_taken_away_is_told(studio: Studio) -> None:
    gateway = studio.gateway
    other = await gateway.add_account()
    grants = {studio.account_id: Grant(), other: Grant()}
    key = await gateway.add_key("reader", "oms_a-reader-for-tests-only", "readonly", grants=grants)
    ((user_id,),) = fetch_rows(studio.dsn, "SELECT id FROM users WHERE name = 'reader'")
    async with connect_client(studio.url, key) as ear:
        await ear.request("subscribe", {"account_ids": [studio.account_id, other]})
        for account_id in (other, studio.account_id):
            await gateway.store.registry.grant(
                user_id=user_id,
                account_id=account_id,
                grant=Grant(can_read=False),
                now=now(),
                audit=AUDIT,
            )
            removed = await ear.receive_event("access_removed")
            assert removed["payload"] == {"account_ids": [account_id]}
        assert (await ear.wait_closed())[0] == 4403


async def test_a_key_restricted_to_strategies_hears_of_them_alone(studio: Studio) -> None:
    grants = {studio.account_id: Grant(restrict_to_strategies=True, strategy_ids=frozenset({7}))}
    key = await studio.gateway.add_key("narrow", "oms_a-narrow-key-for-tests", grants=grants)
    await studio.trade()
    async with connect_client(studio.url, key) as ear, connect_client(studio.url, KEY) as all_of_it:
        for one in (ear, all_of_it):
            await one.request("subscribe", {"account_ids": [studio.account_id]})
            await one.receive_event("snapshot_done")
        await studio.trade()
        await all_of_it.receive_event("position_updated")
        await ear.request("ping")
    assert ear.events == []
    (pair,) = [f for f in ear.frames if f["event"] == "snapshot_open_positions"]
    assert pair["payload"]["items"] == []


async def test_heartbeats_on_request(studio: Studio) -> None:
    async with connect_client(studio.url, KEY) as ear:
        await ear.request("subscribe", {"account_ids": [studio.account_id], "heartbeat_ms": 1})
        beat = await ear.receive_event("heartbeat")
    assert beat["payload"]["heads"] == {str(studio.account_id): await studio.head()}


async def test_request_ids_of_the_gateway_are_refused(studio: Studio) -> None:
    async with connect_client(studio.url, KEY) as client:
        command = studio.gateway.command() | {"request_id": "oms:kill:1"}
        reply = await client.request("command", command, namespace="position")
    assert (reply["ok"], reply["payload"]["code"]) == (False, "validation_error")


async def test_commands_and_calls_over_the_socket(studio: Studio) -> None:
    order = studio.gateway.command()
    async with connect_client(studio.url, KEY) as ear:
        for number in range(20):
            wish = order | {"request_id": f"r{number}", "wait_ms": 5000}
            await ear.send("command", wish, namespace="position", id=number)
        again = order | {"request_id": "r0", "wait_ms": 5000}
        replayed = await ear.request("command", again, namespace="position", id="again")
        told = {f["id"]: f for f in ear.frames if f["event"] == "command_result"}
        while len(told) < 21:
            frame = await ear.receive_event("command_result")
            told[frame["id"]] = frame
        wrong = await ear.request("command", {"command": "send_order"}, namespace="position")
        missing = order | {"account_id": None}
        nobody = await ear.request("command", missing, namespace="position")
        foreign = await ear.request("command", order | {"account_id": 999}, namespace="position")
        ticker = {"account_id": studio.account_id, "func": "fetch_ticker"}
        ticker |= {"args": ["BTC/USDT:USDT"]}
        price = await ear.request("call", ticker, namespace="ccxt")
        trade = await ear.request("call", ticker | {"func": "withdraw"}, namespace="ccxt")
    assert all(frame["ok"] for frame in told.values())
    results = [told[number]["payload"] for number in range(20)]
    assert {row["order"]["status"] for row in results} == {"FILLED"}
    ids = [row["command_id"] for row in results]
    assert ids == sorted(ids)  # the order of the frames is the order of the queue
    assert replayed["payload"]["replayed"] is True
    assert replayed["payload"]["command_id"] == ids[0]
    assert wrong["payload"]["code"] == "validation_error"
    assert wrong["payload"]["errors"][0]["loc"] == ["payload"]
    assert nobody["payload"]["code"] == "missing_account_id"
    assert (foreign["ok"], foreign["event"]) == (False, "command_result")
    assert foreign["payload"]["error"]["code"] == "account_not_found"
    assert price["payload"]["result"]["bid"] == 50000
    assert trade["payload"]["code"] == "ccxt_error"
    assert trade["payload"]["detail"]["code"] == "ccxt_method_not_allowed"


async def test_no_answer_to_ping_is_closed_with_4408(make_studio: MakeStudio) -> None:
    async with make_studio(ping_seconds=0.1, pong_seconds=0.2) as studio:
        host, port = "127.0.0.1", int(studio.url.rsplit(":", 1)[1].split("/")[0])
        reader, writer = await asyncio.open_connection(host, port)
        nonce = "dGhlIHNhbXBsZSBub25jZQ=="
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\n"
            f"Sec-WebSocket-Version: 13\r\nx-api-key: {KEY}\r\n\r\n".encode()
        )
        async with asyncio.timeout(SECONDS_MAX):
            heard = await reader.read(-1)  # and never answer
        writer.close()
        assert b"\x88" + bytes([2 + len("no answer to PING")]) + struct.pack("!H", 4408) in heard


async def test_a_server_that_stops_says_come_back(make_studio: MakeStudio) -> None:
    async with make_studio() as studio:
        async with connect_client(studio.url, KEY) as ear:
            await ear.request("subscribe", {"account_ids": [studio.account_id]})
            ending = asyncio.create_task(_stopped(studio))
            assert (await ear.wait_closed())[0] == 1012
            await ending


async def _stopped(studio: Studio) -> None:
    sockets = studio.gateway.app.state.api_context.websocket
    await sockets.stop()


async def test_a_foreign_page_may_not_connect(studio: Studio) -> None:
    with pytest.raises(Exception, match="HTTP 403"):
        async with connect_client(studio.url, KEY, origin="https://elsewhere.example"):
            pass
