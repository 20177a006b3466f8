"""Browser sessions: login, cookie, the caller, rotation, times, confirmation, lists, audit."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from kit.databases.sql import fetch_rows
from kit.gateway.admin_client import PASSWORD, AdminClient
from kit.http.asgi_websocket import connect_websocket
from kit.http.browser import Browser
from oms.adapters.clock import SystemClock

COOKIE = re.compile(r"oms_sid_8000=(ses_[A-Za-z0-9_-]{43}); Path=/; HttpOnly; SameSite=Strict")


@pytest.fixture
def browser(api: AdminClient) -> Browser:
    """A browser without a session."""
    return Browser(api.client)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> "MovedClock":
    """The clock of the gateway."""
    moved = MovedClock()
    monkeypatch.setattr(SystemClock, "now", lambda self: moved.now())
    return moved


class MovedClock:
    """A clock that can be set forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC) + self.ahead

    def wait(self, **time: float) -> None:
        """Sets the clock forward."""
        self.ahead += timedelta(**time)


async def _trader(api: AdminClient, name: str = "ann", **more: object) -> dict[str, object]:
    flags = {"can_trade": True, "can_close_position": True}
    permissions = [{"account_id": api.gateway.account_id} | flags]
    return await api.user(name, permissions=permissions, **more)


async def test_page_logs_in_reads_trades_listens_and_logs_out(
    api: AdminClient, browser: Browser
) -> None:
    made, account_id = await _trader(api), api.gateway.account_id
    body = {"mode": "password", "user_name": "ann", "password": PASSWORD}
    answer = await browser("POST", "/auth/session", body)
    found = COOKIE.fullmatch(answer.headers["set-cookie"])
    assert answer.status == 200 and found
    assert found[1].encode() not in answer.body
    caller = answer.json()
    browser.csrf_token = caller["csrf_token"]
    assert caller["auth"] == "session"
    assert caller["api_key"]["api_key_id"] == made["api_key_id"]
    me = (await browser("GET", "/auth/me")).json()
    assert me | {"server": {}} == caller | {"server": {}}
    assert (await browser("GET", f"/oms/orders/open?account_ids={account_id}")).status == 200
    sent = await browser("POST", "/oms/commands?wait_ms=0", api.gateway.command())
    assert sent.status == 202, sent.body
    assert fetch_rows(api.dsn, "SELECT actor_api_key_id FROM oms_commands") == [
        (made["api_key_id"],)
    ]
    async with connect_websocket(api.gateway.app, headers=browser.handshake()) as socket:
        reply = await socket.request("subscribe", {"account_ids": [account_id]})
        assert reply["payload"]["account_ids"] == [account_id]
        out = await browser("POST", "/auth/logout")
        assert (out.status, out.json()) == (200, {"ok": True, "revoked": 1})
        assert out.headers["set-cookie"] == (
            "oms_sid_8000=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
        )
        assert out.headers["clear-site-data"] == '"cache", "storage"'
        assert await socket.closed() == 4401
    assert (await browser("GET", "/auth/me")).detail["code"] == "missing_api_key"


async def test_session_by_key_acts_by_that_key(api: AdminClient, browser: Browser) -> None:
    made = await _trader(api)
    caller = await browser.start({"mode": "api_key", "api_key": made["api_key_plain"]})
    assert caller["session"]["mode"] == "api_key"
    assert [key["api_key_id"] for key in caller["api_keys"]] == [made["api_key_id"]]
    assert (await browser("GET", "/user/profile")).json()["api_key_id"] == made["api_key_id"]
    change = await browser("PATCH", "/auth/session", {"api_key_id": made["api_key_id"]})
    assert (change.status, change.detail["code"]) == (422, "validation_error")


