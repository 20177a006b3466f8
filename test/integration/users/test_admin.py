"""Administration of users, keys, permissions, strategies and accounts."""

from itertools import cycle
from typing import Any

import pytest

from kit.databases.sql import fetch_rows
from kit.gateway.admin_client import PASSWORD, AdminClient
from kit.polling import poll_until
from oms.cli.verify import build_verify_report
from oms.config import Settings

ACCOUNT = {
    *("account_id", "label", "exchange_id", "position_mode", "extra_config_json", "is_testnet"),
    *("reconcile_enabled", "reconcile_short_interval_seconds", "reconcile_short_lookback_seconds"),
    *("reconcile_hourly_interval_seconds", "reconcile_hourly_lookback_seconds"),
    *("reconcile_long_interval_seconds", "reconcile_long_lookback_seconds"),
    *("dispatcher_worker_hint", "dispatcher_hint_updated_at", "raw_storage_mode", "status"),
    *("created_at", "api_key_enc", "secret_enc", "passphrase_enc", "credentials_updated_at"),
    *("environment", "live_enabled", "trader_name"),
}
STRATEGY = {"strategy_id", "client_strategy_id", "name", "status", "account_ids"}
ROUTES = [
    ("GET", "/admin/users"),
    ("PATCH", "/admin/users/1"),
    ("GET", "/admin/users-api-keys"),
    ("POST", "/admin/users-with-api-key"),
    ("POST", "/admin/api-keys"),
    ("PATCH", "/admin/api-keys/1"),
    ("GET", "/admin/api-keys/1/permissions"),
    ("PUT", "/admin/api-keys/1/permissions"),
    ("GET", "/admin/strategies"),
    ("POST", "/admin/strategies"),
    ("PATCH", "/admin/strategies/1"),
    ("GET", "/admin/accounts"),
    ("POST", "/admin/accounts"),
    ("PATCH", "/admin/accounts/1"),
    ("GET", "/admin/audit"),
]


async def accounts_of(api: AdminClient) -> dict[int, dict[str, Any]]:
    items = (await api.admin.get("/admin/accounts"))["items"]
    assert all(set(item) == ACCOUNT for item in items)
    return {item["account_id"]: item for item in items}


@pytest.mark.parametrize(("method", "target"), ROUTES)
async def test_other_roles_are_refused(api: AdminClient, method: str, target: str) -> None:
    answer = await api.client(method, target, {})
    assert (answer.status, answer.detail["code"]) == (403, "admin_required")
    answer = await api.client(method, target, {}, key="")
    assert (answer.status, answer.detail["code"]) == (401, "missing_api_key")


async def test_users(api: AdminClient) -> None:
    permissions = [{"account_id": api.gateway.account_id, "can_trade": True, "can_read": True}]
    made = await api.user(role="Robot", permissions=permissions, label="first", api_key="k" * 30)
    assert set(made) == {"ok", "user_id", "api_key_id", "api_key_plain", "label"}
    assert (made["api_key_plain"], made["label"]) == ("k" * 30, "first")
    users = (await api.admin.get("/admin/users"))["items"]
    assert {row["user_name"]: row["role"] for row in users} == {
        "trader": "trader",
        "admin": "admin",
        "ann": "robot",
    }
    assert set(users[0]) == {"user_id", "user_name", "role", "status", "created_at"}
    keys = (await api.admin.get("/admin/users-api-keys"))["items"]
    wanted = {
        *("user_id", "user_name", "role", "user_status"),
        *("api_key_id", "api_key_status", "label", "created_at"),
    }
    assert all(wanted <= set(row) for row in keys) and len(keys) == 3
    body = {"user_name": "ann"}
    taken = await api.admin("POST", "/admin/users-with-api-key", body)
    assert (taken.status, taken.detail["code"]) == (409, "conflict")
    target = f"/admin/users/{made['user_id']}"
    answer = await api.admin("PATCH", target, {"role": "readonly", "status": "disabled"})
    assert answer.json() == {"ok": True, "user_id": made["user_id"], "rows": 1}
    assert (await api.client("GET", "/user/profile", key="k" * 30)).status == 401
    await api.admin("PATCH", target, {"status": "active"})
    profile = await api.client.get("/user/profile", key="k" * 30)
    assert profile["role"] == "readonly"
    missing = await api.admin("PATCH", "/admin/users/999999", {"role": "risk"})
    assert (missing.status, missing.detail["code"]) == (404, "user_not_found")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "validation_error"),
        ({"user_name": "x", "role": "emperor"}, 422, "validation_error"),
        ({"user_name": "x", "password": "short"}, 422, "weak_password"),
        ({"user_name": "x", "api_key": "short"}, 422, "weak_key"),
        ({"user_name": "x", "permissions": [{}]}, 422, "validation_error"),
        ({"user_name": "x", "permissions": [{"account_id": 9999}]}, 404, "account_not_found"),
        ({"user_name": "x", "restrictions": {"ip_allowlist": ["no"]}}, 422, "validation_error"),
        ({"user_name": "x", "restrictions": {"max_day_notional": "-1"}}, 422, "validation_error"),
    ],
)
async def test_invalid_users_are_refused(
    api: AdminClient, body: dict[str, object], status: int, code: str
) -> None:
    answer = await api.admin("POST", "/admin/users-with-api-key", body)
    assert (answer.status, answer.detail["code"]) == (status, code)
    assert len((await api.admin.get("/admin/users"))["items"]) == 2


