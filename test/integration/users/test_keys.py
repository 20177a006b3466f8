"""API keys: clear text returned once, expiry, addresses, restrictions, last use."""

from datetime import UTC, datetime, timedelta

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.admin_client import PASSWORD, AdminClient
from kit.http.asgi_client import AsgiResponse
from kit.http.websocket_client import wait_for_condition
from oms.services.access.authenticate import hash_key

KEY = {
    "api_key_id",
    "user_id",
    "user_name",
    "role",
    "status",
    "created_at",
    "label",
    "key_prefix",
    "last_used_at",
    "last_used_ip",
    "disabled_by",
    "restrictions",
}
PERMIT = {
    "api_key_id",
    "account_id",
    "can_read",
    "can_trade",
    "can_close_position",
    "can_risk_manage",
    "can_block_new_positions",
    "can_block_account",
    "restrict_to_strategies",
    "strategy_ids",
    "status",
}
HELD = {
    "expires_at": None,
    "ip_allowlist": ["127.0.0.0/8"],
    "max_order_notional": "100",
    "max_day_notional": None,
}


async def test_own_key_is_created(api: AdminClient) -> None:
    answer = await api.client("POST", "/user/api-keys", {"label": "bot", "user_id": 999})
    made = answer.json()
    assert answer.status == 200
    assert set(made) == {"ok", "user_id", "api_key_id", "api_key_plain", "label"}
    plain = made["api_key_plain"]
    assert plain.startswith("oms_") and len(plain) == 47
    listed = (await api.client.get("/user/api-keys"))["items"]
    assert [set(row) for row in listed] == [KEY, KEY]
    new = next(row for row in listed if row["api_key_id"] == made["api_key_id"])
    assert (new["label"], new["key_prefix"], new["status"]) == ("bot", plain[:8], "active")
    assert (await api.client.get("/oms/accounts", key=plain))["items"] == []
    everything = str(fetch_rows(api.dsn, "SELECT * FROM user_api_keys"))
    assert hash_key(plain) in everything and plain not in everything
    theirs = await api.client("GET", f"/user/api-keys/{made['api_key_id']}/permissions", key=plain)
    assert theirs.json() == {"items": []}
    mine = (await api.client.get("/user/api-keys/permissions"))["items"]
    assert [set(row) for row in mine] == [PERMIT]
    assert (mine[0]["can_read"], mine[0]["can_trade"]) == (True, True)