async def test_text_of_a_session_is_no_key(api: AdminClient, browser: Browser) -> None:
    made = await _trader(api)
    await browser.login()
    assert (await browser("GET", "/auth/me")).status == 200  # now the session is cached
    for headers in ({"x-api-key": browser.text}, {"authorization": f"Bearer {browser.text}"}):
        answer = await api.client("GET", "/user/profile", key="", headers=headers)
        assert (answer.status, answer.detail["code"]) == (401, "invalid_api_key")
    async with connect_websocket(api.gateway.app) as socket:
        reply = await socket.request("auth", {"api_key": browser.text})
        assert reply["payload"]["code"] == "invalid_api_key"
    for text in (str(made["api_key_plain"]), await api.token()):
        browser.cookies = {"oms_sid_8000": text}
        assert (await browser("GET", "/auth/me")).detail["code"] == "missing_api_key"
    weak = {"api_key": "ses_" + "a" * 43}
    refused = await api.client("POST", "/user/api-keys", weak, key=str(made["api_key_plain"]))
    assert refused.detail["code"] == "weak_key"


async def test_header_beside_a_cookie_acts_without_a_token(
    api: AdminClient, browser: Browser
) -> None:
    await _trader(api)
    await browser.login()
    other = await api.user("bob")
    headers = {"cookie": browser.cookie, "origin": "https://evil.example", "host": browser.host}
    named = {"user_name": "robert"}
    answer = await api.client(
        "PATCH", "/user/profile", named, key=str(other["api_key_plain"]), headers=headers
    )
    assert answer.json()["user_id"] == other["user_id"]
    refused = await api.client(
        "GET", "/auth/me", key="", headers=headers | {"authorization": "Basic YTpi"}
    )
    assert refused.detail["code"] == "missing_api_key"


async def test_login_and_change_of_key_make_another_text(
    api: AdminClient, browser: Browser
) -> None:
    made = await _trader(api)
    second = await api.admin("POST", "/admin/api-keys", {"user_id": made["user_id"]})
    first = await browser.login()
    before = dict(browser.cookies)
    again = await browser.login()
    assert browser.cookies != before
    assert again["session"]["session_id"] != first["session"]["session_id"]
    old = Browser(api.client, cookies=before)
    assert (await old("GET", "/auth/me")).detail["code"] == "invalid_api_key"
    key_id, before = second.json()["api_key_id"], dict(browser.cookies)
    changed = await browser("PATCH", "/auth/session", {"api_key_id": key_id})
    assert changed.status == 200, changed.body
    assert changed.json()["api_key"]["api_key_id"] == key_id
    assert changed.json()["session"]["session_id"] == again["session"]["session_id"]
    stale = await browser("POST", "/auth/session/touch")
    assert (stale.status, stale.detail["reason"]) == (403, "token")
    browser.csrf_token = changed.json()["csrf_token"]
    assert (await browser("POST", "/auth/session/touch")).status == 200
    assert (await Browser(api.client, cookies=before)("GET", "/auth/me")).status == 401
    foreign = await api.user("bob")
    refused = await browser("PATCH", "/auth/session", {"api_key_id": foreign["api_key_id"]})
    assert refused.detail["code"] == "api_key_not_allowed"


async def test_cookie_set_before_the_login_is_worthless_after_it(
    api: AdminClient, browser: Browser
) -> None:
    """Session fixation: an attacker knows the text that the victim's browser sends."""
    await _trader(api)
    await api.user("eve")
    attacker = Browser(api.client)
    await attacker.login("eve")
    browser.cookies = dict(attacker.cookies)
    await browser.login()
    assert browser.text != attacker.text
    assert (await attacker("GET", "/auth/me")).status == 401
    browser.cookies = {"oms_sid_8000": "ses_" + "A" * 43}
    await browser.login()
    assert browser.text != "ses_" + "A" * 43