async def test_last_admin_cannot_be_removed(api: AdminClient) -> None:
    users = (await api.admin.get("/admin/users"))["items"]
    [admin] = [row["user_id"] for row in users if row["role"] == "admin"]
    for body in ({"role": "trader"}, {"status": "disabled"}):
        answer = await api.admin("PATCH", f"/admin/users/{admin}", body)
        assert (answer.status, answer.detail["code"]) == (409, "conflict")
    assert (await api.admin("PATCH", f"/admin/users/{admin}", {"password": PASSWORD})).status == 200
    other = await api.user("second", role="admin")
    assert (await api.admin("PATCH", f"/admin/users/{admin}", {"role": "trader"})).status == 200
    assert (await api.admin("GET", "/admin/users")).status == 403
    key = str(other["api_key_plain"])
    assert (await api.admin("GET", "/admin/users", key=key)).status == 200


async def test_permissions_are_replaced_with_immediate_effect(api: AdminClient) -> None:
    made = await api.user()
    key, account_id = str(made["api_key_plain"]), api.gateway.account_id
    target = f"/admin/api-keys/{made['api_key_id']}/permissions"
    orders = f"/oms/orders/open?account_ids={account_id}"
    assert (await api.client("GET", orders, key=key)).status == 403
    answer = await api.admin("PUT", target, {"account_id": account_id})
    assert answer.json() == {"ok": True, "api_key_id": made["api_key_id"], "rows": 1}
    assert (await api.client("GET", orders, key=key)).status == 200
    strategy = await api.admin("POST", "/admin/strategies", {"name": "s"})
    listed = [0, strategy.json()["strategy_id"]]
    body = {
        "account_id": account_id,
        "can_trade": True,
        "restrict_to_strategies": True,
        "strategy_ids": listed,
    }
    assert (await api.admin("PUT", target, body)).status == 200
    [permit] = (await api.admin.get(target))["items"]
    assert permit == {
        "api_key_id": made["api_key_id"],
        "account_id": account_id,
        "can_read": True,
        "can_trade": True,
        "can_close_position": False,
        "can_risk_manage": False,
        "can_block_new_positions": False,
        "can_block_account": False,
        "restrict_to_strategies": True,
        "strategy_ids": listed,
        "status": "active",
    }
    wrong = await api.admin("PUT", target, body | {"strategy_ids": [12345]})
    assert (wrong.status, wrong.detail["code"]) == (422, "invalid_strategy_id")
    assert (await api.admin.get(target))["items"] == [permit]
    await api.admin("PUT", target, {"account_id": account_id, "can_read": False})
    assert (await api.client("GET", orders, key=key)).status == 403


async def test_strategies_of_a_trader(api: AdminClient) -> None:
    account_id, other = (
        api.gateway.account_id,
        await api.gateway.add_account("hedge"),
    )
    body = {"name": "trend", "account_ids": [account_id], "client_strategy_id": 7}
    answer = await api.client("POST", "/strategies", body)
    made = answer.json()
    assert answer.status == 200 and set(made) == {"ok", "strategy_id"}
    assert (await api.client.get("/strategies"))["items"] == [
        {
            "strategy_id": made["strategy_id"],
            "client_strategy_id": 7,
            "name": "trend",
            "status": "active",
            "account_ids": [account_id],
        }
    ]
    for body, status, code in (
        ({"name": "trend", "account_ids": [account_id]}, 409, "conflict"),
        ({"name": "b", "account_ids": []}, 422, "validation_error"),
        ({"account_ids": [account_id]}, 422, "validation_error"),
        ({"name": "b", "account_ids": [other]}, 403, "permission_denied"),
        ({"name": "b", "account_ids": [account_id, 99999]}, 404, "account_not_found"),
    ):
        answer = await api.client("POST", "/strategies", body)
        assert (answer.status, answer.detail["code"]) == (status, code), body
    await api.admin("POST", "/admin/strategies", {"name": "elsewhere", "account_ids": [other]})
    assert len((await api.client.get("/strategies"))["items"]) == 1
    everything = (await api.admin.get("/admin/strategies"))["items"]
    assert [row["name"] for row in everything] == ["elsewhere", "trend"]
    assert all(set(row) == STRATEGY for row in everything)


