"""Login by password: tokens, throttling, logout, profile."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.admin_client import PASSWORD, AdminClient
from kit.http.asgi_client import AsgiResponse
from oms.services.access import login
from oms.services.access.authenticate import hash_key

PROFILE = {"user_id", "user_name", "role", "status", "api_key_id", "auth", "expires_at"}


async def test_token_authenticates_like_its_key(api: AdminClient) -> None:
    made = await api.user(permissions=[{"account_id": api.gateway.account_id, "can_trade": True}])
    answer = await api.login()
    body = answer.json()
    assert answer.status == 200
    assert body == {
        "ok": True,
        "token": body["token"],
        "token_type": "bearer",
        "expires_at": body["expires_at"],
        "user_id": made["user_id"],
        "role": "trader",
        "api_key_id": made["api_key_id"],
    }
    ends = datetime.fromisoformat(body["expires_at"])
    assert timedelta(hours=11.9) < ends - datetime.now(UTC) <= timedelta(hours=12)
    assert body["token"].startswith("tok_") and len(body["token"]) == 47
    for headers in ({"x-api-key": body["token"]}, {"authorization": f"Bearer {body['token']}"}):
        profile = (await api.client("GET", "/user/profile", key="", headers=headers)).json()
        assert set(profile) == PROFILE
        assert (profile["auth"], profile["expires_at"]) == ("token", body["expires_at"])
    accounts = await api.client.get("/oms/accounts", key=body["token"])
    assert [row["can_trade"] for row in accounts["items"]] == [True]
    profile = await api.client.get("/user/profile", key=str(made["api_key_plain"]))
    assert (profile["auth"], profile["expires_at"]) == ("key", None)


async def test_no_usable_secret_is_stored(api: AdminClient) -> None:
    made = await api.user()
    token = await api.token()
    tables = ("users", "user_api_keys", "auth_tokens", "user_password_credentials", "audit_log")
    stored = str([fetch_rows(api.dsn, f"SELECT * FROM {name}") for name in tables])
    for secret in (token, str(made["api_key_plain"]), PASSWORD):
        assert secret not in stored
    assert hash_key(token) in stored
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in stored


async def test_login_errors_do_not_reveal_the_cause(api: AdminClient) -> None:
    await api.user()
    off = await api.user("off")
    await api.user("never", password=None)
    await api.admin("PATCH", f"/admin/users/{off['user_id']}", {"status": "disabled"})
    answers: list[AsgiResponse] = [
        await api.login(password="wrong password"),
        await api.login("unknown"),
        await api.login("off"),
        await api.login("never"),
        await api.login(password=""),
        await api.login(password="x" * 1000),
        await api.login("", password="x"),
    ]
    messages = [answer.detail | {"request_id": ""} for answer in answers]
    assert {answer.status for answer in answers} == {401}
    assert all(one == other for one, other in pairwise(messages))
    assert messages[0]["code"] == "invalid_credentials"


async def test_wrong_password_and_wrong_name_take_equal_time(
    api: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both compare one hash; comparisons are counted, not timed."""
    await api.user()
    compared: list[str] = []
    before = type(api.gateway.api_context.administer.passwords)._verify

    def counted(self: object, stored: str, password: str) -> bool:
        compared.append(stored[:30])
        return before(self, stored, password)  # type: ignore[arg-type]

    monkeypatch.setattr(type(api.gateway.api_context.administer.passwords), "_verify", counted)
    await api.login(password="wrong password")
    await api.login("unknown")
    assert compared == ["$argon2id$v=19$m=19456,t=2,p=1"] * 2


async def test_five_failures_lock_the_name_with_backoff(api: AdminClient) -> None:
    await api.user()
    for _ in range(5):
        assert (await api.login(password="wrong password")).status == 401
    locked = await api.login()
    assert (locked.status, locked.detail["code"]) == (429, "login_throttled")
    assert locked.headers["retry-after"] == "1"
    assert (await api.login("bob", "wrong password")).status == 401
    for seconds in (2, 4, 8):
        await _let_lock_end(api)
        assert (await api.login(password="wrong password")).status == 401
        again = await api.login()
        assert again.status == 429
        assert int(again.headers["retry-after"]) in (seconds, seconds - 1)
    await _let_lock_end(api)
    assert (await api.login()).status == 200
    assert (await api.login(password="wrong password")).status == 401
    assert (await api.login()).status == 200


async def test_twenty_failures_lock_the_address(api: AdminClient) -> None:
    await api.user()
    for number in range(20):
        assert (await api.login(f"name{number}", "wrong password")).status == 401
    locked = await api.login()
    assert (locked.status, locked.detail["code"]) == (429, "login_throttled")


async def test_parallel_guesses_are_throttled(api: AdminClient) -> None:
    await api.user()
    answers = await asyncio.gather(*(api.login(password=f"guess {n:08d}") for n in range(20)))
    tried = [answer for answer in answers if answer.status == 401]
    assert 5 <= len(tried) <= 5 + login.LOGINS_CONCURRENT_MAX
    assert {answer.status for answer in answers} == {401, 429}


async def test_keys_a_token_can_be_issued_for(api: AdminClient) -> None:
    made = await api.user()
    other = await api.user("bob")
    second = await api.admin("POST", "/admin/api-keys", {"user_id": made["user_id"]})
    chosen = await api.login(api_key_id=second.json()["api_key_id"])
    assert chosen.json()["api_key_id"] == second.json()["api_key_id"]
    assert (await api.login()).json()["api_key_id"] == made["api_key_id"]
    foreign = await api.login(api_key_id=other["api_key_id"])
    assert (foreign.status, foreign.detail["code"]) == (403, "api_key_not_allowed")
    for key in (made, second.json()):
        target = f"/admin/api-keys/{key['api_key_id']}"
        assert (await api.admin("PATCH", target, {"status": "disabled"})).status == 200
    none = await api.login()
    assert (none.status, none.detail["code"]) == (403, "no_active_api_key")