async def test_reads_do_not_extend_a_session_and_touches_do(
    api: AdminClient, browser: Browser, clock: MovedClock
) -> None:
    await _trader(api)
    caller = await browser.login()
    end = datetime.fromisoformat(caller["session"]["ends_at"])
    for _ in range(3):
        clock.wait(minutes=9)
        assert (await browser("GET", "/auth/me")).status == 200
    clock.wait(minutes=3.1)
    assert (await browser("GET", "/auth/me")).detail["code"] == "invalid_api_key"
    await browser.login()
    started = clock.now()
    while clock.now() - started < timedelta(hours=11.5):
        clock.wait(minutes=29)
        answer = await browser("POST", "/auth/session/touch")
        assert answer.status == 200, (clock.now() - started, answer.body)
    body = answer.json()
    assert body["idle_ends_at"] == body["ends_at"]
    assert timedelta(hours=12) - (datetime.fromisoformat(body["ends_at"]) - started) < timedelta(
        seconds=5
    )
    clock.wait(minutes=25)
    assert (await browser("POST", "/auth/session/touch")).status in (200, 401)
    clock.wait(minutes=6)
    assert (await browser("POST", "/auth/session/touch")).status == 401
    assert end < clock.now()


async def test_session_ends_with_its_key(
    api: AdminClient, browser: Browser, clock: MovedClock
) -> None:
    until = (clock.now() + timedelta(minutes=10)).isoformat()
    await _trader(api, restrictions={"expires_at": until})
    caller = await browser.login()
    assert datetime.fromisoformat(caller["session"]["ends_at"]) == datetime.fromisoformat(until)
    clock.wait(minutes=10.1)
    assert (await browser("GET", "/auth/me")).status == 401


async def test_a_user_has_at_most_twenty_sessions(api: AdminClient) -> None:
    made = await _trader(api)
    key = {"mode": "api_key", "api_key": made["api_key_plain"]}
    browsers = [Browser(api.client) for _ in range(21)]
    for each in browsers:
        await each.start(key)
    assert (await browsers[0]("GET", "/auth/me")).status == 401
    assert (await browsers[1]("GET", "/auth/me")).status == 200
    listed = (await browsers[20]("GET", "/user/sessions")).json()["items"]
    assert len(listed) == 20
    assert [row["is_this"] for row in listed] == [False] * 19 + [True]


@pytest.mark.parametrize("ending", ["key", "user", "password", "own password", "all", "revoked"])
async def test_sessions_end_at_once_in_the_process_that_answered(
    api: AdminClient, browser: Browser, ending: str
) -> None:
    made = await _trader(api)
    other, user = Browser(api.client), f"/admin/users/{made['user_id']}"
    session_id = (await browser.login())["session"]["session_id"]
    await other.login()
    async with connect_websocket(api.gateway.app, headers=browser.handshake()) as socket:
        await socket.request("ping", {})
        match ending:
            case "key":
                target = f"/admin/api-keys/{made['api_key_id']}"
                answer = await api.admin("PATCH", target, {"status": "disabled"})
            case "user":
                answer = await api.admin("PATCH", user, {"status": "disabled"})
            case "password":
                answer = await api.admin("PATCH", user, {"password": "seventeen quiet rivers"})
            case "own password":
                change = {"current_password": PASSWORD, "new_password": "seventeen quiet rivers"}
                answer = await other("POST", "/user/password", change)
            case "all":
                answer = await other("POST", "/auth/logout?all=true")
                assert answer.json()["revoked"] == 2
            case _:
                answer = await other("DELETE", f"/user/sessions/{session_id}")
        assert answer.status == 200, answer.body
        assert (await browser("GET", "/auth/me")).status == 401
        assert await socket.closed() == 4401
    survives = ending in ("own password", "revoked")
    assert (await other("GET", "/auth/me")).status == (200 if survives else 401)


