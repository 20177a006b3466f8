"""Addresses behind a reverse proxy, over TCP: what a caller writes before the proxy counts nothing.

The test is the proxy: it connects from 127.0.0.1 and adds the last line of ``X-Forwarded-For``.
"""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from kit.gateway.admin_client import AdminClient
from kit.gateway.in_process import open_gateway
from kit.http.http_server import serve_http
from oms.config import Settings

CLIENT = "203.0.113.9"
ALLOWED = "198.51.100.7"
#: Lines of the header, as a caller at ``CLIENT`` can make a proxy send them.
FORGED = [
    [f"{ALLOWED}, {CLIENT}"],
    [ALLOWED, CLIENT],
    [ALLOWED, ALLOWED, CLIENT],
    [ALLOWED, f"{ALLOWED}, {CLIENT}:4711"],
    [ALLOWED, f"::ffff:{CLIENT}"],
    [ALLOWED, CLIENT, ""],
    [ALLOWED, "unknown"],
    [ALLOWED, "_hidden"],
]
LOOPBACK = [[line.replace(ALLOWED, "127.0.0.1") for line in lines] for lines in FORGED]


class ProxiedClient:
    """A client of the gateway behind a proxy on this host."""

    def __init__(self, url: str, admin: AdminClient) -> None:
        self.url = url
        self.admin = admin
        self._port = int(url.removesuffix("/ws").rpartition(":")[2])

    async def send(
        self, method: str, path: str, lines: list[str], *, key: str = "", body: object = None
    ) -> tuple[int, Any]:
        """Send a request with these lines of the header; return status and parsed error."""
        return await asyncio.to_thread(self._send, method, path, lines, key, body)

    def _send(
        self, method: str, path: str, lines: list[str], key: str, body: object
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        connection.putrequest(method, path)
        for line in lines:
            connection.putheader("X-Forwarded-For", line)
        if key:
            connection.putheader("x-api-key", key)
        data = b"" if body is None else json.dumps(body).encode()
        connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        is_json = response.headers["content-type"] == "application/json"
        return response.status, json.loads(text).get("detail") if is_json else None

    async def socket_close_code(self, lines: list[str], key: str) -> int | None:
        """Connect with the key; return the code of an immediate close, ``None`` after a hello."""
        headers = [("x-api-key", key), *(("X-Forwarded-For", line) for line in lines)]
        async with connect(self.url, additional_headers=headers) as connection:
            try:
                await connection.recv()
            except ConnectionClosed as closed:
                assert closed.rcvd is not None
                return closed.rcvd.code
        return None


@asynccontextmanager
async def proxied(dsn: str, *trusted: str) -> AsyncIterator[ProxiedClient]:
    """A gateway on a port that trusts the proxies."""
    settings = Settings.model_validate({"access_cache_seconds": 0, "trusted_proxies": trusted})
    async with (
        open_gateway(dsn, settings) as gateway,
        serve_http(gateway.app, events=settings.events) as server,
    ):
        yield ProxiedClient(server.websocket_url, AdminClient(gateway, dsn))


@pytest.fixture
async def client(empty_dsn: str) -> AsyncIterator[ProxiedClient]:
    """A client behind a proxy that the gateway trusts."""
    async with proxied(empty_dsn, "127.0.0.1") as made:
        yield made


async def _restricted_key(client: ProxiedClient, *networks: str) -> str:
    user = await client.admin.user(restrictions={"ip_allowlist": list(networks)})
    return str(user["api_key_plain"])


async def test_the_address_list_of_a_key(client: ProxiedClient) -> None:
    key = await _restricted_key(client, ALLOWED, "127.0.0.0/8")
    for lines in FORGED:
        status, detail = await client.send("GET", "/user/profile", lines, key=key)
        assert (status, detail["code"]) == (403, "ip_not_allowed"), lines
        assert await client.socket_close_code(lines, key) == 1008, lines
    for lines in ([ALLOWED], [CLIENT, ALLOWED], [f"[::ffff:{ALLOWED}]:443"], []):
        status, _ = await client.send("GET", "/user/profile", lines, key=key)
        assert status == 200, lines
        assert await client.socket_close_code(lines, key) is None, lines


async def test_metrics_without_a_key(client: ProxiedClient) -> None:
    for lines in LOOPBACK:
        status, detail = await client.send("GET", "/metrics", lines)
        assert (status, detail["code"]) == (401, "missing_api_key"), lines
    for lines in ([], ["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]):
        assert (await client.send("GET", "/metrics", lines))[0] == 200, lines


async def test_login_failures_count_for_the_client(client: ProxiedClient) -> None:
    body = {"user_name": "name", "password": "a wrong password"}

    async def log_in(number: int, *lines: str) -> int:
        named = body | {"user_name": f"name {number}"}
        return (await client.send("POST", "/auth/login-password", [*lines], body=named))[0]

    for number in range(20):
        assert await log_in(number, f"192.0.2.{number}", CLIENT) == 401
    assert await log_in(20, "192.0.2.99", CLIENT) == 429
    assert await log_in(21, CLIENT, "192.0.2.99") == 401
    for number in range(30, 50):
        assert await log_in(number, f"2001:db8:1:2::{number}") == 401
    assert await log_in(50, "2001:db8:1:2:ffff::1") == 429
    assert await log_in(51, "2001:db8:1:3::1") == 401


async def test_without_trusted_proxies_the_peer_counts(empty_dsn: str) -> None:
    async with proxied(empty_dsn) as client:
        key = await _restricted_key(client, ALLOWED)
        for lines in ([ALLOWED], *FORGED):
            status, detail = await client.send("GET", "/user/profile", lines, key=key)
            assert (status, detail["code"]) == (403, "ip_not_allowed"), lines
            assert await client.socket_close_code(lines, key) == 1008, lines
            assert (await client.send("GET", "/metrics", lines))[0] == 200, lines
