"""The acceptance page of the wire contract, route by route, as far as not tested elsewhere.

Clients of earlier versions send huge pages and unknown keys; a token is accepted wherever a key
is. That two accounts with the same credentials both have a trade of their exchange needs an
external exchange; the gateway's part (two complete ledgers) is tested here.
"""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from kit.gateway.in_process import ADMIN_KEY, TRADER, InProcessGateway
from kit.http import wire_keys
from kit.http.asgi_client import AsgiClient, AsgiResponse
from oms.domain.value import evolve

PASSWORD = "correct horse battery staple"
NOISE = "page_size=5000&cache=true&nonsense=1&view_of=mine"
WINDOW = "start_date=2026-01-01&end_date=2030-01-01"


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


PERM = _keys(
    "api_key_id account_id can_read can_trade can_close_position can_risk_manage "
    "can_block_new_positions can_block_account restrict_to_strategies strategy_ids "
    "status"
)
KEY = _keys(
    "api_key_id user_id user_name role status created_at label key_prefix "
    "last_used_at last_used_ip disabled_by restrictions"
)
ADMIN_ACCOUNT = _keys(
    "account_id label exchange_id position_mode extra_config_json is_testnet "
    "reconcile_enabled reconcile_short_interval_seconds "
    "reconcile_short_lookback_seconds reconcile_hourly_interval_seconds "
    "reconcile_hourly_lookback_seconds reconcile_long_interval_seconds "
    "reconcile_long_lookback_seconds dispatcher_worker_hint "
    "dispatcher_hint_updated_at raw_storage_mode status created_at api_key_enc "
    "secret_enc passphrase_enc credentials_updated_at environment live_enabled "
    "trader_name"
)
STRATEGY = _keys("strategy_id client_strategy_id name status account_ids")
AUDITED = _keys(
    "id created_at account_id actor actor_user_id actor_api_key_id actor_role "
    "actor_ip action entity entity_id before_json after_json comment request_id"
)
#: Path, keys of an item, and whether there must be one. ``A`` is the account, ``K`` a key.
TRADER_READS: tuple[tuple[str, frozenset[str], bool], ...] = (
    ("/oms/accounts?", wire_keys.ACCOUNT, True),
    ("/oms/orders/open?account_ids=A&", wire_keys.ORDER, True),
    ("/oms/positions/open?account_ids=A&", wire_keys.MARKED_POSITION, True),
    (f"/oms/orders/history?account_ids=A&{WINDOW}&", wire_keys.ORDER, True),
    (f"/oms/positions/history?account_ids=A&{WINDOW}&", wire_keys.MARKED_POSITION, True),
    (f"/oms/deals?account_ids=A&{WINDOW}&", wire_keys.DEAL, True),
    (f"/oms/commands?account_ids=A&{WINDOW}&", wire_keys.COMMAND, True),
    ("/oms/events?account_ids=A&", wire_keys.EVENT, True),
    (f"/ccxt/orders/raw?account_ids=A&{WINDOW}&", wire_keys.RAW | {"client_order_id"}, False),
    (f"/ccxt/trades/raw?account_ids=A&{WINDOW}&", wire_keys.RAW | {"exchange_trade_id"}, False),
    ("/oms/risk/A/strategies?", wire_keys.STRATEGY_SWITCH, True),
    ("/strategies?", STRATEGY, True),
    ("/user/api-keys?", KEY, True),
    ("/user/api-keys/permissions?", PERM, True),
    ("/risk/kill?", wire_keys.KILL, True),
)
ADMIN_READS: tuple[tuple[str, frozenset[str], bool], ...] = (
    ("/admin/accounts?", ADMIN_ACCOUNT, True),
    ("/admin/strategies?", STRATEGY, True),
    ("/admin/users?", _keys("user_id user_name role status created_at"), True),
    (
        "/admin/users-api-keys?",
        _keys(
            "user_id user_name role user_status api_key_id api_key_status label created_at "
            "key_prefix last_used_at last_used_ip disabled_by restrictions"
        ),
        True,
    ),
    ("/admin/api-keys/K/permissions?", PERM, True),
    ("/admin/audit?", AUDITED, True),
    ("/admin/oms/open_orders?", wire_keys.ORDER, True),
    (f"/admin/oms/history_orders?account_ids=A&{WINDOW}&", wire_keys.ORDER, True),
    ("/admin/oms/open_positions?account_ids=&", wire_keys.MARKED_POSITION, True),
    (f"/admin/oms/history_positions?{WINDOW}&", wire_keys.MARKED_POSITION, True),
    (f"/admin/oms/deals?account_ids=A&{WINDOW}&", wire_keys.DEAL, True),
)


