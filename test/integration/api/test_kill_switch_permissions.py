"""Kill switches obey the flags, strategy lists and readable accounts of the caller's key."""

from typing import Any

import pytest

from kit.databases.sql import execute
from kit.gateway.in_process import ADMIN_KEY, TRADER, InProcessGateway, now
from kit.http.asgi_client import AsgiResponse
from oms.domain.access import Grant
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext

WATCH = Grant(can_risk_manage=True)
WATCH_ALL = evolve(WATCH, can_close_position=True)
PRICE = {"symbol": "BTC/USDT:USDT", "price": "50000"}


@pytest.fixture
async def two(busy: InProcessGateway) -> InProcessGateway:
    """Two accounts with a resting order of the strategies ``own`` and ``other`` in each."""
    state = busy.app.state
    state.far = await busy.add_account()
    accounts = [busy.account_id, state.far]
    state.trader = await busy.add_key(
        "both", "oms_key-of-both-accounts", grants=dict.fromkeys(accounts, TRADER)
    )
    strategies = busy.api_context.administer.strategies
    context = AuditContext(actor="test", at=now())
    state.own = await strategies.create("own", None, accounts, context)
    state.other = await strategies.create("other", None, accounts, context)
    await send(busy, "POST", "/paper/price", PRICE | {"account_id": state.far})
    for account_id in accounts:
        for strategy_id in (state.own, state.other):
            payload = {"order_type": "limit", "price": "40000", "strategy_id": strategy_id}
            command = busy.command(**payload) | {"account_id": account_id}
            await send(busy, "POST", "/oms/commands?wait_ms=5000", command)
    return busy


async def send(gateway: InProcessGateway, method: str, path: str, body: Any) -> Any:
    answer = await gateway.client(method, path, body, key=gateway.app.state.trader)
    assert answer.status == 200, answer.body
    return answer.json()


async def pull(gateway: InProcessGateway, key: str, scope: str, **fields: Any) -> AsgiResponse:
    body = {"scope": scope, "mode": "halt", "comment": "stop it"} | fields
    return await gateway.client("POST", "/risk/kill", body, key=key)


async def risk_key(gateway: InProcessGateway, grants: dict[int, Grant]) -> str:
    return await gateway.add_key("rosa", "oms_key-of-a-risk-person", "risk", grants=grants)


async def restricted_key(gateway: InProcessGateway, **flags: bool) -> str:
    strategies = frozenset({gateway.app.state.own})
    grant = Grant(**flags, restrict_to_strategies=True, strategy_ids=strategies)
    accounts = (gateway.account_id, gateway.app.state.far)
    return await gateway.add_key(
        "narrow", "oms_key-of-one-strategy", grants=dict.fromkeys(accounts, grant)
    )


def refused(answer: AsgiResponse) -> tuple[int, str]:
    return answer.status, answer.detail["code"]


def wide_scopes(gateway: InProcessGateway) -> list[tuple[str, Any]]:
    return [
        ("global", None),
        ("symbol", "BTC/USDT:USDT"),
        ("strategy", gateway.app.state.other),
    ]


async def test_report_holds_readable_accounts_only(two: InProcessGateway) -> None:
    near = await two.add_key("near", "oms_key-of-the-near-account")
    nothing = await two.add_key("nothing", "oms_key-of-no-account", grants={})
    for scope, scope_id in wide_scopes(two):
        switch = (await pull(two, ADMIN_KEY, scope, scope_id=scope_id)).json()
        assert [row["account_id"] for row in switch["report"]] == [
            two.account_id,
            two.app.state.far,
        ]
        path = f"/risk/kill/{switch['id']}"
        seen = await two.client.get(path, key=near)
        assert [row["account_id"] for row in seen["report"]] == [two.account_id], scope
        assert (await two.client("GET", path, key=nothing)).status == 404
    assert len((await two.client.get("/risk/kill", key=near))["items"]) == 3
    assert (await two.client.get("/risk/kill", key=nothing))["items"] == []


async def test_restricted_key_sees_its_strategies_only(two: InProcessGateway) -> None:
    key = await restricted_key(two)
    switch = (await pull(two, ADMIN_KEY, "global")).json()
    assert [len(row["canceled"]) for row in switch["report"]] == [2, 2]
    seen = (await two.client.get(f"/risk/kill/{switch['id']}", key=key))["report"]
    assert [len(row["canceled"]) for row in seen] == [1, 1]
    await pull(two, ADMIN_KEY, "strategy", scope_id=two.app.state.other)
    own = (await pull(two, ADMIN_KEY, "strategy", scope_id=two.app.state.own)).json()
    shown = (await two.client.get("/risk/kill", key=key))["items"]
    assert [row["id"] for row in shown] == [switch["id"], own["id"]]


async def test_switch_of_a_key_is_shown_to_keys_of_its_accounts(two: InProcessGateway) -> None:
    profile = await two.client.get("/user/profile", key=two.app.state.trader)
    switch = await pull(two, two.app.state.trader, "key", scope_id=profile["api_key_id"])
    assert switch.status == 200, switch.body
    nothing = await two.add_key("nothing", "oms_key-of-no-account", grants={})
    assert len((await two.client.get("/risk/kill"))["items"]) == 1
    assert (await two.client.get("/risk/kill", key=nothing))["items"] == []
    assert len((await two.client.get("/risk/kill", key=two.app.state.trader))["items"]) == 1