async def test_logout_revokes_one_token_or_all(api: AdminClient) -> None:
    made = await api.user()
    first, second, third = [await api.token() for _ in range(3)]
    answer = await api.client("POST", "/auth/logout", key=first)
    assert (answer.status, answer.json()) == (200, {"ok": True, "revoked": 1})
    assert (await api.client("GET", "/user/profile", key=first)).status == 401
    assert (await api.client("GET", "/user/profile", key=second)).status == 200
    answer = await api.client("POST", "/auth/logout?all=true", key=second)
    assert answer.json() == {"ok": True, "revoked": 2}
    assert (await api.client("GET", "/user/profile", key=third)).status == 401
    plain = await api.client("POST", "/auth/logout", key=str(made["api_key_plain"]))
    assert (plain.status, plain.detail["code"]) == (422, "validation_error")


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/admin/api-keys/{api_key_id}", {"status": "disabled"}),
        ("/admin/users/{user_id}", {"status": "disabled"}),
        ("/admin/users/{user_id}", {"password": "another long password"}),
    ],
)
async def test_events_that_revoke_a_token(
    api: AdminClient, target: str, body: dict[str, str]
) -> None:
    made = await api.user()
    token = await api.token()
    assert (await api.client("GET", "/user/profile", key=token)).status == 200
    assert (await api.admin("PATCH", target.format(**made), body)).status == 200
    ended = await api.client("GET", "/user/profile", key=token)
    assert (ended.status, ended.detail["code"]) == (401, "invalid_api_key")
    back = {"status": "active"}
    if "status" in body:
        assert (await api.admin("PATCH", target.format(**made), back)).status == 200
        assert (await api.client("GET", "/user/profile", key=token)).status == 401


async def test_token_expires_with_its_time_and_key(api: AdminClient) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    await api.user(restrictions={"expires_at": ends.isoformat()})
    answer = (await api.login()).json()
    assert datetime.fromisoformat(answer["expires_at"]) == ends
    token = await api.token()
    assert (await api.client("GET", "/user/profile", key=token)).status == 200
    execute(api.dsn, "UPDATE auth_tokens SET expires_at = '2020-01-01 00:00:00'")
    api.gateway.api_context.authenticate.forget()
    assert (await api.client("GET", "/user/profile", key=token)).status == 401


async def test_password_change_revokes_other_tokens(api: AdminClient) -> None:
    await api.user()
    first, second = await api.token(), await api.token()
    new = "another long password"

    async def changed(current: str, wanted: str) -> AsgiResponse:
        body = {"current_password": current, "new_password": wanted}
        return await api.client("POST", "/user/password", body, key=first)

    wrong = await changed("wrong password", new)
    assert (wrong.status, wrong.detail["code"]) == (401, "invalid_credentials")
    for weak in ("short", "x" * 257):
        answer = await changed(PASSWORD, weak)
        assert (answer.status, answer.detail["code"]) == (422, "weak_password")
    answer = await changed(PASSWORD, new)
    assert answer.status == 200 and set(answer.json()) == {"ok", "user_id"}
    assert (await api.client("GET", "/user/profile", key=first)).status == 200
    assert (await api.client("GET", "/user/profile", key=second)).status == 401
    assert (await api.login()).status == 401
    assert (await api.login(password=new)).status == 200


async def test_outdated_hash_is_replaced(api: AdminClient) -> None:
    from argon2 import PasswordHasher

    await api.user()
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    execute(api.dsn, f"UPDATE user_password_credentials SET password_hash = '{old}'")
    assert (await api.login()).status == 200
    [(stored,)] = fetch_rows(api.dsn, "SELECT password_hash FROM user_password_credentials")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await api.login()).status == 200


async def test_user_name_is_changed(api: AdminClient) -> None:
    made = await api.user()
    await api.user("bob")
    key = str(made["api_key_plain"])
    taken = await api.client("PATCH", "/user/profile", {"user_name": "bob"}, key=key)
    assert (taken.status, taken.detail["code"]) == (409, "conflict")
    answer = await api.client("PATCH", "/user/profile", {"user_name": "anna"}, key=key)
    assert answer.json() == {"ok": True, "user_id": made["user_id"], "user_name": "anna"}
    assert (await api.client.get("/user/profile", key=key))["user_name"] == "anna"
    assert (await api.login("anna")).status == 200


@pytest.mark.parametrize(
    "body", [{}, {"user_name": "ann"}, {"user_name": 1, "password": "x"}, [], {"password": "x"}]
)
async def test_login_without_fields_is_malformed(api: AdminClient, body: object) -> None:
    answer = await api.client("POST", "/auth/login-password", body, key="")
    assert (answer.status, answer.detail["code"]) == (422, "validation_error")


async def _let_lock_end(api: AdminClient) -> None:
    """Move all attempts back in time past the lock but within the window."""
    now = datetime.now(UTC)
    found = fetch_rows(api.dsn, "SELECT id, created_at FROM login_attempts ORDER BY created_at")
    for number, (row_id, _) in enumerate(reversed(found)):
        moment = now - timedelta(seconds=20 + number)
        text = moment.strftime("%Y-%m-%d %H:%M:%S.%f")
        if "sqlite" in api.dsn:
            text = text.replace(" ", "T") + "Z"
        execute(api.dsn, f"UPDATE login_attempts SET created_at = '{text}' WHERE id = {row_id}")
