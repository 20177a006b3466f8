"""Frames of a real session match the AsyncAPI document, both sent and received ones."""

import asyncio
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from websockets.asyncio.client import ClientConnection, connect

from kit.gateway.processes import Gateway
from kit.http.event_pages import ROOT, documented_actions

DOCUMENT: dict[str, Any] = json.loads(
    (ROOT / "docs" / "reference" / "asyncapi.json").read_text(encoding="utf-8")
)
SYMBOL = "BTC/USDT:USDT"
SECONDS_MAX = 30


def test_a_session_matches_the_document(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    try:
        gateway.start()
        sent, received = asyncio.run(_session(gateway))
    finally:
        gateway.stop()
    assert {frame["action"] for frame in sent} >= {action.name for action in documented_actions()}
    wrong = [(f["action"], why) for f in sent if (why := _mismatch(f["action"], f)) is not None]
    assert wrong == []
    named = {frame["event"] for frame in received}
    assert named >= {action.reply for action in documented_actions()} | {
        *("connected", "error", "heartbeat", "ticker_updated"),
        *("snapshot_open_orders", "snapshot_open_positions", "snapshot_done"),
        *("order_updated", "deal_updated", "position_updated", "command_updated"),
        *("order_submitted", "deal_created", "position_closed"),
    }
    wrong = [(f["event"], why) for f in received if (why := _mismatch(f["event"], f)) is not None]
    assert wrong == []


def _mismatch(name: str, frame: dict[str, Any]) -> str | None:
    """Return how a frame differs from its message: values, missing and additional keys."""
    message = DOCUMENT["components"]["messages"].get(name)
    if message is None:
        return "no such message"
    whole = {**message["payload"], "components": DOCUMENT["components"]}
    for error in Draft202012Validator(whole).iter_errors(frame):
        return f"{error.json_path}: {error.message[:300]}"
    return None


async def _session(gateway: Gateway) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return all frames sent and all frames received."""
    sent: list[dict[str, Any]] = []
    received: list[dict[str, Any]] = []
    url = gateway.base_url.replace("http", "ws") + "/ws"
    async with connect(url) as socket:
        for number, frame in enumerate(_frames(gateway), 1):
            sent.append({"id": number, **frame})
            await socket.send(json.dumps(sent[-1]))
            await _until(socket, received, lambda frame, number=number: frame["id"] == number)
            if frame["action"] == "subscribe":
                await _until(socket, received, lambda frame: frame["event"] == "heartbeat")
            if frame["action"] == "subscribe_market":
                await _until(socket, received, lambda frame: frame["event"] == "ticker_updated")
    return sent, received


async def _until(socket: ClientConnection, received: list[dict[str, Any]], meant: Any) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while not received or not any(meant(frame) for frame in received):
            received.append(json.loads(await socket.recv()))


def _frames(gateway: Gateway) -> list[dict[str, Any]]:
    account = gateway.netting_account_id
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "qty": "0.01"}
    market = {"account_id": account, "symbol": SYMBOL}
    deadman = {"account_ids": [account], "timeout_seconds": 600, "action": "cancel_entries"}
    subscription = {"account_ids": [account], "heartbeat_ms": 1000}
    subscription["namespaces"] = ["position", "command", "risk"]
    listed: list[tuple[str, str, dict[str, Any]]] = [
        ("system", "ping", {}),
        ("system", "auth", {"api_key": gateway.api_key}),
        ("system", "subscribe", subscription),
        ("position", "command", _command(account, "send_order", order) | {"wait_ms": 5000}),
        ("position", "command", _command(account, "close_all", {}) | {"wait_ms": 5000}),
        ("ccxt", "call", {"account_id": account, "func": "fetch_ticker", "args": [SYMBOL]}),
        ("ccxt", "call", {"account_id": account, "func": "create_order"}),
        ("risk", "arm_deadman", deadman),
        ("ccxt", "subscribe_market", market | {"channels": ["ticker"]}),
        ("ccxt", "unsubscribe_market", market),
        ("system", "unsubscribe", {}),
    ]
    return [{"namespace": n, "action": a, "payload": p} for n, a, p in listed]


def _command(account_id: int, command: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"account_id": account_id, "command": command, "payload": payload}
