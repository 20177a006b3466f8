"""CORS: off by default, or for exactly the listed origins."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from kit.gateway.in_process import InProcessGateway, open_gateway
from kit.http.asgi_client import AsgiResponse
from kit.http.http_server import serve_http
from kit.http.websocket_client import connect_client
from oms.config import Settings

MINE = "https://app.example"
ASKS = {"Access-Control-Request-Method": "POST"}
EXPOSED = {
    *("idempotent-replayed", "location", "preference-applied", "ratelimit", "ratelimit-policy"),
    *("retry-after", "x-oms-version", "x-ratelimit-limit", "x-ratelimit-remaining"),
    *("x-ratelimit-reset", "x-request-id", "www-authenticate"),
}


@pytest.fixture
async def listed(tmp_path: Path) -> AsyncIterator[InProcessGateway]:
    """A gateway with one allowed origin."""
    settings = Settings.model_validate(
        {"cors_origins": [MINE], "commands": {"body_bytes_max": 2000}}
    )
    async with open_gateway(f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3", settings) as gateway:
        yield gateway


def crossed(answer: AsgiResponse) -> dict[str, str]:
    """Return the CORS headers."""
    return {k: v for k, v in answer.headers.items() if k.startswith("access-control-")}


async def test_cors_is_off_without_origins(gateway: InProcessGateway) -> None:
    answer = await gateway.client("GET", "/oms/accounts", headers={"Origin": MINE})
    assert (answer.status, crossed(answer)) == (200, {})
    asked = await gateway.client("OPTIONS", "/oms/commands", headers={"Origin": MINE} | ASKS)
    assert (asked.status, crossed(asked)) == (405, {})


@pytest.mark.parametrize(
    ("method", "path", "raw", "status"),
    [
        ("GET", "/oms/accounts", b"", 200),
        ("GET", "/none", b"", 404),
        ("POST", "/oms/commands", b"{", 422),
        ("POST", "/oms/commands", b" " * 2001, 413),
    ],
)
async def test_listed_origin_gets_headers_on_every_response(
    listed: InProcessGateway, method: str, path: str, raw: bytes, status: int
) -> None:
    answer = await listed.client(method, path, raw=raw, headers={"Origin": MINE})
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == MINE
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["vary"] == "Origin"
    exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
    assert set(exposed) == EXPOSED


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil",
        "https://a.app.example",
        "HTTPS://APP.EXAMPLE",
        "null",
        "*",
    ],
)
async def test_other_origins_get_no_headers(listed: InProcessGateway, origin: str) -> None:
    answer = await listed.client("GET", "/oms/accounts", headers={"Origin": origin})
    assert (crossed(answer), answer.headers["vary"]) == ({}, "Origin")
    asked = await listed.client("OPTIONS", "/oms/commands", headers={"Origin": origin} | ASKS)
    assert (asked.status, asked.detail["code"]) == (403, "permission_denied")
    assert crossed(asked) == {}


async def test_preflight_requests(listed: InProcessGateway) -> None:
    requested = {"Access-Control-Request-Headers": "x-api-key, Content-Type,idempotency-key"}
    headers = {"Origin": MINE} | ASKS | requested
    answer = await listed.client("OPTIONS", "/oms/commands", key="", headers=headers)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == MINE
    assert "POST" in answer.headers["access-control-allow-methods"].split(", ")
    assert "x-api-key" in answer.headers["access-control-allow-headers"].split(", ")
    assert answer.headers["x-request-id"]
    for other in (
        {"Access-Control-Request-Method": "TRACE"},
        {"Access-Control-Request-Headers": "x-forwarded-for"},
    ):
        refused = await listed.client("OPTIONS", "/oms/commands", headers=headers | other)
        assert refused.status == 403


async def test_listed_origin_still_needs_a_key(listed: InProcessGateway) -> None:
    answer = await listed.client("GET", "/oms/accounts", key="", headers={"Origin": MINE})
    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == MINE


@pytest.mark.parametrize("origins", [["*"], [MINE, "*"]])
def test_wildcard_origin_is_refused(origins: list[str]) -> None:
    with pytest.raises(ValueError, match="exact origins"):
        Settings.model_validate({"cors_origins": origins})


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        (MINE, True),
        (None, True),
        ("https://evil.example", False),
        ("https://app.example.evil", False),
        ("http://app.example", False),
        ("null", False),
    ],
)
async def test_websocket_origins(
    listed: InProcessGateway, origin: str | None, is_let_in: bool
) -> None:
    async with serve_http(listed.app) as server:
        if is_let_in:
            async with connect_client(
                server.websocket_url, listed.client.key, origin=origin
            ) as client:
                assert (await client.request("ping"))["event"] == "pong"
        else:
            with pytest.raises(InvalidStatus, match="HTTP 403"):
                async with connect_client(server.websocket_url, listed.client.key, origin=origin):
                    pass