@dataclass(frozen=True, slots=True)
class Contract:
    """A gateway with one row of each kind, and its clients."""

    gateway: InProcessGateway
    trader: AsgiClient
    admin: AsgiClient
    api_key_id: int

    def path(self, text: str) -> str:
        """Return the path of a table line."""
        filled = text.replace("account_ids=A", f"account_ids={self.gateway.account_id}")
        filled = filled.replace("/A/", f"/{self.gateway.account_id}/")
        return filled.replace("/K/", f"/{self.api_key_id}/") + NOISE


@pytest.fixture
async def contract(busy: InProcessGateway) -> Contract:
    """A gateway with an order of each type, a strategy and a switch."""
    admin = AsgiClient(busy.app, ADMIN_KEY)
    grant = {"account_id": busy.account_id, "can_trade": True, "can_close_position": True}
    body = {"user_name": "ann", "password": PASSWORD, "permissions": [grant]}
    made = (await admin("POST", "/admin/users-with-api-key", body)).json()
    trader = AsgiClient(busy.app, made["api_key_plain"])
    name = {"name": "one", "account_ids": [busy.account_id]}
    assert (await trader("POST", "/strategies", name)).status == 200
    commands = [busy.command(), busy.command(order_type="limit", price="40000")]
    answer = await trader("POST", "/oms/commands?wait_ms=5000", commands)
    assert answer.status == 200, answer.body
    pulled = {"scope": "symbol", "scope_id": "XRP/USDT", "mode": "halt", "comment": "odd"}
    assert (await admin("POST", "/risk/kill", pulled)).status == 200
    return Contract(busy, trader, admin, made["api_key_id"])


async def token_of(contract: Contract, name: str) -> str:
    """Return a login token."""
    body = {"user_name": name, "password": PASSWORD}
    answer = await contract.trader("POST", "/auth/login-password", body, key="")
    assert answer.status == 200, answer.body
    return str(answer.json()["token"])


def answers(answer: AsgiResponse, path: str, keys: frozenset[str], *, needed: bool) -> None:
    """Check the keys of a list; unknown parameters are ignored."""
    assert answer.status == 200, (path, answer.body)
    body = answer.json()
    assert body["items"] or not needed, path
    for row in body["items"]:
        wire_keys.assert_keys(row, keys)
    if body.get("page_size") is not None:
        assert body["page_size"] == 500  # clamped, not refused


async def test_every_read_of_a_trader_by_key_and_by_token(contract: Contract) -> None:
    by_token = replace(contract.trader, key=await token_of(contract, "ann"))
    assert by_token.key.startswith("tok_")
    for text, keys, needed in TRADER_READS:
        path = contract.path(text)
        answers(await contract.trader("GET", path), path, keys, needed=needed)
        answers(await by_token("GET", path), path, keys, needed=needed)


async def test_every_read_of_an_admin_by_key_and_by_token(contract: Contract) -> None:
    body = {"user_name": "boss", "role": "admin", "password": PASSWORD}
    assert (await contract.admin("POST", "/admin/users-with-api-key", body)).status == 200
    by_token = replace(contract.admin, key=await token_of(contract, "boss"))
    for text, keys, needed in ADMIN_READS:
        path = contract.path(text)
        answers(await contract.admin("GET", path), path, keys, needed=needed)
        answers(await by_token("GET", path), path, keys, needed=needed)
        refused = await contract.trader("GET", path)
        assert (refused.status, refused.detail["code"]) == (403, "admin_required"), path