async def test_admin_lists_and_revokes_sessions(api: AdminClient, browser: Browser) -> None:
    made = await _trader(api)
    session_id = (await browser.login())["session"]["session_id"]
    outsider = await api.user("bob")
    rows = (await api.admin("GET", f"/admin/sessions?user_id={made['user_id']}")).json()["items"]
    assert [(row["session_id"], row["user_name"], row["ip"]) for row in rows] == [
        (session_id, "ann", "127.0.0.1")
    ]
    target = f"/sessions/{session_id}"
    foreign = await api.client("DELETE", f"/user{target}", key=str(outsider["api_key_plain"]))
    assert (foreign.status, foreign.detail["code"]) == (404, "not_found")
    assert (await browser("GET", "/auth/me")).status == 200
    assert (await api.admin("DELETE", f"/admin{target}")).json() == {"ok": True, "revoked": 1}
    assert (await browser("GET", "/auth/me")).status == 401
    assert (await api.admin("DELETE", f"/admin{target}")).status == 404


async def test_both_logins_share_the_lock_of_a_name(api: AdminClient, browser: Browser) -> None:
    made = await _trader(api)
    await browser.login()
    wrong = {"mode": "password", "user_name": "ann", "password": "wrong password"}
    for _ in range(2):
        assert (await api.login(password="wrong password")).status == 401
    other = Browser(api.client)
    for _ in range(2):
        answer = await other("POST", "/auth/session", wrong)
        assert (answer.status, answer.detail["code"]) == (401, "invalid_credentials")
    confirmed = await browser("POST", "/auth/session/confirm", {"password": "wrong password"})
    assert confirmed.detail["code"] == "invalid_credentials"
    assert (await api.login()).detail["code"] == "login_throttled"
    answer = await other("POST", "/auth/session", wrong | {"password": PASSWORD})
    assert (answer.status, answer.detail["code"]) == (429, "login_throttled")
    right = await browser("POST", "/auth/session/confirm", {"password": PASSWORD})
    assert right.detail["code"] == "login_throttled"
    by_key = {"mode": "api_key", "api_key": made["api_key_plain"]}
    assert (await other("POST", "/auth/session", by_key)).status == 200


async def test_logins_by_key_count_for_the_address_alone(
    api: AdminClient, browser: Browser
) -> None:
    made = await _trader(api)
    await api.admin("PATCH", f"/admin/api-keys/{made['api_key_id']}", {"status": "disabled"})
    details = []
    for text in ("oms_unknown", str(made["api_key_plain"]), "tok_x", "x" * 512, *["oms_y"] * 16):
        answer = await browser("POST", "/auth/session", {"mode": "api_key", "api_key": text})
        assert answer.status == 401, answer.body
        details.append(answer.detail | {"request_id": ""})
    assert all(detail == details[0] for detail in details)
    locked = await browser("POST", "/auth/session", {"mode": "api_key", "api_key": "oms_z"})
    assert (locked.status, locked.detail["code"]) == (429, "login_throttled")
    names = fetch_rows(api.dsn, "SELECT DISTINCT user_name FROM login_attempts")
    assert names == [("\napi_key",)]


async def test_confirmation_ends_after_five_minutes(
    api: AdminClient, browser: Browser, clock: MovedClock
) -> None:
    made = await _trader(api)
    await browser.start({"mode": "api_key", "api_key": made["api_key_plain"]})
    second = await api.admin("POST", "/admin/api-keys", {"user_id": made["user_id"]})
    wrong = {"api_key": second.json()["api_key_plain"]}
    refused = await browser("POST", "/auth/session/confirm", wrong)
    assert refused.detail["code"] == "invalid_credentials"
    by_password = await browser("POST", "/auth/session/confirm", {"password": PASSWORD})
    assert by_password.status == 422
    right = await browser("POST", "/auth/session/confirm", {"api_key": made["api_key_plain"]})
    assert right.status == 200, right.body
    assert (await browser("POST", "/user/api-keys", {})).status == 200
    clock.wait(minutes=5.1)
    late = await browser("POST", "/user/api-keys", {})
    assert late.detail["code"] == "confirmation_required"
