"""Senders of signals, and the commands that their signals become."""

import json
from typing import Any

from kit.databases.sql import fetch_rows
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from kit.http.asgi_client import AsgiResponse

SECRET = "topsecret"
ALERT = (
    b'{"ticker":"BTCUSDT","action":"buy","order_type":"market","quantity":0.001,"price":50000,'
    b'"strategy":"my_strategy","alert_id":"alert_123"}'
)
#: HMAC-SHA256 of the 136 bytes of ``ALERT`` with ``SECRET``.
SIGNATURE = "e04f64371cd77900519d6d41d58c0a67f1d62780a4dea6cd976e0b24982fa814"
BOUNCE = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "price": 100,
    "timestamp": "2025-01-01T00:00:00Z",
    "exchange": "bitget",
    "timeframe_min": 5,
    "strategy": "bounce_ema10_strict",
}


async def add_source(gateway: InProcessGateway, kind: str, **fields: object) -> dict[str, Any]:
    """Create a source of the first account; returns the answer."""
    body: dict[str, object] = {"name": f"{kind}-source", "kind": kind}
    if "account_group_id" not in fields:
        body["account_id"] = gateway.account_id
    answer = await gateway.client("POST", "/signals/sources", body | fields, key=ADMIN_KEY)
    assert answer.status == 200, answer.body
    created: dict[str, Any] = answer.json()
    return created


async def post(gateway: InProcessGateway, path: str, body: object, **headers: str) -> AsgiResponse:
    """Post a signal without an API key."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    if isinstance(body, bytes):
        return await gateway.client("POST", path, raw=body, key="", headers=named)
    return await gateway.client("POST", path, body, key="", headers=named)


def commands(dsn: str) -> list[dict[str, Any]]:
    """Return the payloads of the stored signal commands."""
    text = "SELECT payload_json FROM oms_commands WHERE command_type = 'signal' ORDER BY id"
    return [json.loads(row[0]) for row in fetch_rows(dsn, text)]