async def test_admin_views_are_paged_and_filtered(contract: Contract) -> None:
    gateway = contract.gateway
    other = await gateway.add_account()
    page = await contract.admin.get("/admin/oms/history_orders?page_size=1&page=2")
    assert (page["total"], page["page"], page["page_size"], len(page["items"])) == (2, 2, 1, 1)
    empty = await contract.admin.get(f"/admin/oms/history_orders?account_ids={other}")
    assert (empty["items"], empty["total"]) == ([], 0)
    second = await contract.admin.get("/admin/oms/open_orders?page=2")
    assert (second["items"], second["total"]) == ([], 1)
    for path, code in (
        ("/admin/oms/unknown", "not_found"),
        ("/admin/oms/deals?account_ids=99999", "account_not_found"),
    ):
        answer = await contract.admin("GET", path)
        assert (answer.status, answer.detail["code"]) == (404, code)


async def test_change_routes_of_a_trader_have_the_documented_keys(contract: Contract) -> None:
    gateway = contract.gateway
    strategy = {"name": "two", "account_ids": [gateway.account_id], "client_strategy_id": 9}
    answer = await contract.trader("POST", "/strategies?unknown=1", strategy | {"unknown": 1})
    assert (answer.status, set(answer.json())) == (200, {"ok", "strategy_id"})
    taken = await contract.trader("POST", "/strategies", strategy)
    assert (taken.status, taken.detail["code"]) == (409, "conflict")
    profile = await contract.trader("PATCH", "/user/profile", {"user_name": "anna", "more": 1})
    assert set(profile.json()) == {"ok", "user_id", "user_name"}
    key = await contract.trader("POST", "/user/api-keys", {"label": "two", "user_id": 1})
    assert set(key.json()) == {"ok", "user_id", "api_key_id", "api_key_plain", "label"}
    path = f"/user/api-keys/{key.json()['api_key_id']}"
    off = await contract.trader("PATCH", path, {"status": "disabled"})
    assert set(off.json()) == {"ok", "api_key_id", "rows"}


async def test_reassign_is_a_command(contract: Contract) -> None:
    gateway = contract.gateway
    orders = await contract.trader.get(
        f"/oms/orders/history?account_ids={gateway.account_id}&since=0"
    )
    filled = next(row for row in orders["items"] if row["status"] == "FILLED")
    (mine,) = (await contract.trader.get("/strategies"))["items"]
    body = {"order_ids": [filled["id"]], "target_strategy_id": mine["strategy_id"]}
    preview = await contract.trader("POST", "/oms/reassign", body | {"preview": True})
    assert (preview.status, preview.json()["preview"]) == (200, True)
    headers = {"Prefer": "wait=5"}
    answer = await contract.trader("POST", "/oms/reassign", body, headers=headers)
    assert answer.status == 200, answer.body
    result = answer.json()
    assert (result["orders_updated"], result["deals_updated"]) == (1, 1)
    assert answer.headers["location"] == f"/oms/commands/{result['command_id']}"
    assert answer.headers["preference-applied"] == "wait=5"
    (deal,) = [item for item in result["items"] if item["kind"] == "deal"]
    assert deal["strategy_id"] == mine["strategy_id"]


