"""Changes by browser sessions: what needs a confirmation, preferences, and the audit log."""

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.admin_client import AdminClient
from kit.http.browser import Browser
from oms.services.access.authenticate import hash_key


@pytest.fixture
def browser(api: AdminClient) -> Browser:
    """A browser without a session."""
    return Browser(api.client)


async def test_dangerous_changes_need_a_confirmation(api: AdminClient, browser: Browser) -> None:
    await api.user("root", role="admin")
    await browser.login("root")
    kill = {"scope": "account", "scope_id": api.gateway.account_id, "mode": "reduce_only"}
    pulled = await browser("POST", "/risk/kill?wait_ms=0", kill | {"comment": "test"})
    assert pulled.status in (200, 202), pulled.body
    moment = "2020-01-01T00:00:00.000000" + ("Z" if api.dsn.startswith("sqlite") else "")
    execute(api.dsn, f"UPDATE kill_switches SET created_at = '{moment}'")
    release = f"/risk/kill/{pulled.json()['id']}/release?wait_ms=0"
    over = {"comment": "over", "confirm": f"RELEASE account {api.gateway.account_id}"}
    policy = {"scope": "global", "keys": {"max_order_notional": "5"}, "comment": "tighter"}
    looser = policy | {"keys": {"max_order_notional": "6"}}
    removed = policy | {"keys": {"max_order_notional": None}}
    assert (await browser("PUT", "/risk/policy", policy)).status == 200
    dangerous = [
        ("POST", release, over),
        ("POST", "/admin/api-keys", {"user_id": 1}),
        ("PATCH", "/admin/users/1", {"role": "trader"}),
        ("POST", "/user/api-keys", {"label": "new"}),
        ("POST", "/risk/switch", {"enabled": True, "comment": "on"}),
        ("POST", "/risk/reset", {"account_id": 1, "key": "max_total_drawdown_pct", "comment": "x"}),
        ("PUT", "/risk/policy", looser),
        ("PUT", "/risk/policy", removed),
    ]
    for method, target, body in dangerous:
        answer = await browser(method, target, body)
        assert (answer.status, answer.detail["code"]) == (403, "confirmation_required"), target
    assert (await browser("GET", "/admin/users")).status == 200
    disable = {"enabled": False, "kind": "soft", "comment": "off"}
    assert (await browser("POST", "/risk/switch?wait_ms=0", disable)).status in (200, 202)
    await browser.confirm()
    assert (await browser("PUT", "/risk/policy", looser)).status == 200
    released = await browser("POST", release, over)
    assert released.status in (200, 202), released.body
    assert (await browser("POST", "/user/api-keys", {"label": "new"})).status == 200


async def test_request_that_began_before_a_confirmation_keeps_it(
    api: AdminClient, browser: Browser
) -> None:
    await api.user()
    await browser.login()
    sessions = api.gateway.api_context.browser_access.sessions
    began = await sessions.authenticate.session(browser.text)
    await browser.confirm()
    await sessions.extend(browser.text, began)
    assert (await browser("POST", "/user/api-keys", {"label": "new"})).status == 200


async def test_confirmation_that_another_process_stored_counts_at_once(
    api: AdminClient, browser: Browser
) -> None:
    await api.user()
    await browser.login()
    authenticate = api.gateway.api_context.authenticate
    cached = await authenticate.session(browser.text)
    await browser.confirm()
    assert cached.session is not None
    authenticate.update_session(browser.text, confirmed_until=cached.session.confirmed_until)
    assert (await browser("POST", "/user/api-keys", {"label": "new"})).status == 200


async def test_preferences_are_kept_as_sent(api: AdminClient, browser: Browser) -> None:
    await api.user()
    await browser.login()
    assert (await browser("GET", "/user/preferences")).json()["preferences"] == {}
    sent = {"theme": "dark", "columns": [1, 2.5, None], "name": "Grüße ☂", "deep": {"a": True}}
    assert (await browser("PUT", "/user/preferences", sent)).json()["preferences"] == sent
    assert (await browser("GET", "/user/preferences")).json()["preferences"] == sent
    assert (await browser("GET", "/auth/me")).json()["preferences"] == sent
    assert (await browser("PUT", "/user/preferences", [1])).status == 422
    big = await browser("PUT", "/user/preferences", {"x": "y" * 16_384})
    assert (big.status, big.detail["code"]) == (413, "payload_too_large")
    most = {"x": "y" * (16_384 - len('{"x": ""}'))}
    assert (await browser("PUT", "/user/preferences", most)).status == 200


async def test_audit_names_what_happened_without_a_text(api: AdminClient, browser: Browser) -> None:
    made = await api.user()
    second = await api.admin("POST", "/admin/api-keys", {"user_id": made["user_id"]})
    first = await browser.login()
    texts = [browser.text]
    await browser.confirm()
    changed = await browser("PATCH", "/auth/session", {"api_key_id": second.json()["api_key_id"]})
    browser.csrf_token = changed.json()["csrf_token"]
    texts.append(browser.text)
    await Browser(api.client)("POST", "/auth/session", {"mode": "api_key", "api_key": "oms_no"})
    await browser("POST", "/auth/logout")
    rows = fetch_rows(
        api.dsn,
        "SELECT action, after_json FROM audit_log WHERE action LIKE 'session%'"
        " OR action LIKE 'log%' ORDER BY id",
    )
    session_id = first["session"]["session_id"]
    assert [row[0] for row in rows] == [
        "login",
        "session_confirmed",
        "session_key_changed",
        "login_failed",
        "logout",
    ]
    for index in (0, 4):
        assert f'"token_id":{session_id},"kind":"session","mode":"password"' in rows[index][1]
    stored = str([fetch_rows(api.dsn, f"SELECT * FROM {name}") for name in ("auth_tokens",)])
    logged = str(fetch_rows(api.dsn, "SELECT * FROM audit_log"))
    for text in texts:
        assert text not in stored + logged and hash_key(text) not in logged
    assert hash_key(texts[-1]) in stored
