"""Nothing of a request is read before its caller is authenticated.

But of signals, whose bodies are small, and may hold a secret or be signed.
"""

import re
from typing import Any

import pytest
from starlette.types import Message

from kit.gateway.in_process import InProcessGateway
from oms.api.app import served_routes
from oms.api.middleware.idempotency import LOGIN_PATHS, METHODS

#: Where senders of signals post, with a path token or without.
SIGNAL = re.compile(r"(/in/\{path_token\})?/signals/(bounce|trade|tradingview)(/\{path_token\})?")
CHANGING = sorted(
    (method, route.path)
    for route in served_routes()
    for method in route.methods or ()
    if method in METHODS and route.path not in LOGIN_PATHS and not SIGNAL.fullmatch(route.path)
)


@pytest.mark.parametrize("key", ["", "oms_not-a-key"])
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k1"}], ids=["", "idempotency"])
@pytest.mark.parametrize(("method", "path"), CHANGING)
async def test_body_is_not_read(
    gateway: InProcessGateway, method: str, path: str, headers: dict[str, str], key: str
) -> None:
    target = path.replace("{entity}", "orders").replace("{func}", "fetch_ticker")
    for name in ("account_id", "user_id", "api_key_id", "order_id", "discrepancy_id"):
        target = target.replace(f"{{{name}}}", "1")
    for name in ("strategy_id", "kill_id", "deadman_id"):
        target = target.replace(f"{{{name}}}", "1")
    sent: list[Message] = []

    async def receive() -> Message:
        pytest.fail("the body was read")

    async def send(message: Message) -> None:
        sent.append(message)

    named = {"x-api-key": key, "content-type": "application/json"} | headers
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": target,
        "raw_path": target.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(k.lower().encode(), v.encode()) for k, v in named.items() if v],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await gateway.app(scope, receive, send)
    assert sent[0]["status"] == 401