async def test_accounts_with_shared_credentials_keep_separate_ledgers(contract: Contract) -> None:
    """Each paper account has its own exchange: neither has the other's rows."""
    gateway = contract.gateway
    other = await gateway.add_account()
    secrets = {"credentials": {"api_key": "one-and-the-same", "secret": "shared"}}
    for account_id in (gateway.account_id, other):
        answer = await contract.admin("PATCH", f"/admin/accounts/{account_id}", secrets)
        assert answer.status == 200, answer.body
    grants = dict.fromkeys((gateway.account_id, other), evolve(TRADER))
    both = AsgiClient(
        gateway.app, await gateway.add_key("both", "oms_trades-on-both", grants=grants)
    )
    price = {"account_id": other, "symbol": "BTC/USDT:USDT", "price": "50000"}
    assert (await both("POST", "/paper/price", price)).status == 200
    before = await both.get(f"/oms/deals?account_ids={gateway.account_id}&since=0")
    command = gateway.command() | {"account_id": other}
    assert (await both("POST", "/oms/commands?wait_ms=5000", command)).status == 200
    for account_id, count in ((gateway.account_id, len(before["items"])), (other, 1)):
        assert (await both("POST", "/oms/reconcile", {"account_id": account_id})).status == 200
        deals = await both.get(f"/oms/deals?account_ids={account_id}&since=0")
        assert len(deals["items"]) == count
        assert all(deal["exchange_trade_id"] for deal in deals["items"])


async def test_every_documented_route_is_served(contract: Contract) -> None:
    """No route is missing, whatever its response to an empty body."""
    account_id = contract.gateway.account_id
    for line in ROUTES.strip().splitlines():
        method, _, text = line.partition(" ")
        path = text.strip().replace("{a}", str(account_id)).replace("{n}", "1")
        answer = await contract.admin(method, path, {} if method != "GET" else None)
        assert answer.status != 405, line
        result: dict[str, Any] = answer.json() if answer.headers["content-type"] else {}
        message = result.get("detail", {}).get("message", "") if isinstance(result, dict) else ""
        assert message != "there is no such path", line
        assert answer.status < 500 or answer.status == 503, (line, answer.body)


ROUTES = """
GET /healthz
GET /livez
GET /readyz
GET /version
GET /meta/exchanges
GET /dispatcher/status
POST /oms/cache/clear
POST /auth/login-password
POST /auth/logout
GET /user/profile
PATCH /user/profile
POST /user/password
GET /user/api-keys
POST /user/api-keys
PATCH /user/api-keys/{n}
GET /user/api-keys/permissions
GET /user/api-keys/{n}/permissions
POST /oms/commands
GET /oms/commands/{n}
GET /oms/commands?account_ids={a}
GET /oms/orders/open?account_ids={a}
GET /oms/orders/history?account_ids={a}
GET /oms/deals?account_ids={a}
GET /oms/positions/open?account_ids={a}
GET /oms/positions/history?account_ids={a}
GET /oms/orders/1,2
GET /oms/deals/1,2
GET /oms/positions/1,2
GET /oms/orders/{n}/timeline
GET /oms/orders/{n}/lineage
GET /oms/events?account_ids={a}
GET /oms/accounts
GET /ccxt/orders/raw?account_ids={a}
GET /ccxt/trades/raw?account_ids={a}
POST /oms/reassign
POST /oms/reconcile
GET /oms/reconcile/{a}/status
GET /oms/reconcile/status
GET /oms/risk/{a}/strategies
POST /oms/risk/{a}/allow_new_positions
POST /oms/risk/{a}/strategies/allow_new_positions
POST /oms/risk/{a}/status
GET /strategies
POST /strategies
GET /admin/strategies
POST /admin/strategies
PATCH /admin/strategies/{n}
GET /admin/accounts
POST /admin/accounts
PATCH /admin/accounts/{a}
GET /admin/users
PATCH /admin/users/{n}
GET /admin/users-api-keys
POST /admin/users-with-api-key
POST /admin/api-keys
PATCH /admin/api-keys/{n}
GET /admin/api-keys/{n}/permissions
PUT /admin/api-keys/{n}/permissions
GET /admin/oms/deals
POST /admin/oms/orders/mutate
POST /admin/oms/positions/mutate
POST /admin/oms/deals/mutate
GET /admin/audit
POST /ccxt/{a}/fetch_balance
POST /ccxt/commands
POST /ccxt/core/{a}/fetch_ticker
POST /risk/kill
GET /risk/kill
GET /risk/kill/{n}
POST /risk/kill/{n}/release
"""
