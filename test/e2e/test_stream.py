"""The event stream of real processes: an order sent by HTTP is reported; crashes lose nothing."""

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from kit.gateway.processes import Gateway
from kit.http.client import call, get, post_order
from kit.http.websocket_client import WebSocketClient, connect_client

SECONDS_MAX = 60.0
ORDERS = 40


def subscription(gateway: Gateway, **more: object) -> dict[str, Any]:
    account_ids = [gateway.netting_account_id]
    namespaces = ["position", "command"]
    return {"account_ids": account_ids, "namespaces": namespaces, "refresh": False} | more


def url_of(gateway: Gateway) -> str:
    return gateway.base_url.replace("http", "ws") + "/ws"


async def test_an_order_sent_by_http_is_reported(gateway: Gateway) -> None:
    async with connect_client(url_of(gateway), gateway.api_key) as client:
        await client.request("subscribe", subscription(gateway))
        done = await client.receive_event("snapshot_done")
        (start,) = (row["seq"] for row in done["payload"]["accounts"])
        answer = await asyncio.to_thread(post_order, gateway, gateway.netting_account_id)
        await client.receive_event("command_updated")
    (result,) = answer["results"]
    assert client.seqs == list(range(start + 1, start + 1 + len(client.seqs)))
    rows = {event["event"]: event["payload"] for event in client.events}
    event_names = ["order_submitted", "deal_created", "deal_updated", "order_updated"]
    assert list(rows) == [*event_names, "position_updated", "command_updated"]
    assert rows["order_updated"]["id"] == result["order_id"]
    assert rows["order_updated"]["status"] == "FILLED"
    assert rows["deal_updated"]["order_id"] == result["order_id"]
    assert rows["position_updated"]["id"] == rows["deal_updated"]["position_id"]
    assert rows["command_updated"]["command_id"] == result["command_id"]


@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
async def test_crashes_in_the_middle_lose_no_event(
    gateway_on: Callable[..., Gateway], database: str
) -> None:
    gateway = await asyncio.to_thread(gateway_on, database)
    start = _head(gateway)
    received: list[tuple[int, int]] = []
    crashing = asyncio.create_task(asyncio.to_thread(_trade_among_crashes, gateway))
    deadline = time.monotonic() + SECONDS_MAX
    connections = 0
    while not (crashing.done() and received and received[-1][0] >= _head(gateway)):
        assert time.monotonic() < deadline, gateway.log_tail()
        connections += 1
        await _receive_until_lost(
            gateway, received[-1][0] if received else start, received, crashing
        )
    await crashing
    assert connections > 1, "the connection to the API was never lost"
    numbers = [start, *(seq for seq, _ in received)]
    assert numbers == list(range(start, start + len(numbers)))
    assert [prev for _, prev in received] == [before for before, _ in pairwise(numbers)]
    assert len(received) >= ORDERS * 6
    await _resumed_by_event_id(gateway)


async def _resumed_by_event_id(gateway: Gateway) -> None:
    target = f"/oms/events?account_ids={gateway.netting_account_id}&limit=100"
    event = get(gateway, target)["items"][-1]
    async with connect_client(url_of(gateway), gateway.api_key) as client:
        await client.send("subscribe", subscription(gateway, from_event_id=event["event_id"]))
        await client.receive_seq(_head(gateway))
    assert client.seqs == list(range(event["seq"] + 1, _head(gateway) + 1))


async def _receive_until_lost(
    gateway: Gateway, after: int, received: list[tuple[int, int]], crashing: "asyncio.Task[None]"
) -> None:
    """Receive events until the connection is lost, or nothing more is to come."""
    resumed = subscription(gateway, from_seq={str(gateway.netting_account_id): after})
    try:
        async with connect_client(url_of(gateway), gateway.api_key) as client:
            await client.send("subscribe", resumed)
            while not (crashing.done() and received and received[-1][0] >= _head(gateway)):
                await _receive_one(client, received)
    except (OSError, ConnectionClosed, InvalidHandshake):
        await asyncio.sleep(0.05)  # Between two attempts to connect.


async def _receive_one(client: WebSocketClient, received: list[tuple[int, int]]) -> None:
    frame = await client.receive()
    if "seq" in frame:
        received.append((frame["seq"], frame["prev_seq"]))


def _head(gateway: Gateway) -> int:
    account_id = gateway.netting_account_id
    return int(
        get(gateway, f"/oms/events?account_ids={account_id}&after=now")["heads"][str(account_id)]
    )


def _trade_among_crashes(gateway: Gateway) -> None:
    """Send orders one by one, each until it is done; worker and API are killed in the middle."""
    account_id = gateway.netting_account_id
    for number in range(ORDERS):
        if number in (10, 25):
            gateway.kill("worker")
        if number in (15, 30):
            gateway.kill("api")
        _done(gateway, account_id, f"stream-{number}", "sell" if number % 2 else "buy")


def _done(gateway: Gateway, account_id: int, request_id: str, side: str) -> None:
    order = {"symbol": "BTC/USDT:USDT", "side": side, "order_type": "market", "qty": "0.01"}
    command = {
        "account_id": account_id,
        "request_id": request_id,
        "command": "send_order",
        "payload": order,
    }
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        assert time.monotonic() < deadline, gateway.log_tail()
        try:
            status, body, _ = call(gateway, "POST", "/oms/commands?wait_ms=10000", command)
        except OSError:
            time.sleep(0.05)  # Between two attempts to connect.
            continue
        if status == 200:
            assert body["results"][0]["status"] == "done", body
            return
        assert status in (202, 503), (status, body)