async def test_disabled_strategy_refuses_the_next_order(api: AdminClient) -> None:
    """A worker that owns the account sees created, disabled and unlinked strategies."""
    api.gateway.start_worker()
    price = {"symbol": "BTC/USDT:USDT", "price": "50000"}
    assert (await api.client("POST", "/paper/price", price)).status == 200
    assert (await api.gateway.order()).status == 200
    body = {"name": "trend", "account_ids": [api.gateway.account_id]}
    made = (await api.client("POST", "/strategies", body)).json()["strategy_id"]
    assert (await api.gateway.order(strategy_id=made)).status == 200
    target = f"/admin/strategies/{made}"
    answer = await api.admin("PATCH", target, {"status": "disabled", "client_strategy_id": 5})
    assert answer.json() == {"ok": True, "strategy_id": made, "rows": 1}
    sides = cycle(("sell", "buy"))  # so that orders sent until then need no more funds

    async def order() -> Any:
        return await api.gateway.order(strategy_id=made, side=next(sides))

    refused = await poll_until(order, lambda answer: answer.status != 200)
    assert refused.detail["code"] == "invalid_strategy_id"
    change = {"name": "trend 2", "status": "active", "client_strategy_id": None}
    assert (await api.admin("PATCH", target, change)).status == 200
    assert (await order()).status == 200
    [row] = (await api.admin.get("/admin/strategies"))["items"]
    assert (row["name"], row["client_strategy_id"]) == ("trend 2", None)
    assert (await api.admin("PATCH", target, {"account_ids": []})).status == 200
    assert (await api.admin.get("/admin/strategies"))["items"][0]["account_ids"] == []
    missing = await api.admin("PATCH", "/admin/strategies/999", {"name": "x"})
    assert (missing.status, missing.detail["code"]) == (404, "strategy_not_found")


@pytest.mark.parametrize(
    ("exchange_id", "stored", "environment"),
    [
        ("paper.binance", "paper.binance", "paper"),
        ("binance", "ccxt.binance", "testnet"),
        ("ccxtpro.okx", "ccxtpro.okx", "testnet"),
    ],
)
async def test_account_is_created(
    api: AdminClient, exchange_id: str, stored: str, environment: str
) -> None:
    body = {"exchange_id": exchange_id, "label": "mine", "extra_config_json": {"a": 1}}
    answer = await api.admin("POST", "/admin/accounts", body)
    assert answer.status == 200
    assert set(answer.json()) == {"ok", "account_id", "risk_preset", "limits_needing_equity"}
    account = (await accounts_of(api))[answer.json()["account_id"]]
    assert (account["exchange_id"], account["environment"]) == (stored, environment)
    assert (account["position_mode"], account["is_testnet"]) == ("hedge", True)
    assert account["extra_config_json"] == {"a": 1}
    assert (account["api_key_enc"], account["live_enabled"]) == (None, False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"exchange_id": "mt5.x", "label": "x"}, "unsupported_engine"),
        ({"exchange_id": "paper.", "label": "x"}, "unsupported_engine"),
        ({"label": "x"}, "validation_error"),
        ({"exchange_id": "paper.x", "label": "x", "position_mode": "both"}, "validation_error"),
        (
            {"exchange_id": "paper.x", "label": "x", "environment": "live"},
            "environment_not_supported",
        ),
        (
            {
                "exchange_id": "paper.x",
                "label": "x",
                "extra_config_json": {"oms": {"paper": {"nonsense": 1}}},
            },
            "extra_config_refused",
        ),
    ],
)
async def test_invalid_accounts_are_refused(
    api: AdminClient, body: dict[str, Any], code: str
) -> None:
    answer = await api.admin("POST", "/admin/accounts", body)
    assert (answer.status, answer.detail["code"]) == (422, code)
    assert len(await accounts_of(api)) == 1


