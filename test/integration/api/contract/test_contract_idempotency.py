"""``Idempotency-Key`` on all routes: a repeat is answered, not executed."""

import pytest

from kit.gateway.in_process import ADMIN_KEY, InProcessGateway

NAMED = {"Idempotency-Key": "once"}


async def test_change_is_made_once(gateway: InProcessGateway) -> None:
    body = {"user_name": "ann", "role": "trader", "password": "correct horse battery"}
    path = "/admin/users-with-api-key"
    first = await gateway.client("POST", path, body, key=ADMIN_KEY, headers=NAMED)
    again = await gateway.client("POST", path, body, key=ADMIN_KEY, headers=NAMED)
    assert (first.status, again.status) == (200, 200)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    secret = first.json()["api_key_plain"]
    assert again.json() == first.json() | {"api_key_plain": None}
    users = (await gateway.client.get("/admin/users", key=ADMIN_KEY))["items"]
    assert [user["user_name"] for user in users].count("ann") == 1
    other = await gateway.client(
        "POST", path, body | {"role": "risk"}, key=ADMIN_KEY, headers=NAMED
    )
    assert (other.status, other.detail["code"]) == (422, "idempotency_mismatch")
    assert other.detail["reason"] == "Idempotency-Key"
    assert secret
    for user in users:
        if user["user_name"] == "ann":
            result = {"status": "disabled"}
            changed = f"/admin/users/{user['user_id']}"
            assert (
                await gateway.client("PATCH", changed, result, key=ADMIN_KEY, headers=NAMED)
            ).status == 200, "another method and path is another key"


async def test_paper_control_commands_are_idempotent(busy: InProcessGateway) -> None:
    path, body = f"/paper/{busy.account_id}/deposit", {"currency": "EUR", "amount": "5"}
    for _ in range(3):
        assert (await busy.client("POST", path, body, headers=NAMED)).status == 200
    result = await busy.client("POST", f"/ccxt/{busy.account_id}/fetch_balance", {})
    assert result.json()["result"]["EUR"]["total"] == 5


async def test_refused_request_releases_the_key(busy: InProcessGateway) -> None:
    path = f"/paper/{busy.account_id}/deposit"
    for body, status in (
        ({"currency": "EUR"}, 422),
        ({"currency": "EUR", "amount": "1"}, 200),
        ({"currency": "EUR", "amount": "2"}, 422),
    ):
        assert (await busy.client("POST", path, body, headers=NAMED)).status == status
    assert (await busy.client("POST", path, raw=b"{", headers=NAMED)).status == 422
    assert (await busy.client("POST", path, {}, key="", headers=NAMED)).status == 401
    wrong = {"Idempotency-Key": "a b"}
    assert (await busy.client("POST", path, {}, headers=wrong)).detail["code"] == "validation_error"


async def test_repeat_before_the_first_response_is_in_flight(
    gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def died(*_: object) -> None:
        raise ZeroDivisionError

    path = "/oms/cache/clear"
    with monkeypatch.context() as broken:
        broken.setattr(gateway.store.idempotent_responses, "save", died)
        assert (await gateway.client("POST", path, headers=NAMED)).status == 500
    answer = await gateway.client("POST", path, headers=NAMED)
    assert (answer.status, answer.detail["code"]) == (409, "idempotency_in_flight")
    assert (answer.headers["retry-after"], answer.detail["retryable"]) == ("1", False)


async def test_keys_are_scoped_per_user(gateway: InProcessGateway) -> None:
    path = "/oms/cache/clear"
    for key in (gateway.client.key, ADMIN_KEY):
        answer = await gateway.client("POST", path, key=key, headers=NAMED)
        assert "idempotent-replayed" not in answer.headers
        assert answer.status == 200
