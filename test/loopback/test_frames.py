"""Each fault of a stream, frame by frame, on a plain WebSocket."""

import asyncio
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest
from websockets.asyncio.client import ClientConnection, connect

from kit.exchanges.loopback_process import LoopbackExchange

LINEAR = "BTC/USDT:USDT"
SECONDS_MAX = 10


async def ask(socket: ClientConnection, **told: Any) -> dict[str, Any]:
    """One operation and its answer."""
    await socket.send(json.dumps(told))
    answer: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), SECONDS_MAX))
    return answer


async def sign_in(socket: ClientConnection, secret: str = "secret-a") -> dict[str, Any]:
    """``auth`` as the documentation says it."""
    expires = int(time.time() * 1000) + 10_000
    text = f"GET/realtime{expires}".encode()
    signature = hmac.new(secret.encode(), text, "sha256").hexdigest()
    return await ask(socket, op="auth", args=["loop-a", expires, signature])


@pytest.fixture
async def socket(venue: LoopbackExchange) -> AsyncIterator[ClientConnection]:
    """A private stream that hears of orders."""
    async with connect(f"ws://127.0.0.1:{venue.port}/v5/private") as connection:
        assert (await sign_in(connection))["success"]
        assert (await ask(connection, op="subscribe", args=["order"]))["success"]
        yield connection


async def heard_until_pong(socket: ClientConnection) -> list[tuple[str, str]]:
    """Client id and state of every frame before the answer to a ping."""
    frames = []
    await socket.send(json.dumps({"op": "ping", "req_id": "1"}))
    while "data" in (told := json.loads(await asyncio.wait_for(socket.recv(), SECONDS_MAX))):
        frames += [(row["orderLinkId"], row["orderStatus"]) for row in told["data"]]
    assert told["op"] == "pong"
    return frames


def one(bybit: ccxt.bybit, name: str) -> None:
    """A resting order that is canceled at once."""
    made = bybit.create_order(LINEAR, "limit", "buy", 0.01, 40_000, {"clientOrderId": name})
    bybit.cancel_order(made["id"], LINEAR)


BOTH = [("a", "New"), ("a", "Cancelled")]


@pytest.mark.parametrize(
    ("fault", "frames"),
    [
        ({"mode": "drop"}, BOTH[1:]),
        ({"mode": "dup"}, [BOTH[0], *BOTH]),
        ({"mode": "hold", "frames": 2}, BOTH[::-1]),
        ({"mode": "silence"}, []),
        ({"mode": "drop", "key": "loop-b"}, BOTH),
        ({"mode": "drop", "match": "execution"}, BOTH),
        ({"mode": "drop", "after": 1}, BOTH[:1]),
    ],
)
async def test_what_is_heard_at_once(
    venue: LoopbackExchange,
    bybit: ccxt.bybit,
    socket: ClientConnection,
    fault: dict[str, Any],
    frames: list[tuple[str, str]],
) -> None:
    venue.control("fault", **fault)
    one(bybit, "a")
    assert await heard_until_pong(socket) == frames
    venue.control("clear")
    one(bybit, "b")
    assert await heard_until_pong(socket) == [("b", "New"), ("b", "Cancelled")]


@pytest.mark.parametrize(("mode", "now"), [("delay", BOTH[1:]), ("dup_late", BOTH)])
async def test_what_is_heard_late(
    venue: LoopbackExchange,
    bybit: ccxt.bybit,
    socket: ClientConnection,
    mode: str,
    now: list[tuple[str, str]],
) -> None:
    bybit.load_markets()
    venue.control("fault", mode=mode, ms=400)
    one(bybit, "a")
    assert await heard_until_pong(socket) == now
    late = json.loads(await asyncio.wait_for(socket.recv(), SECONDS_MAX))
    assert late["data"][0]["orderStatus"] == "New"


async def test_what_is_held_comes_when_it_is_cleared(
    venue: LoopbackExchange, bybit: ccxt.bybit, socket: ClientConnection
) -> None:
    venue.control("fault", mode="hold", frames=100)
    one(bybit, "a")
    assert await heard_until_pong(socket) == []
    venue.control("clear")
    assert await heard_until_pong(socket) == BOTH[::-1]


async def test_who_may_listen(venue: LoopbackExchange) -> None:
    async with connect(f"ws://127.0.0.1:{venue.port}/v5/private") as connection:
        refused = await ask(connection, op="subscribe", args=["order"])
        assert (refused["success"], refused["ret_msg"]) == (False, "Request not authorized")
        assert not (await sign_in(connection, "wrong"))["success"]
        assert (await ask(connection, op="dance"))["success"] is False
        assert (await sign_in(connection))["success"]
        await ask(connection, op="subscribe", args=["order"])
        await ask(connection, op="unsubscribe", args=["order"])
        assert venue.control("streams")["streams"] == [[]]
