"""HTTP requests to a gateway under test, by the standard library."""

import json
import urllib.error
import urllib.request
from typing import Any, Protocol


class Reachable(Protocol):
    """The address of a gateway and a key for it."""

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
    """Returns status, JSON body and headers (lower case); ``raw`` replaces ``body``.

    ``key`` is by default that of the gateway's trader; an empty one is not sent.
    """
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    request_headers = {"content-type": "application/json"}
    if key != "":
        request_headers["x-api-key"] = key or gateway.api_key
    request = urllib.request.Request(
        gateway.base_url + path, data=data, method=method, headers=request_headers | (headers or {})
    )
    try:
        with urllib.request.urlopen(request, timeout=seconds) as response:
            response_headers = {name.lower(): value for name, value in response.headers.items()}
            return response.status, json.loads(response.read()), response_headers
    except urllib.error.HTTPError as error_response:
        with error_response:
            response_headers = {
                name.lower(): value for name, value in error_response.headers.items()
            }
            return error_response.code, json.loads(error_response.read()), response_headers


def get(gateway: Reachable, path: str) -> Any:
    """Returns the body of a GET, which must have status 200."""
    status, body, _ = call(gateway, "GET", path)
    assert status == 200, (status, body)
    return body


def post_order(
    gateway: Reachable, account_id: int, *, wait_ms: int = 10_000, **payload: object
) -> Any:
    """Sends a small market buy, changed by ``payload``; returns the body of a 2xx response."""
    order = {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "market", "qty": "0.01"}
    command = {
        "account_id": account_id,
        "command": "send_order",
        "payload": order | payload,
    }
    status, body, _ = call(gateway, "POST", f"/oms/commands?wait_ms={wait_ms}", command)
    assert 200 <= status < 300, (status, body)
    return body
