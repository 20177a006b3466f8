"""Accounts at real exchanges over HTTP: invalid settings are refused and named.

Rows 2, 4 and 5 of the acceptance page for exchanges.
"""

from typing import Any, get_args

import pytest

from kit.gateway.admin_client import AdminClient
from oms.config import load_settings
from oms.config_sections import PresetName
from oms.domain.risk.policy_keys import PRESETS, policy_value_text

ACCOUNTS = "/admin/accounts"
REFUSED: list[tuple[str, Any]] = [
    *(
        (key, "hidden-word")
        for key in ("apiKey", "secret", "password", "uid", "login", "privateKey", "token", "twofa")
    ),
    ("walletAddress", "hidden-word"),
    *((key, True) for key in ("sandbox", "testnet", "own_session")),
    *(
        (key, "http://elsewhere.example")
        for key in ("proxyUrl", "proxy_url", "proxyUrlCallback", "proxy", "session")
    ),
    ("maxRetriesOnFailure", 2),
    ("enableRateLimit", False),
]
INSIDE: list[tuple[str, dict[str, Any]]] = [
    ("options.sandboxMode", {"options": {"sandboxMode": True}}),
    ("options.enableDemoTrading", {"options": {"enableDemoTrading": True}}),
    ("options.maxRetriesOnFailure", {"options": {"maxRetriesOnFailure": 2}}),
    ("verify", {"verify": False}),
    ("oms.resolve", {"oms": {"resolve": {"*": "127.0.0.1:18443"}}}),
    ("urls.test.private", {"urls": {"test": {"private": "https://api.bybit.com"}}}),
    ("oms.allowed_hosts", {"oms": {"allowed_hosts": ["api.bybit.com"]}}),
]
BODIES = [*((key, {key: value}) for key, value in REFUSED), *INSIDE]


async def shown(api: AdminClient, account_id: int) -> Any:
    rows = (await api.admin.get(ACCOUNTS))["items"]
    return {row["account_id"]: row for row in rows}[account_id]


async def made(api: AdminClient, exchange_id: str, **more: Any) -> int:
    body = {"exchange_id": exchange_id, "label": "mine"} | more
    answer = await api.admin("POST", ACCOUNTS, body)
    assert answer.status == 200, answer.body
    account_id: int = answer.json()["account_id"]
    return account_id


async def test_row_2_engines_and_environments(api: AdminClient) -> None:
    row = await shown(api, await made(api, "bybit"))
    assert (row["exchange_id"], row["environment"]) == ("ccxt.bybit", "testnet")
    row = await shown(api, await made(api, "paper.binance"))
    assert (row["exchange_id"], row["environment"]) == ("paper.binance", "paper")
    count = len((await api.admin.get(ACCOUNTS))["items"])
    for exchange_id, code, words in (
        ("foo.bybit", "unsupported_engine", "ccxt.*"),
        ("ccxt.kraken", "environment_not_supported", "it has live, loopback"),
        ("ccxt.unknown", "unsupported_engine", "there is no such exchange"),
        ("ccxtpro.zaif", "unsupported_engine", "it is ccxt.zaif"),
    ):
        body = {"exchange_id": exchange_id, "label": "mine", "is_testnet": True}
        answer = await api.admin("POST", ACCOUNTS, body)
        assert (answer.status, answer.detail["code"]) == (422, code)
        assert words in answer.detail["message"]
    assert len((await api.admin.get(ACCOUNTS))["items"]) == count


@pytest.mark.parametrize(
    ("more", "environment"),
    [
        ({"environment": "loopback"}, "loopback"),
        ({"environment": "demo", "is_testnet": True}, "demo"),
        ({"environment": "live"}, "live"),
        ({"is_testnet": False}, "live"),
    ],
)
async def test_environment_by_name(
    api: AdminClient, more: dict[str, Any], environment: str
) -> None:
    row = await shown(api, await made(api, "ccxt.bybit", **more))
    assert (row["environment"], row["is_testnet"]) == (environment, environment != "live")


NEEDS_EQUITY = [
    "max_capital_per_position_pct",
    "daily_loss_limit",
    "daily_loss_limit_pct",
    "max_total_drawdown_pct",
]


@pytest.mark.parametrize(
    ("exchange_id", "more", "preset", "named"),
    [
        ("paper.binance", {}, "open", []),
        ("paper.binance", {"risk_preset": "Standard"}, "standard", []),
        ("ccxt.bybit", {"environment": "loopback"}, "open", []),
        ("ccxt.bybit", {}, "standard", NEEDS_EQUITY),
        ("ccxt.bybit", {"environment": "demo", "is_testnet": True}, "standard", NEEDS_EQUITY),
        ("ccxt.bybit", {"environment": "live"}, "standard", NEEDS_EQUITY),
        ("ccxt.bybit", {"environment": "live", "risk_preset": "open"}, "open", []),
    ],
)
async def test_new_accounts_begin_with_a_preset(
    api: AdminClient, exchange_id: str, more: dict[str, Any], preset: str, named: list[str]
) -> None:
    body = {"exchange_id": exchange_id, "label": "mine"} | more
    answer = (await api.admin("POST", ACCOUNTS, body)).json()
    assert (answer["risk_preset"], answer["limits_needing_equity"]) == (preset, named)
    account_id = answer["account_id"]

    policy = await api.admin.get(f"/risk/policy?scope=account&scope_id={account_id}")
    assert {row["key"]: row["value"] for row in policy["limits"]} == {
        key: policy_value_text(setting) for key, setting in PRESETS[preset].items()
    }
    audited = await api.admin.get(f"/admin/audit?account_id={account_id}&action=risk_policy")
    assert [row["entity"] for row in audited["items"]] == ["account_policy"] * (preset != "open")