async def test_account_status_applies_to_the_next_order(api: AdminClient) -> None:
    account_id = api.gateway.account_id
    api.gateway.start_worker()
    price = {"symbol": "BTC/USDT:USDT", "price": "50000"}
    assert (await api.client("POST", "/paper/price", price)).status == 200
    assert (await api.gateway.order()).status == 200
    [head] = (await api.gateway.store.history.heads([account_id])).values()
    body = {"status": "blocked", "comment": "enough"}
    answer = await api.admin("PATCH", f"/admin/accounts/{account_id}", body)
    assert answer.json() == {"ok": True, "account_id": account_id, "rows": 1}
    refused = await api.gateway.order()
    assert (refused.status, refused.detail["reason"]) == (409, "account_blocked")
    events = await api.admin.get(f"/oms/events?account_ids={account_id}&after={head}")
    result = events["items"][0]
    assert (result["seq"], result["namespace"]) == (head + 1, "risk")
    assert result["event"] == "account_status_changed"
    assert (result["payload"]["status"], result["payload"]["comment"]) == ("blocked", "enough")
    assert [item["seq"] for item in events["items"]] == list(
        range(head + 1, head + 1 + len(events["items"]))
    )
    await api.admin("PATCH", f"/admin/accounts/{account_id}", {"status": "active"})
    assert (await api.gateway.order()).status == 200
    books = await build_verify_report(api.gateway.store, Settings())
    assert books["ok"] is True, books


async def test_fields_that_change_only_while_flat(api: AdminClient) -> None:
    account_id = api.gateway.account_id
    target = f"/admin/accounts/{account_id}"
    assert (await api.admin("PATCH", target, {"position_mode": "hedge"})).status == 200
    assert (await api.admin("PATCH", target, {"exchange_id": "paper.okx"})).status == 200
    assert (await api.admin("PATCH", target, {"exchange_id": "paper.binance"})).status == 200
    api.gateway.start_worker()
    price = {"symbol": "BTC/USDT:USDT", "price": "50000"}
    assert (await api.client("POST", "/paper/price", price)).status == 200
    assert (await api.gateway.order()).status == 200
    for body in ({"position_mode": "netting"}, {"exchange_id": "paper.okx"}, {"is_testnet": True}):
        answer = await api.admin("PATCH", target, body)
        assert (answer.status, answer.detail["code"]) == (409, "conflict"), body
    [position] = (await api.client.get(f"/oms/positions/open?account_ids={account_id}"))["items"]
    close = {"command": "close_position", "payload": {"position_id": position["id"]}}
    assert (await api.client("POST", "/oms/commands", close)).status == 200
    assert (await api.admin("PATCH", target, {"position_mode": "netting"})).status == 200
    assert (await accounts_of(api))[account_id]["position_mode"] == "netting"
    assert (await api.gateway.order()).status == 200


async def test_credentials_are_encrypted_and_never_returned(api: AdminClient) -> None:
    body = {"exchange_id": "binance", "label": "real"}
    account_id = (await api.admin("POST", "/admin/accounts", body)).json()["account_id"]
    target = f"/admin/accounts/{account_id}"
    half = await api.admin("PATCH", target, {"credentials": {"api_key": "only-the-key"}})
    assert half.status == 422
    secrets = {"api_key": "PUBLIC-PART", "secret": "PRIVATE-PART"}
    assert (await api.admin("PATCH", target, {"credentials": secrets})).status == 200
    answer = await api.admin("GET", "/admin/accounts")
    account = (await accounts_of(api))[account_id]
    assert (account["api_key_enc"], account["secret_enc"]) == ("enc:***", "enc:***")
    assert account["passphrase_enc"] is None and account["credentials_updated_at"] is not None
    tables = ("account_credentials_encrypted", "audit_log")
    stored = str([fetch_rows(api.dsn, f"SELECT * FROM {table}") for table in tables])
    for secret in secrets.values():
        assert secret not in stored and secret.encode() not in answer.body
    live = await api.admin("PATCH", target, {"live_enabled": True})
    assert (live.status, live.detail["code"]) == (422, "comment_required")
    change = {"live_enabled": True, "trader_name": "Ann", "comment": "go"}
    assert (await api.admin("PATCH", target, change)).status == 200
    account = (await accounts_of(api))[account_id]
    assert (account["live_enabled"], account["trader_name"]) == (True, "Ann")
    assert (await api.admin("PATCH", target, {"trader_name": None})).status == 200
    assert (await accounts_of(api))[account_id]["trader_name"] is None
    assert (await api.admin("PATCH", "/admin/accounts/9999", {"label": "x"})).status == 404


async def test_unserved_account_is_not_traded_on_paper(api: AdminClient) -> None:
    api.gateway.start_worker()
    body = {"exchange_id": "binance", "label": "real"}
    account_id = (await api.admin("POST", "/admin/accounts", body)).json()["account_id"]
    keys = (await api.admin.get("/admin/users-api-keys"))["items"]
    [key_id] = [row["api_key_id"] for row in keys if row["user_name"] == "trader"]
    permit = {"account_id": account_id, "can_trade": True}
    await api.admin("PUT", f"/admin/api-keys/{key_id}/permissions", permit)
    order = api.gateway.command() | {"account_id": account_id}
    answer = await api.client("POST", "/oms/commands", order)
    assert (answer.status, answer.detail["code"]) == (503, "engine_unavailable")