@pytest.mark.parametrize("drill", [True, False])
async def test_risk_role_needs_its_flag_on_every_affected_account(
    two: InProcessGateway, drill: bool
) -> None:
    partial = {two.account_id: WATCH, two.app.state.far: Grant()}
    key = await risk_key(two, partial)
    profile = await two.client.get("/user/profile", key=two.app.state.trader)
    scopes = [*wide_scopes(two), ("account", two.app.state.far), ("key", profile["api_key_id"])]
    for scope, scope_id in scopes:
        answer = await pull(two, key, scope, scope_id=scope_id, drill=drill)
        assert refused(answer) == (403, "permission_denied"), scope
    assert (await two.client.get("/risk/kill", key=ADMIN_KEY))["items"] == []
    near = await pull(two, key, "account", scope_id=two.account_id, drill=drill)
    assert near.status == 200, near.body


async def test_risk_role_with_its_flag_everywhere(two: InProcessGateway, dsn: str) -> None:
    key = await risk_key(two, {two.account_id: WATCH, two.app.state.far: WATCH})
    for scope, scope_id in wide_scopes(two):
        drill = await pull(two, key, scope, scope_id=scope_id, drill=True)
        assert drill.json()["would"]["accounts"] == [two.account_id, two.app.state.far]
        assert (await pull(two, key, scope, scope_id=scope_id)).status == 200
    execute(dsn, "UPDATE kill_switches SET created_at = '2020-01-01T00:00:00.000000Z'")
    execute(
        dsn,
        f"UPDATE api_key_account_permissions SET can_risk_manage = 0"
        f" WHERE account_id = {two.app.state.far}",
    )
    for row in (await two.client.get("/risk/kill", key=key))["items"]:
        body = {"comment": "calm again", "confirm": row["confirm"]}
        path = f"/risk/kill/{row['id']}/release"
        assert refused(await two.client("POST", path, body, key=key)) == (403, "permission_denied")
        assert (await two.client("POST", path, body, key=ADMIN_KEY)).status == 200


async def test_flatten_needs_the_flag_to_close(two: InProcessGateway) -> None:
    account = {"scope_id": two.account_id, "mode": "flatten"}
    trades = await two.add_key(
        "trades", "oms_key-that-only-trades", grants={two.account_id: Grant(can_trade=True)}
    )
    watches = await risk_key(two, {two.account_id: WATCH})
    for key in (trades, watches):
        assert refused(await pull(two, key, "account", **account)) == (403, "permission_denied")
        assert (await pull(two, key, "account", **account | {"mode": "halt"})).status == 200
    closes = await two.add_key(
        "closes", "oms_key-that-closes-too", "risk", grants={two.account_id: WATCH_ALL}
    )
    for key in (closes, ADMIN_KEY):
        assert (await pull(two, key, "account", **account)).status == 200


@pytest.mark.parametrize("mode", ["flatten", "halt"])
async def test_restricted_key_sets_switches_of_its_strategies_only(
    two: InProcessGateway, mode: str
) -> None:
    key = await restricted_key(two, can_trade=True, can_close_position=True)
    for scope, scope_id in (("account", two.account_id), ("strategy", two.app.state.other)):
        answer = await pull(two, key, scope, scope_id=scope_id, mode=mode)
        assert refused(answer) == (403, "strategy_permission_denied")
    own = await pull(two, key, "strategy", scope_id=two.app.state.own, mode=mode)
    assert own.status == 200, own.body
    assert [len(row["canceled"]) for row in own.json()["report"]] == [1, 1]
    for account_id in (two.account_id, two.app.state.far):
        path = f"/oms/orders/open?account_ids={account_id}"
        rows = (await two.client.get(path, key=two.app.state.trader))["items"]
        assert [row["strategy_id"] for row in rows] == [two.app.state.other]


async def test_id_with_leading_zeros_names_the_same_account(two: InProcessGateway) -> None:
    body = (await pull(two, ADMIN_KEY, "account", scope_id=f"00{two.account_id}")).json()
    assert body["scope_id"] == str(two.account_id)


async def test_no_number_of_newer_switches_disarms_an_older_one(
    two: InProcessGateway, dsn: str
) -> None:
    await pull(two, ADMIN_KEY, "account", scope_id=two.account_id)
    columns = "scope, scope_id, mode, comment, cancel_entries, flatten, is_on, set_by, created_at"
    execute(
        dsn,
        "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)"
        f" INSERT INTO kill_switches (id, {columns})"
        " SELECT n.i, 'symbol', 'X/USDT', mode, comment, 0, 0, 1, set_by, created_at"
        " FROM n, kill_switches WHERE kill_switches.id = 1",
    )
    kill_switches = two.worker.processor.execute.kill_switches
    assert kill_switches is not None
    kill_switches.forget()
    answer = await two.order("?wait_ms=5000")
    assert (answer.status, answer.detail["reason"]) == (409, "kill_switch")