async def test_unknown_preset_of_a_new_account_is_refused(api: AdminClient) -> None:
    body = {"exchange_id": "ccxt.bybit", "label": "mine", "risk_preset": "wild"}
    assert (await api.admin("POST", ACCOUNTS, body)).status == 422


def test_settings_name_the_presets_of_environments() -> None:
    assert set(get_args(PresetName)) == set(PRESETS)
    settings = load_settings({"OMS_RISK_PRESETS_LIVE": "strict"})
    assert settings.risk_presets.live == "strict"
    with pytest.raises(ValueError, match="live"):
        load_settings({"OMS_RISK_PRESETS_LIVE": "wild"})


@pytest.mark.parametrize(("environment", "is_testnet"), [("live", True), ("testnet", False)])
async def test_contradictory_settings_are_refused(
    api: AdminClient, environment: str, is_testnet: bool
) -> None:
    body = {"exchange_id": "ccxt.bybit", "label": "x"}
    more = {"environment": environment, "is_testnet": is_testnet}
    answer = await api.admin("POST", ACCOUNTS, body | more)
    assert (answer.status, answer.detail["code"]) == (422, "environment_not_supported")


@pytest.mark.parametrize(("key", "value"), BODIES)
async def test_row_5_refused_keys_are_listed_and_not_stored(
    api: AdminClient, key: str, value: dict[str, Any]
) -> None:
    kept = {"timeout": 5000}
    account_id = await made(api, "ccxt.bybit", extra_config_json=kept)
    answer = await api.admin("PATCH", f"{ACCOUNTS}/{account_id}", {"extra_config_json": value})
    assert (answer.status, answer.detail["code"]) == (422, "extra_config_refused")
    assert f"extra_config: {key} " in answer.detail["message"]
    assert "hidden-word" not in answer.body.decode()
    assert (await shown(api, account_id))["extra_config_json"] == kept
    body = {"exchange_id": "ccxt.bybit", "label": "other", "extra_config_json": value}
    answer = await api.admin("POST", ACCOUNTS, body)
    assert (answer.status, answer.detail["code"]) == (422, "extra_config_refused")
    assert len((await api.admin.get(ACCOUNTS))["items"]) == 2


@pytest.mark.parametrize(
    ("environment", "key", "url"),
    [
        ("loopback", "urls.test.private", "https://api-testnet.bybit.com"),
        ("loopback", "urls.api.private", "https://api.bybit.com"),
        ("testnet", "urls.test.private", "https://api.bybit.com"),
        ("testnet", "urls.api.public", "https://api-demo.bybit.com"),
    ],
)
async def test_row_4_url_of_another_environment_is_refused_on_save(
    api: AdminClient, environment: str, key: str, url: str
) -> None:
    _, tree, name = key.split(".")
    body = {"exchange_id": "ccxt.bybit", "label": "x", "environment": environment}
    result = {"extra_config_json": {"urls": {tree: {name: url}}}}
    answer = await api.admin("POST", ACCOUNTS, body | result)
    assert (answer.status, answer.detail["code"]) == (422, "extra_config_refused")
    assert f"extra_config: {key} " in answer.detail["message"]


async def test_change_is_validated_with_unchanged_settings(api: AdminClient) -> None:
    extra = {"urls": {"test": {"private": "http://127.0.0.1:18070"}}}
    account_id = await made(api, "ccxt.bybit", extra_config_json=extra)
    target = f"{ACCOUNTS}/{account_id}"
    for change, code in (
        ({"is_testnet": False}, "extra_config_refused"),
        ({"exchange_id": "ccxt.kraken"}, "environment_not_supported"),
        ({"exchange_id": "ccxt.unknown"}, "unsupported_engine"),
    ):
        answer = await api.admin("PATCH", target, change)
        assert (answer.status, answer.detail["code"]) == (422, code), change
    row = await shown(api, account_id)
    assert (row["exchange_id"], row["environment"], row["is_testnet"]) == (
        "ccxt.bybit",
        "testnet",
        True,
    )
    assert (await api.admin("PATCH", target, {"extra_config_json": {}})).status == 200
    assert (await api.admin("PATCH", target, {"is_testnet": False})).status == 200
    assert (await shown(api, account_id))["environment"] == "live"
