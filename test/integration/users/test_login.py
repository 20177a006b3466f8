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


async def test_a_token_stands_for_the_key(desk: AdminClient) -> None:
    made = await desk.user(permissions=[{"account_id": desk.gateway.account_id, "can_trade": True}])
    answer = await desk.login()
    told = answer.json()
    assert answer.status == 200
    assert told == {
        "ok": True,
        "token": told["token"],
        "token_type": "bearer",
        "expires_at": told["expires_at"],
        "user_id": made["user_id"],
        "role": "trader",
        "api_key_id": made["api_key_id"],
    }
    ends = datetime.fromisoformat(told["expires_at"])
    assert timedelta(hours=11.9) < ends - datetime.now(UTC) <= timedelta(hours=12)
    assert told["token"].startswith("tok_") and len(told["token"]) == 47
    for headers in ({"x-api-key": told["token"]}, {"authorization": f"Bearer {told['token']}"}):
        profile = (await desk.client("GET", "/user/profile", key="", headers=headers)).json()
        assert set(profile) == PROFILE
        assert (profile["auth"], profile["expires_at"]) == ("token", told["expires_at"])
    accounts = await desk.client.get("/oms/accounts", key=told["token"])
    assert [row["can_trade"] for row in accounts["items"]] == [True]
    profile = await desk.client.get("/user/profile", key=str(made["api_key_plain"]))
    assert (profile["auth"], profile["expires_at"]) == ("key", None)


async def test_nothing_that_opens_a_door_is_stored(desk: AdminClient) -> None:
    made = await desk.user()
    token = await desk.token()
    tables = ("users", "user_api_keys", "auth_tokens", "user_password_credentials", "audit_log")
    stored = str([fetch_rows(desk.dsn, f"SELECT * FROM {name}") for name in tables])
    for secret in (token, str(made["api_key_plain"]), PASSWORD):
        assert secret not in stored
    assert hash_key(token) in stored
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in stored


async def test_whoever_does_not_count_hears_the_same(desk: AdminClient) -> None:
    await desk.user()
    off = await desk.user("off")
    await desk.user("never", password=None)
    await desk.admin("PATCH", f"/admin/users/{off['user_id']}", {"status": "disabled"})
    answers: list[AsgiResponse] = [
        await desk.login(password="wrong password"),
        await desk.login("nobody"),
        await desk.login("off"),
        await desk.login("never"),
        await desk.login(password=""),
        await desk.login(password="x" * 1000),
        await desk.login("", password="x"),
    ]
    told = [answer.detail | {"request_id": ""} for answer in answers]
    assert {answer.status for answer in answers} == {401}
    assert all(one == other for one, other in pairwise(told))
    assert told[0]["code"] == "invalid_credentials"


