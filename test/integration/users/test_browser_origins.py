"""Origins, TLS and foreign pages: which requests and sockets a session cookie opens."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.admin_client import PASSWORD, AdminClient
from kit.gateway.in_process import InProcessGateway, open_gateway, open_second
from kit.http.asgi_websocket import connect_websocket
from kit.http.browser import Browser
from oms.config import Settings

LISTED = "https://app.example"
LOGIN = {"mode": "password", "user_name": "ann", "password": PASSWORD}
PROXIED = {"x_forwarded_proto": "https", "x_forwarded_for": "203.0.113.9"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[AdminClient]:
    """A gateway behind a proxy on this machine, with a listed origin and a user."""
    dsn = f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3"
    settings = Settings.model_validate(
        {
            "access_cache_seconds": 0.2,
            "cors_origins": [LISTED],
            "trusted_proxies": ["127.0.0.1/32"],
        }
    )
    async with open_gateway(dsn, settings) as gateway:
        client = AdminClient(gateway, dsn)
        permissions = [{"account_id": gateway.account_id, "can_trade": True}]
        await client.user(permissions=permissions)
        yield client


async def test_over_tls_the_cookie_is_bound_to_the_host(api: AdminClient) -> None:
    browser = Browser(api.client, host="oms.example.com", scheme="https")
    answer = await browser("POST", "/auth/session", LOGIN, **PROXIED)
    assert answer.status == 200, answer.body
    assert answer.headers["set-cookie"] == (
        f"__Host-oms_sid={browser.text}; Path=/; Secure; HttpOnly; SameSite=Strict"
    )
    browser.csrf_token = answer.json()["csrf_token"]
    assert (await browser("POST", "/auth/session/touch", **PROXIED)).status == 200
    out = await browser("POST", "/auth/logout", **PROXIED)
    assert out.headers["set-cookie"].startswith("__Host-oms_sid=; Path=/; Secure;")
    assert browser.cookies == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"x_forwarded_for": "203.0.113.9"},
        {"x_forwarded_for": "203.0.113.9", "x_forwarded_proto": "http"},
        {"x_forwarded_for": "203.0.113.9", "x_forwarded_proto": "https, http"},
        {"host": "oms.example.com"},
    ],
)
async def test_sessions_need_tls_beyond_this_machine(
    api: AdminClient, headers: dict[str, str]
) -> None:
    answer = await Browser(api.client)("POST", "/auth/session", LOGIN, **headers)
    assert (answer.status, answer.detail["code"]) == (403, "session_needs_tls")
    browser = Browser(api.client)
    await browser.login()
    later = await browser("GET", "/auth/me", **headers)
    is_same_host = "host" not in headers
    assert later.detail["code"] == ("session_needs_tls" if is_same_host else "missing_api_key")


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"x_csrf_token": None}, "token"),
        ({"x_csrf_token": "x" * 43}, "token"),
        ({"origin": None}, "origin"),
        ({"origin": "https://evil.example"}, "origin"),
        ({"origin": LISTED}, "origin"),
        ({"origin": "null"}, "origin"),
        ({"content_type": "text/plain"}, "content_type"),
        ({"content_type": None}, "content_type"),
        ({"sec_fetch_site": "cross-site"}, "fetch_site"),
        ({"sec_fetch_site": "same-site"}, "fetch_site"),
        ({"sec_fetch_site": "none"}, "fetch_site"),
    ],
)
async def test_requests_of_foreign_pages_are_refused(
    api: AdminClient, headers: dict[str, str | None], reason: str
) -> None:
    browser = Browser(api.client)
    await browser.login()
    for method, target, body in (
        ("POST", "/oms/commands", api.gateway.command()),
        ("PATCH", "/user/profile", {"user_name": "eve"}),
    ):
        answer = await browser(method, target, body, **headers)
        assert (answer.status, answer.detail["code"]) == (403, "csrf_failed")
        assert answer.detail["reason"] == reason
    assert fetch_rows(api.dsn, "SELECT COUNT(*) FROM oms_commands") == [(0,)]
    assert "access-control-allow-credentials" not in answer.headers
    if reason != "token":
        login = await Browser(api.client)("POST", "/auth/session", LOGIN, **headers)
        assert (login.status, login.detail["reason"]) == (403, reason)
    text = (await api.client("GET", "/metrics")).body.decode()
    count = 2 if reason == "token" else 3
    assert f'oms_csrf_refused_total{{reason="{reason}"}} {count}.0' in text


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"sec_fetch_site": "cross-site"}, "fetch_site"),
        ({"origin": LISTED}, "origin"),
        ({"origin": "https://evil.example"}, "origin"),
    ],
)
async def test_reads_of_foreign_pages_are_refused(
    api: AdminClient, headers: dict[str, str | None], reason: str
) -> None:
    browser = Browser(api.client)
    await browser.login()
    assert (await browser("GET", "/oms/accounts", **headers)).detail["reason"] == reason
    allowed = await browser("GET", "/oms/accounts", sec_fetch_site=None, origin=browser.origin)
    assert allowed.status == 200


async def test_socket_of_the_own_origin_is_known_by_the_cookie(api: AdminClient) -> None:
    browser = Browser(api.client)
    caller = await browser.login()
    app, account_ids = api.gateway.app, [api.gateway.account_id]
    async with connect_websocket(app, headers=browser.handshake()) as socket:
        reply = await socket.request("subscribe", {"account_ids": account_ids})
        assert reply["event"] == "subscribed"
        who = await socket.request("auth", {"api_key": api.client.key})
        assert who["payload"]["api_key_id"] != caller["api_key"]["api_key_id"]
        await browser("POST", "/auth/logout")
        assert (await socket.request("ping", {}))["event"] == "pong"
    for origin in (LISTED, None):
        async with connect_websocket(app, headers=browser.handshake(origin=origin)) as socket:
            reply = await socket.request("subscribe", {"account_ids": account_ids})
            assert reply["payload"]["code"] == "not_authenticated"
    for origin in ("https://evil.example", "https://127.0.0.1:8000", "http://127.0.0.1:8001"):
        with pytest.raises(AssertionError, match=r"websocket\.close"):
            async with connect_websocket(app, headers=browser.handshake(origin=origin)):
                pass


async def test_socket_with_an_ended_session_is_closed(api: AdminClient) -> None:
    browser = Browser(api.client)
    await browser.login()
    headers = browser.handshake()
    await browser("POST", "/auth/logout")
    with pytest.raises(AssertionError, match="1008"):
        async with connect_websocket(api.gateway.app, headers=headers):
            pass


async def test_page_is_warned_before_its_session_ends(api: AdminClient) -> None:
    browser = Browser(api.client)
    caller = await browser.login()
    soon = (datetime.now(UTC) + timedelta(seconds=55)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    async with connect_websocket(api.gateway.app, headers=browser.handshake()) as socket:
        execute(api.dsn, f"UPDATE auth_tokens SET expires_at = '{soon}'")
        while (frame := await socket.receive())["event"] != "session_expiring":
            pass
    ends_at = caller["session"]["ends_at"]
    assert frame["payload"] == {"ends_at": ends_at, "idle_ends_at": soon}
    assert (frame["namespace"], frame["id"]) == ("system", None)


async def test_two_gateways_of_one_machine_keep_their_sessions(
    api: AdminClient, tmp_path: Path
) -> None:
    """Browsers send the cookies of one host to all of its ports."""
    async with open_gateway(f"sqlite+aiosqlite:///{tmp_path}/second.sqlite3") as second:
        other_api = AdminClient(second, "")
        await other_api.user()
        first, other = Browser(api.client), Browser(second.client, host="127.0.0.1:8001")
        await first.login()
        await other.login()
        first.cookies = other.cookies = first.cookies | other.cookies
        assert (await first("GET", "/auth/me")).status == 200
        assert (await other("POST", "/auth/session/touch")).status == 200


async def test_disabled_key_ends_its_sessions_on_another_process(api: AdminClient) -> None:
    browser = Browser(api.client)
    caller = await browser.login()
    settings = api.gateway.api_context.settings
    async with open_second(api.dsn, settings) as app:
        elsewhere = Browser(type(api.client)(app), cookies=dict(browser.cookies))
        elsewhere.csrf_token = browser.csrf_token
        assert (await elsewhere("POST", "/auth/session/touch")).status == 200
        async with connect_websocket(app, headers=elsewhere.handshake()) as socket:
            await socket.request("ping", {})
            target = f"/admin/api-keys/{caller['api_key']['api_key_id']}"
            assert (await api.admin("PATCH", target, {"status": "disabled"})).status == 200
            assert await socket.closed() == 4401
        assert (await elsewhere("GET", "/auth/me")).status == 401


async def test_own_origin_is_the_setting(api: AdminClient, tmp_path: Path) -> None:
    settings = Settings.model_validate({"public_url": "https://oms.example.org/"})
    dsn = f"sqlite+aiosqlite:///{tmp_path}/public.sqlite3"
    async with open_gateway(dsn, settings) as gateway:
        await AdminClient(gateway, dsn).user()
        browser = Browser(gateway.client)
        assert (await browser("POST", "/auth/session", LOGIN)).detail["reason"] == "origin"
        own = "https://oms.example.org"
        answer = await browser("POST", "/auth/session", LOGIN, origin=own)
        # The proxy forwarded neither scheme nor host: the browser has TLS all the same.
        assert (answer.status, list(browser.cookies)) == (200, ["__Host-oms_sid"])
        assert "Secure; HttpOnly" in answer.headers["set-cookie"]
        token = answer.json()["csrf_token"]
        touch = {"origin": own, "x_csrf_token": token}
        assert (await browser("POST", "/auth/session/touch", **touch)).status == 200
        async with connect_websocket(gateway.app, headers=browser.handshake(origin=own)) as socket:
            reply = await socket.request("subscribe", {"account_ids": [gateway.account_id]})
            assert reply["payload"]["code"] != "not_authenticated"


async def test_plain_http_is_allowed_by_the_setting(tmp_path: Path) -> None:
    settings = Settings.model_validate({"ui": {"allow_plain_http": True}})
    dsn = f"sqlite+aiosqlite:///{tmp_path}/plain.sqlite3"
    async with open_gateway(dsn, settings) as gateway:
        await _login_from_another_host(gateway, dsn)


async def _login_from_another_host(gateway: InProcessGateway, dsn: str) -> None:
    await AdminClient(gateway, dsn).user()
    browser = Browser(gateway.client, host="10.0.0.5:8080")
    await browser.login()
    assert list(browser.cookies) == ["oms_sid_8080"]
    assert (await browser("POST", "/auth/session/touch")).status == 200
