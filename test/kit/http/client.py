"""Small requests to a gateway under test, over the standard library."""

import json
import urllib.error
import urllib.request
from typing import Any, Protocol


class Reachable(Protocol):
    """A gateway's address and a key for it."""

    base_url: str
    api_key: str


def call(
    gateway: Reachable,
    method: str,
    path: str,
    body: object = None,
    *,
    key: str | None = None,
    raw: bytes | None = None,
    headers: dict[str, str] | None = None,
    seconds: float = 30,
) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON body and headers (lower case) of one request; ``raw`` replaces ``body``."""
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    sent = {"content-type": "application/json", "x-api-key": key or gateway.api_key}
    request = urllib.request.Request(
        gateway.base_url + path, data=data, method=method, headers=sent | (headers or {})
    )
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            told = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, json.loads(answer.read()), told
    except urllib.error.HTTPError as refusal:
        with refusal:
            told = {name.lower(): value for name, value in refusal.headers.items()}
            return refusal.code, json.loads(refusal.read()), told


def get(gateway: Reachable, path: str) -> Any:
    """The body of a GET that must succeed."""
    status, body, _ = call(gateway, "GET", path)
    assert status == 200, (status, body)
    return body


def post_order(
    gateway: Reachable, account_id: int, *, wait_ms: int = 10_000, **payload: object
) -> Any:
    """Send a small market order (or what ``payload`` says); the body of a 2xx answer."""
    order = {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "market", "qty": "0.01"}
    command = {
        "account_id": account_id,
        "command": "send_order",
        "payload": order | payload,
    }
    status, body, _ = call(gateway, "POST", f"/oms/commands?wait_ms={wait_ms}", command)
    assert 200 <= status < 300, (status, body)
    return body