async def test_the_wrong_password_takes_as_long_as_the_wrong_name(
    desk: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both compare one hash: counted, not timed."""
    await desk.user()
    compared: list[str] = []
    before = type(desk.gateway.api_context.administer.passwords)._verify

    def counted(self: object, stored: str, password: str) -> bool:
        compared.append(stored[:30])
        return before(self, stored, password)  # type: ignore[arg-type]

    monkeypatch.setattr(type(desk.gateway.api_context.administer.passwords), "_verify", counted)
    await desk.login(password="wrong password")
    await desk.login("nobody")
    assert compared == ["$argon2id$v=19$m=19456,t=2,p=1"] * 2


async def test_five_failures_lock_the_name_for_a_time_that_doubles(desk: AdminClient) -> None:
    await desk.user()
    for _ in range(5):
        assert (await desk.login(password="wrong password")).status == 401
    locked = await desk.login()
    assert (locked.status, locked.detail["code"]) == (429, "login_throttled")
    assert locked.headers["retry-after"] == "1"
    assert (await desk.login("bob", "wrong password")).status == 401
    for seconds in (2, 4, 8):
        await _let_lock_end(desk)
        assert (await desk.login(password="wrong password")).status == 401
        again = await desk.login()
        assert again.status == 429
        assert int(again.headers["retry-after"]) in (seconds, seconds - 1)
    await _let_lock_end(desk)
    assert (await desk.login()).status == 200
    assert (await desk.login(password="wrong password")).status == 401
    assert (await desk.login()).status == 200


async def test_twenty_failures_lock_the_address(desk: AdminClient) -> None:
    await desk.user()
    for number in range(20):
        assert (await desk.login(f"name{number}", "wrong password")).status == 401
    locked = await desk.login()
    assert (locked.status, locked.detail["code"]) == (429, "login_throttled")


async def test_who_guesses_in_parallel_gains_nothing(desk: AdminClient) -> None:
    await desk.user()
    answers = await asyncio.gather(*(desk.login(password=f"guess {n:08d}") for n in range(20)))
    tried = [answer for answer in answers if answer.status == 401]
    assert 5 <= len(tried) <= 5 + login.LOGINS_CONCURRENT_MAX
    assert {answer.status for answer in answers} == {401, 429}


async def test_keys_that_a_token_may_stand_for(desk: AdminClient) -> None:
    made = await desk.user()
    other = await desk.user("bob")
    second = await desk.admin("POST", "/admin/api-keys", {"user_id": made["user_id"]})
    chosen = await desk.login(api_key_id=second.json()["api_key_id"])
    assert chosen.json()["api_key_id"] == second.json()["api_key_id"]
    assert (await desk.login()).json()["api_key_id"] == made["api_key_id"]
    foreign = await desk.login(api_key_id=other["api_key_id"])
    assert (foreign.status, foreign.detail["code"]) == (403, "api_key_not_allowed")
    for key in (made, second.json()):
        target = f"/admin/api-keys/{key['api_key_id']}"
        assert (await desk.admin("PATCH", target, {"status": "disabled"})).status == 200
    none = await desk.login()
    assert (none.status, none.detail["code"]) == (403, "no_active_api_key")


async def test_logout_ends_one_token_or_all(desk: AdminClient) -> None:
    made = await desk.user()
    first, second, third = [await desk.token() for _ in range(3)]
    answer = await desk.client("POST", "/auth/logout", key=first)
    assert (answer.status, answer.json()) == (200, {"ok": True, "revoked": 1})
    assert (await desk.client("GET", "/user/profile", key=first)).status == 401
    assert (await desk.client("GET", "/user/profile", key=second)).status == 200
    answer = await desk.client("POST", "/auth/logout?all=true", key=second)
    assert answer.json() == {"ok": True, "revoked": 2}
    assert (await desk.client("GET", "/user/profile", key=third)).status == 401
    plain = await desk.client("POST", "/auth/logout", key=str(made["api_key_plain"]))
    assert (plain.status, plain.detail["code"]) == (422, "validation_error")


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/admin/api-keys/{api_key_id}", {"status": "disabled"}),
        ("/admin/users/{user_id}", {"status": "disabled"}),
        ("/admin/users/{user_id}", {"password": "another long password"}),
    ],
)
async def test_what_ends_a_token(desk: AdminClient, target: str, body: dict[str, str]) -> None:
    made = await desk.user()
    token = await desk.token()
    assert (await desk.client("GET", "/user/profile", key=token)).status == 200
    assert (await desk.admin("PATCH", target.format(**made), body)).status == 200
    ended = await desk.client("GET", "/user/profile", key=token)
    assert (ended.status, ended.detail["code"]) == (401, "invalid_api_key")
    back = {"status": "active"}
    if "status" in body:
        assert (await desk.admin("PATCH", target.format(**made), back)).status == 200
        assert (await desk.client("GET", "/user/profile", key=token)).status == 401


async def test_a_token_ends_with_its_time_and_its_keys(desk: AdminClient) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    await desk.user(restrictions={"expires_at": ends.isoformat()})
    answer = (await desk.login()).json()
    assert datetime.fromisoformat(answer["expires_at"]) == ends
    token = await desk.token()
    assert (await desk.client("GET", "/user/profile", key=token)).status == 200
    execute(desk.dsn, "UPDATE auth_tokens SET expires_at = '2020-01-01 00:00:00'")
    desk.gateway.api_context.authenticate.forget()
    assert (await desk.client("GET", "/user/profile", key=token)).status == 401


async def test_another_password_ends_the_other_tokens(desk: AdminClient) -> None:
    await desk.user()
    first, second = await desk.token(), await desk.token()
    new = "another long password"

    async def changed(current: str, wanted: str) -> AsgiResponse:
        body = {"current_password": current, "new_password": wanted}
        return await desk.client("POST", "/user/password", body, key=first)

    wrong = await changed("wrong password", new)
    assert (wrong.status, wrong.detail["code"]) == (401, "invalid_credentials")
    for weak in ("short", "x" * 257):
        answer = await changed(PASSWORD, weak)
        assert (answer.status, answer.detail["code"]) == (422, "weak_password")
    answer = await changed(PASSWORD, new)
    assert answer.status == 200 and set(answer.json()) == {"ok", "user_id"}
    assert (await desk.client("GET", "/user/profile", key=first)).status == 200
    assert (await desk.client("GET", "/user/profile", key=second)).status == 401
    assert (await desk.login()).status == 401
    assert (await desk.login(password=new)).status == 200


async def test_a_hash_with_old_parameters_is_made_anew(desk: AdminClient) -> None:
    from argon2 import PasswordHasher

    await desk.user()
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    execute(desk.dsn, f"UPDATE user_password_credentials SET password_hash = '{old}'")
    assert (await desk.login()).status == 200
    [(stored,)] = fetch_rows(desk.dsn, "SELECT password_hash FROM user_password_credentials")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await desk.login()).status == 200


async def test_another_name(desk: AdminClient) -> None:
    made = await desk.user()
    await desk.user("bob")
    key = str(made["api_key_plain"])
    taken = await desk.client("PATCH", "/user/profile", {"user_name": "bob"}, key=key)
    assert (taken.status, taken.detail["code"]) == (409, "conflict")
    answer = await desk.client("PATCH", "/user/profile", {"user_name": "anna"}, key=key)
    assert answer.json() == {"ok": True, "user_id": made["user_id"], "user_name": "anna"}
    assert (await desk.client.get("/user/profile", key=key))["user_name"] == "anna"
    assert (await desk.login("anna")).status == 200


@pytest.mark.parametrize(
    "body", [{}, {"user_name": "ann"}, {"user_name": 1, "password": "x"}, [], {"password": "x"}]
)
async def test_a_login_without_its_words_is_malformed(desk: AdminClient, body: object) -> None:
    answer = await desk.client("POST", "/auth/login-password", body, key="")
    assert (answer.status, answer.detail["code"]) == (422, "validation_error")


async def _let_lock_end(desk: AdminClient) -> None:
    """Move all attempts back in time, so far that the lock is over and the window is not."""
    now = datetime.now(UTC)
    found = fetch_rows(desk.dsn, "SELECT id, created_at FROM login_attempts ORDER BY created_at")
    for number, (row_id, _) in enumerate(reversed(found)):
        moment = now - timedelta(seconds=20 + number)
        text = moment.strftime("%Y-%m-%d %H:%M:%S.%f")
        if "sqlite" in desk.dsn:
            text = text.replace(" ", "T") + "Z"
        execute(desk.dsn, f"UPDATE login_attempts SET created_at = '{text}' WHERE id = {row_id}")
