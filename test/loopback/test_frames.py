"""Stream faults frame by frame, on a plain WebSocket."""

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


async def send(socket: ClientConnection, **frame: Any) -> dict[str, Any]:
    """Sends an operation; returns the reply."""
    await socket.send(json.dumps(frame))
    reply: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), SECONDS_MAX))
    return reply


async def authenticate(socket: ClientConnection, secret: str = "secret-a") -> dict[str, Any]:
    """Authenticates as documented by Bybit; returns the reply."""
    expires = int(time.time() * 1000) + 10_000
    text = f"GET/realtime{expires}".encode()
    signature = hmac.new(secret.encode(), text, "sha256").hexdigest()
    return await send(socket, op="auth", args=["loop-a", expires, signature])


@pytest.fixture
async def socket(venue: LoopbackExchange) -> AsyncIterator[ClientConnection]:
    """Yields a private stream with a subscription to orders."""
    async with connect(f"ws://127.0.0.1:{venue.port}/v5/private") as connection:
        assert (await authenticate(connection))["success"]
        assert (await send(connection, op="subscribe", args=["order"]))["success"]
        yield connection


async def receive_until_pong(socket: ClientConnection) -> list[tuple[str, str]]:
    """Returns client id and status of every row received before the reply to a ping."""
    frames = []
    await socket.send(json.dumps({"op": "ping", "req_id": "1"}))
    while "data" in (frame := json.loads(await asyncio.wait_for(socket.recv(), SECONDS_MAX))):
        frames += [(row["orderLinkId"], row["orderStatus"]) for row in frame["data"]]
    assert frame["op"] == "pong"
    return frames


def place_and_cancel(bybit: ccxt.bybit, name: str) -> None:
    """Places a resting order and cancels it."""
    created = bybit.create_order(LINEAR, "limit", "buy", 0.01, 40_000, {"clientOrderId": name})
    bybit.cancel_order(created["id"], LINEAR)


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
async def test_immediate_frames(
    venue: LoopbackExchange,
    bybit: ccxt.bybit,
    socket: ClientConnection,
    fault: dict[str, Any],
    frames: list[tuple[str, str]],
) -> None:
    venue.control("fault", **fault)
    place_and_cancel(bybit, "a")
    assert await receive_until_pong(socket) == frames
    venue.control("clear")
    place_and_cancel(bybit, "b")
    assert await receive_until_pong(socket) == [("b", "New"), ("b", "Cancelled")]


@pytest.mark.parametrize(("mode", "immediate"), [("delay", BOTH[1:]), ("dup_late", BOTH)])
async def test_delayed_frames(
    venue: LoopbackExchange,
    bybit: ccxt.bybit,
    socket: ClientConnection,
    mode: str,
    immediate: list[tuple[str, str]],
) -> None:
    bybit.load_markets()
    venue.control("fault", mode=mode, ms=400)
    place_and_cancel(bybit, "a")
    assert await receive_until_pong(socket) == immediate
    late = json.loads(await asyncio.wait_for(socket.recv(), SECONDS_MAX))
    assert late["data"][0]["orderStatus"] == "New"


async def test_held_frames_are_sent_by_clear(
    venue: LoopbackExchange, bybit: ccxt.bybit, socket: ClientConnection
) -> None:
    venue.control("fault", mode="hold", frames=100)
    place_and_cancel(bybit, "a")
    assert await receive_until_pong(socket) == []
    venue.control("clear")
    assert await receive_until_pong(socket) == BOTH[::-1]


async def test_authentication_and_subscription(venue: LoopbackExchange) -> None:
    async with connect(f"ws://127.0.0.1:{venue.port}/v5/private") as connection:
        refused = await send(connection, op="subscribe", args=["order"])
        assert (refused["success"], refused["ret_msg"]) == (False, "Request not authorized")
        assert not (await authenticate(connection, "wrong"))["success"]
        assert (await send(connection, op="dance"))["success"] is False
        assert (await authenticate(connection))["success"]
        await send(connection, op="subscribe", args=["order"])
        await send(connection, op="unsubscribe", args=["order"])
        assert venue.control("streams")["streams"] == [[]]
