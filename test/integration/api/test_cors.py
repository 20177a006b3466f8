"""Pages of other origins: off, or exactly those that are listed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from kit.gateway.in_process import InProcessGateway, open_gateway
from kit.http.asgi_client import AsgiResponse
from kit.http.websocket_client import connect_client, serve_app
from oms.config import EventSettings, Settings

MINE = "https://desk.example"
ASKS = {"Access-Control-Request-Method": "POST"}
EXPOSED = {
    *("idempotent-replayed", "location", "preference-applied", "ratelimit", "ratelimit-policy"),
    *("retry-after", "x-oms-version", "x-ratelimit-limit", "x-ratelimit-remaining"),
    *("x-ratelimit-reset", "x-request-id", "www-authenticate"),
}


@pytest.fixture
async def listed(tmp_path: Path) -> AsyncIterator[InProcessGateway]:
    """An office that lists one origin."""
    settings = Settings.model_validate(
        {"cors_origins": [MINE], "commands": {"body_bytes_max": 2000}}
    )
    async with open_gateway(f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3", settings) as gateway:
        yield gateway


def crossed(answer: AsgiResponse) -> dict[str, str]:
    """The headers that are for pages of other origins."""
    return {k: v for k, v in answer.headers.items() if k.startswith("access-control-")}


async def test_off_where_none_is_listed(gateway: InProcessGateway) -> None:
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
async def test_a_listed_origin_reads_every_answer(
    listed: InProcessGateway, method: str, path: str, raw: bytes, status: int
) -> None:
    answer = await listed.client(method, path, raw=raw, headers={"Origin": MINE})
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == MINE
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["vary"] == "Origin"
    exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
    assert set(exposed) == EXPOSED


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://desk.example",
        "https://desk.example:8443",
        "https://desk.example.evil",
        "https://a.desk.example",
        "HTTPS://DESK.EXAMPLE",
        "null",
        "*",
    ],
)
async def test_other_origins_read_nothing(listed: InProcessGateway, origin: str) -> None:
    answer = await listed.client("GET", "/oms/accounts", headers={"Origin": origin})
    assert (crossed(answer), answer.headers["vary"]) == ({}, "Origin")
    asked = await listed.client("OPTIONS", "/oms/commands", headers={"Origin": origin} | ASKS)
    assert (asked.status, asked.detail["code"]) == (403, "permission_denied")
    assert crossed(asked) == {}


async def test_a_browser_asks_before_it_asks(listed: InProcessGateway) -> None:
    wished = {"Access-Control-Request-Headers": "x-api-key, Content-Type,idempotency-key"}
    headers = {"Origin": MINE} | ASKS | wished
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


async def test_a_page_needs_a_key_all_the_same(listed: InProcessGateway) -> None:
    answer = await listed.client("GET", "/oms/accounts", key="", headers={"Origin": MINE})
    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == MINE


@pytest.mark.parametrize("origins", [["*"], [MINE, "*"]])
def test_any_origin_is_refused(origins: list[str]) -> None:
    with pytest.raises(ValueError, match="exact origins"):
        Settings.model_validate({"cors_origins": origins})


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        (MINE, True),
        (None, True),
        ("https://evil.example", False),
        ("https://desk.example.evil", False),
        ("http://desk.example", False),
        ("null", False),
    ],
)
async def test_sockets_of_pages(
    listed: InProcessGateway, origin: str | None, is_let_in: bool
) -> None:
    async with serve_app(listed.app, EventSettings()) as url:
        if is_let_in:
            async with connect_client(url, listed.client.key, origin=origin) as ear:
                assert (await ear.request("ping"))["event"] == "pong"
        else:
            with pytest.raises(InvalidStatus, match="HTTP 403"):
                async with connect_client(url, listed.client.key, origin=origin):
                    pass