async def test_chosen_key_text(api: AdminClient) -> None:
    chosen = "a-key-of-exactly-24-char"
    answer = await api.client("POST", "/user/api-keys", {"api_key": chosen})
    assert answer.json()["api_key_plain"] == chosen
    assert (await api.client("GET", "/user/profile", key=chosen)).status == 200
    again = await api.client("POST", "/user/api-keys", {"api_key": chosen})
    assert (again.status, again.detail["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    "text", ["x" * 23, "x" * 129, "with a space in the middle of it", "tok_" + "x" * 40, "ü" * 30]
)
async def test_weak_keys_are_refused(api: AdminClient, text: str) -> None:
    answer = await api.client("POST", "/user/api-keys", {"api_key": text})
    assert (answer.status, answer.detail["code"]) == (422, "weak_key")


async def test_key_is_disabled_and_enabled(api: AdminClient) -> None:
    made = (await api.client("POST", "/user/api-keys", {})).json()
    target, plain = f"/user/api-keys/{made['api_key_id']}", made["api_key_plain"]
    assert (await api.client("GET", "/user/profile", key=plain)).status == 200
    answer = await api.client("PATCH", target, {"status": "disabled", "label": "off"})
    assert answer.json() == {"ok": True, "api_key_id": made["api_key_id"], "rows": 1}
    assert (await api.client("GET", "/user/profile", key=plain)).status == 401
    assert (await api.client("PATCH", target, {"status": "active"})).status == 200
    assert (await api.client("GET", "/user/profile", key=plain)).status == 200
    for wrong in ({}, {"status": "maybe"}, {"label": 3}):
        assert (await api.client("PATCH", target, wrong)).status == 422
    keys = (await api.client.get("/user/api-keys"))["items"]
    assert [row["label"] for row in keys if row["api_key_id"] == made["api_key_id"]] == ["off"]


async def test_owner_does_not_enable_a_key_that_an_admin_disabled(api: AdminClient) -> None:
    user = await api.user("ann")
    owner = await api.token("ann")
    made = (await api.client("POST", "/user/api-keys", {}, key=owner)).json()
    key_id = made["api_key_id"]
    own, by_admin = f"/user/api-keys/{key_id}", f"/admin/api-keys/{key_id}"

    async def change(path: str, status: str) -> AsgiResponse:
        if path == by_admin:
            return await api.admin("PATCH", path, {"status": status})
        return await api.client("PATCH", path, {"status": status}, key=owner)

    def disabler() -> tuple[object, ...]:
        text = "SELECT disabled_by, disabled_by_user_id FROM user_api_keys WHERE id = "
        (row,) = fetch_rows(api.dsn, f"{text}{key_id}")
        return tuple(row)

    async def shown() -> list[object]:
        lists = (
            await api.client.get("/user/api-keys", key=owner),
            await api.admin.get("/admin/users-api-keys"),
        )
        rows = [row for page in lists for row in page["items"] if row["api_key_id"] == key_id]
        return [row["disabled_by"] for row in rows]

    assert (await change(by_admin, "disabled")).status == 200
    assert await shown() == ["admin", "admin"]
    assert disabler()[0] == "admin" and disabler()[1] is not None
    for status in ("active", "disabled", "active"):
        refused = await change(own, status)
        expected = (403, "admin_required") if status == "active" else (200, None)
        code = refused.detail["code"] if refused.status >= 400 else None
        assert (refused.status, code) == expected
    assert disabler()[0] == "admin"
    assert (await change(by_admin, "active")).status == 200
    assert disabler() == (None, None)
    assert await shown() == [None, None]
    assert (await change(own, "disabled")).status == 200
    assert disabler() == ("ann", user["user_id"])
    assert (await change(own, "active")).status == 200
    assert (await change(own, "disabled")).status == 200
    assert (await change(by_admin, "disabled")).status == 200, "an admin confirms it"
    assert (await change(own, "active")).status == 403


async def test_number_of_keys_of_a_user_is_limited(
    api: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = api.gateway.api_context.settings
    monkeypatch.setitem(vars(settings), "keys_per_user_max", 3)
    user = await api.user("ann")
    key = str(user["api_key_plain"])
    ids = []
    for _ in range(2):
        made = await api.client("POST", "/user/api-keys", {}, key=key)
        assert made.status == 200, made.body
        ids.append(made.json()["api_key_id"])
    body = {"status": "disabled"}
    assert (await api.client("PATCH", f"/user/api-keys/{ids[0]}", body, key=key)).status == 200
    refused = await api.client("POST", "/user/api-keys", {}, key=key)
    assert (refused.status, refused.detail["code"]) == (409, "conflict")
    detail = refused.detail
    assert (detail["reason"], detail["limit"], detail["value"], detail["set_by"]) == (
        *("keys_per_user", "3", "4", "keys_per_user_max"),
    )
    another = await api.admin("POST", "/admin/api-keys", {"user_id": user["user_id"]})
    assert another.status == 200, "an admin is not limited"
    execute(
        api.dsn,
        f"UPDATE user_api_keys SET created_at = '2020-01-01T00:00:00.000000'"
        f" WHERE user_id = {user['user_id']} AND status = 'disabled'",
    )
    assert (await api.client("POST", "/user/api-keys", {}, key=key)).status == 409
    for key_id in (ids[1], another.json()["api_key_id"]):
        path = f"/admin/api-keys/{key_id}"
        assert (await api.admin("PATCH", path, body)).status == 200
    execute(
        api.dsn,
        f"UPDATE user_api_keys SET created_at = '2020-01-01T00:00:00.000000'"
        f" WHERE user_id = {user['user_id']} AND status = 'disabled'",
    )
    assert (await api.client("POST", "/user/api-keys", {}, key=key)).status == 200


async def test_role_risk_gives_a_comment_with_every_change(api: AdminClient) -> None:
    key = str((await api.user("rosa", role="risk"))["api_key_plain"])
    made = await api.client("POST", "/user/api-keys", {}, key=key, headers={"X-Comment": "for me"})
    path = f"/user/api-keys/{made.json()['api_key_id']}"
    passwords = {"current_password": PASSWORD, "new_password": f"{PASSWORD}!"}
    changes: list[tuple[str, str, object]] = [
        ("POST", "/user/api-keys", {}),
        ("PATCH", path, {"label": "spare"}),
        ("PATCH", "/user/profile", {"user_name": "Rosa"}),
        ("POST", "/user/password", passwords),
    ]
    for method, target, body in changes:
        for headers in ({}, {"X-Comment": " "}):
            silent = await api.client(method, target, body, key=key, headers=headers)
            assert (silent.status, silent.detail["code"]) == (422, "comment_required"), target
        spoken = await api.client(method, target, body, key=key, headers={"X-Comment": "why"})
        assert spoken.status == 200, spoken.body
    rows = (await api.admin.get("/admin/audit?page_size=500"))["items"]
    comments = [row["comment"] for row in rows if row["actor_role"] == "risk"]
    assert comments == ["for me", *["why"] * len(changes)]


async def test_foreign_key_is_not_found(api: AdminClient) -> None:
    made = await api.user()
    target = f"/user/api-keys/{made['api_key_id']}"
    assert (await api.client("PATCH", target, {"status": "disabled"})).status == 404
    assert (await api.client("GET", f"{target}/permissions")).status == 404
    assert (await api.client("GET", "/user/api-keys/none/permissions")).status == 404


async def test_owners_can_only_tighten_restrictions(api: AdminClient) -> None:
    made = await api.user(restrictions={"ip_allowlist": ["127.0.0.1/8"], "max_order_notional": 100})
    key = str(made["api_key_plain"])
    target = f"/user/api-keys/{made['api_key_id']}"

    async def held() -> object:
        return (await api.client.get("/user/api-keys", key=key))["items"][0]["restrictions"]

    async def change_restrictions(**restrictions: object) -> AsgiResponse:
        return await api.client("PATCH", target, {"restrictions": restrictions}, key=key)

    assert await held() == HELD
    for looser in (
        {"ip_allowlist": None},
        {"ip_allowlist": ["0.0.0.0/0"]},
        {"max_order_notional": "100.01"},
        {"max_order_notional": None},
    ):
        answer = await change_restrictions(**looser)
        assert (answer.status, answer.detail["code"]) == (403, "permission_denied"), looser
    tighter = {"ip_allowlist": ["127.0.0.1"], "max_order_notional": "99.5", "max_day_notional": 0}
    assert (await change_restrictions(**tighter)).status == 200
    assert await held() == HELD | {
        "ip_allowlist": ["127.0.0.1/32"],
        "max_order_notional": "99.5",
        "max_day_notional": "0",
    }
    loosened = {"status": "active", "restrictions": {"max_order_notional": None}}
    assert (
        await api.admin("PATCH", f"/admin/api-keys/{made['api_key_id']}", loosened)
    ).status == 200
    result = await held()
    assert isinstance(result, dict) and result["max_order_notional"] is None
    assert result["ip_allowlist"] == ["127.0.0.1/32"]


async def test_an_admin_who_limits_a_disabled_key_does_not_enable_it(api: AdminClient) -> None:
    key_id = (await api.user("ann"))["api_key_id"]
    target = f"/admin/api-keys/{key_id}"
    assert (await api.admin("PATCH", target, {"status": "disabled"})).status == 200
    limits = {"restrictions": {"max_order_notional": "5"}}
    assert (await api.admin("PATCH", target, limits)).status == 200
    rows = (await api.admin.get("/admin/users-api-keys"))["items"]
    (key,) = (row for row in rows if row["api_key_id"] == key_id)
    assert (key["api_key_status"], key["restrictions"]["max_order_notional"]) == ("disabled", "5")
    empty = await api.admin("PATCH", target, {})
    assert (empty.status, empty.detail["code"]) == (422, "validation_error")


async def test_new_key_inherits_the_restrictions(api: AdminClient) -> None:
    made = await api.user(restrictions={"ip_allowlist": ["127.0.0.1/8"], "max_order_notional": 100})
    key = str(made["api_key_plain"])
    answer = await api.client("POST", "/user/api-keys", {}, key=key)
    assert answer.status == 200
    listed = (await api.client.get("/user/api-keys", key=key))["items"]
    assert [row["restrictions"] for row in listed] == [HELD, HELD]
    looser = {"restrictions": {"max_order_notional": 101}}
    answer = await api.client("POST", "/user/api-keys", looser, key=key)
    assert (answer.status, answer.detail["code"]) == (403, "permission_denied")


async def test_ip_allowlist(api: AdminClient) -> None:
    made = await api.user(restrictions={"ip_allowlist": ["10.0.0.0/8", "::1"]})
    key = str(made["api_key_plain"])
    answer = await api.client("GET", "/user/profile", key=key)
    assert (answer.status, answer.detail["code"]) == (403, "ip_not_allowed")
    spoofed = {"x-forwarded-for": "10.0.0.1"}
    answer = await api.client("GET", "/user/profile", key=key, headers=spoofed)
    assert answer.status == 403
    token = await api.token()
    assert (await api.client("GET", "/user/profile", key=token)).status == 403
    opened = {"status": "active", "restrictions": {"ip_allowlist": ["127.0.0.1"]}}
    await api.admin("PATCH", f"/admin/api-keys/{made['api_key_id']}", opened)
    assert (await api.client("GET", "/user/profile", key=key)).status == 200
    execute(
        api.dsn,
        f"UPDATE user_api_keys SET ip_allowlist = 'nonsense' WHERE id = {made['api_key_id']}",
    )
    api.gateway.api_context.authenticate.forget()
    assert (await api.client("GET", "/user/profile", key=key)).status == 403


async def test_key_expires(api: AdminClient) -> None:
    """It takes effect although access is cached for seconds."""
    ends = datetime.now(UTC) + timedelta(seconds=1)
    made = await api.user(restrictions={"expires_at": ends.isoformat()})
    key = str(made["api_key_plain"])
    first = await api.client("GET", "/user/profile", key=key)
    assert first.status == 200
    assert datetime.fromisoformat(first.json()["expires_at"]) == ends
    await wait_for_condition(lambda: datetime.now(UTC) >= ends)
    assert (await api.client("GET", "/user/profile", key=key)).status == 401


async def test_last_use_is_stored_at_most_once_a_minute(api: AdminClient) -> None:
    made = await api.user()
    key, number = str(made["api_key_plain"]), made["api_key_id"]
    token = await api.token()
    used = f"SELECT last_used_at, last_used_ip FROM user_api_keys WHERE id = {number}"
    assert fetch_rows(api.dsn, used) == [(None, None)]
    await api.client("GET", "/user/profile", key=key)
    await wait_for_condition(lambda: fetch_rows(api.dsn, used) != [(None, None)])
    [(first, ip)] = fetch_rows(api.dsn, used)
    assert ip == "127.0.0.1"
    for _ in range(3):
        api.gateway.api_context.authenticate.forget()
        await api.client("GET", "/user/profile", key=key)
    await api.gateway.api_context.administer.last_use.close()
    assert fetch_rows(api.dsn, used) == [(first, ip)]
    await api.client("GET", "/user/profile", key=token)
    await wait_for_condition(
        lambda: fetch_rows(api.dsn, "SELECT last_used_ip FROM auth_tokens") == [("127.0.0.1",)]
    )
    assert fetch_rows(api.dsn, used) == [(first, ip)]
    shown = (await api.client.get("/user/api-keys", key=key))["items"][0]
    assert shown["last_used_ip"] == "127.0.0.1" and shown["last_used_at"] is not None
