"""The audit log: content of entries, hash chain, detection of tampering."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.admin_client import PASSWORD, AdminClient
from oms.adapters.sql.registry.audit_log import SqlAuditLog
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.domain.access import Grant
from oms.services.access.chain_audit import ChainAudit

ROW = {
    *("id", "created_at", "account_id", "actor", "actor_user_id", "actor_api_key_id"),
    *("actor_role", "actor_ip", "action", "entity", "entity_id", "before_json", "after_json"),
    *("comment", "request_id"),
}


async def log_of(api: AdminClient, query: str = "") -> list[dict[str, Any]]:
    page = await api.admin.get(f"/admin/audit?page_size=500&{query}")
    assert set(page) == {"items", "total", "page", "page_size", "next_cursor"}
    items: list[dict[str, Any]] = page["items"]
    assert all(set(item) == ROW for item in items)
    return items


async def test_entry_has_actor_change_and_comment(api: AdminClient) -> None:
    made = await api.user()
    target = f"/admin/users/{made['user_id']}"
    headers = {"x-comment": "left us", "x-request-id": "req-1"}
    await api.admin("PATCH", target, {"status": "disabled"}, headers=headers)
    [row] = await log_of(api, "action=change_user")
    profile = await api.admin.get("/user/profile")
    assert row | {"id": 0, "created_at": ""} == {
        "id": 0,
        "created_at": "",
        "account_id": None,
        "actor": "admin",
        "actor_user_id": profile["user_id"],
        "actor_api_key_id": profile["api_key_id"],
        "actor_role": "admin",
        "actor_ip": "127.0.0.1",
        "action": "change_user",
        "entity": "user",
        "entity_id": str(made["user_id"]),
        "before_json": {"role": "trader", "status": "active"},
        "after_json": {"role": "trader", "status": "disabled"},
        "comment": "left us",
        "request_id": "req-1",
    }


async def test_every_change_is_audited(api: AdminClient) -> None:
    made = await api.user(permissions=[{"account_id": api.gateway.account_id}])
    key, number = str(made["api_key_plain"]), made["api_key_id"]
    await api.login(password="wrong password")
    token = await api.token()
    words = {"current_password": PASSWORD, "new_password": "another long password"}
    requests = [
        (key, "POST", "/user/api-keys", {}),
        (key, "PATCH", f"/user/api-keys/{number}", {"status": "active", "label": "x"}),
        (key, "PATCH", "/user/profile", {"user_name": "anna"}),
        (token, "POST", "/user/password", words),
        (token, "POST", "/auth/logout", {}),
        (None, "PUT", f"/admin/api-keys/{number}/permissions", {"account_id": 1}),
        (None, "PATCH", f"/admin/api-keys/{number}", {"status": "active"}),
        (None, "POST", "/admin/strategies", {"name": "s"}),
        (None, "PATCH", f"/admin/accounts/{api.gateway.account_id}", {"label": "l"}),
        (None, "POST", "/admin/accounts", {"exchange_id": "paper.okx", "label": "n"}),
    ]
    requests[5] = (*requests[5][:3], {"account_id": api.gateway.account_id, "can_trade": True})
    for shown, method, target, body in requests:
        answer = await api.admin(method, target, body, key=shown)
        assert answer.status == 200, (target, answer.body)
    actions = [row["action"] for row in await log_of(api) if row["actor"] != "test"]
    assert actions == [
        "create_user",
        "create_api_key",
        "set_permission",
        "login_failed",
        "login",
        "create_api_key",
        "change_api_key",
        "rename_user",
        "change_password",
        "logout",
        "set_permission",
        "change_api_key",
        "create_strategy",
        "change_account",
        "create_account",
    ]
    before, after = [
        (row["before_json"], row["after_json"])
        for row in await log_of(api, "action=set_permission")
    ]
    assert before[0] is None and after[0] == before[1]
    assert (after[0]["can_trade"], after[1]["can_trade"]) == (False, True)
    assert PASSWORD not in str(fetch_rows(api.dsn, "SELECT * FROM audit_log"))


async def test_commands_are_in_the_log(api: AdminClient) -> None:
    await api.gateway.order("?wait_ms=0")
    # A read goes through the queue too, and is no change.
    read = f"/alerts?wait_ms=0&account_id={api.gateway.account_id}"
    await api.admin("GET", read)
    assert fetch_rows(api.dsn, "SELECT COUNT(*) FROM oms_commands")[0][0] == 2
    [command] = await log_of(api, "entity=command")
    assert (command["action"], command["actor"]) == ("send_order", "trader")
    assert command["account_id"] == api.gateway.account_id
    assert command["after_json"]["symbol"] == "BTC/USDT:USDT"
    assert await log_of(api, "action=send_order") == [command]


async def test_pages_of_the_log(api: AdminClient) -> None:
    for number in range(7):
        await api.admin("POST", "/admin/strategies", {"name": f"s{number}"})
    for _ in range(3):
        await api.gateway.order("?wait_ms=0")
    everything = await log_of(api)
    page = await api.admin.get("/admin/audit?page_size=3&page=2&sort=desc")
    assert page["total"] == len(everything)
    assert await _walk(api, "asc") == everything
    backwards = await log_of(api, "sort=desc")
    assert backwards == everything[::-1]
    moment = everything[5]["created_at"]
    later = await log_of(api, f"since={moment}")
    assert later == [row for row in everything if row["created_at"] >= moment]
    assert await log_of(api, f"until={moment}") == [
        row for row in everything if row["created_at"] < moment
    ]
    who = everything[-1]["actor_user_id"]
    assert await log_of(api, f"actor_user_id={who}") == [
        row for row in everything if row["actor_user_id"] == who
    ]


async def test_rows_and_commands_are_merged_by_time(api: AdminClient) -> None:
    sent: list[str] = []
    for number in range(3):
        await api.admin("POST", "/admin/strategies", {"name": f"s{number}"})
        await api.gateway.order("?wait_ms=0")
        sent += ["create_strategy", "send_order"]
    walked = await _walk(api, "desc")
    assert [row["action"] for row in walked[:6]] == sent[::-1]
    assert walked == await log_of(api, "sort=desc")
    times = [row["created_at"] for row in walked]
    assert times == sorted(times, reverse=True)
    for position in ("i123", "a1", "a1.2.3", "a1.x", f"a{10**16}.1"):
        wrong = urlsafe_b64encode(position.encode()).decode().rstrip("=")
        assert (await api.admin("GET", f"/admin/audit?cursor={wrong}")).status == 422


@pytest.mark.parametrize("sort", ["asc", "desc"])
async def test_no_row_is_left_out_where_a_clock_went_back(api: AdminClient, sort: str) -> None:
    for number in range(4):
        await api.admin("POST", "/admin/strategies", {"name": f"s{number}"})
        await api.gateway.order("?wait_ms=0")
    everything = await log_of(api)
    ids = [row["id"] for row in everything if row["action"] == "create_strategy"]
    past = "(SELECT * FROM (SELECT MIN(created_at) FROM audit_log) AS t)"
    execute(api.dsn, f"UPDATE audit_log SET created_at = {past} WHERE id = {ids[2]}")

    def keys(rows: Sequence[Mapping[str, Any]]) -> list[tuple[bool, int]]:
        return sorted((row["entity"] == "command", row["id"]) for row in rows)

    walked = await _walk(api, sort)
    assert keys(walked) == keys(everything)
    for is_command in (False, True):
        found = [row["id"] for row in walked if (row["entity"] == "command") is is_command]
        assert found == sorted(found, reverse=sort == "desc")


async def _walk(api: AdminClient, sort: str) -> list[dict[str, Any]]:
    """Return all rows of the log, read by cursors."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await api.admin.get(f"/admin/audit?page_size=4&sort={sort}&cursor={cursor}")
        rows += page["items"]
        cursor = page["next_cursor"]
    return rows


async def test_risk_manager_sees_readable_accounts(api: AdminClient) -> None:
    mine, other = api.gateway.account_id, await api.gateway.add_account()
    await api.gateway.add_key("rita", "oms_rita-the-risk-manager", "risk", grants={mine: Grant()})
    for account_id in (mine, other):
        await api.admin("PATCH", f"/admin/accounts/{account_id}", {"label": "x"})
    key = "oms_rita-the-risk-manager"
    seen = (await api.client.get("/admin/audit", key=key))["items"]
    assert {row["account_id"] for row in seen} == {mine}
    assert "change_account" in {row["action"] for row in seen}
    closed = await api.client("GET", f"/admin/audit?account_ids={mine},{other}", key=key)
    assert (closed.status, closed.detail["code"]) == (403, "permission_denied")
    assert (await api.client("GET", "/admin/audit")).status == 403


async def test_audit_rows_need_all_strategies_of_an_account(api: AdminClient) -> None:
    account_id = api.gateway.account_id
    key, grant = "oms_rita-the-risk-manager", Grant(restrict_to_strategies=True)
    await api.gateway.add_key("rita", key, "risk", grants={account_id: grant})
    await api.admin("PATCH", f"/admin/accounts/{account_id}", {"label": "x"})
    assert (await api.client.get("/admin/audit", key=key))["items"] == []
    closed = await api.client("GET", f"/admin/audit?account_ids={account_id}", key=key)
    assert (closed.status, closed.detail["code"]) == (403, "strategy_permission_denied")


async def test_hash_chain_is_valid(api: AdminClient) -> None:
    chain = ChainAudit(log=api.gateway.store.audit_log)
    first = await chain()
    assert first == len(fetch_rows(api.dsn, "SELECT id FROM audit_log")) > 0
    assert await chain() == 0
    await api.user()
    assert await chain() == 2
    answer = await build_verify_report(api.gateway.store, Settings())
    assert answer["ok"] is True
    assert {row["hash_chain"] for row in answer["accounts"]} == {"ok"}
    numbers = fetch_rows(api.dsn, "SELECT chain_no FROM audit_log ORDER BY chain_no")
    assert numbers == [(number,) for number in range(1, first + 3)]


async def test_concurrent_writers_do_not_fork_the_chain(api: AdminClient) -> None:
    log = api.gateway.store.audit_log
    head = await log.head()
    waiting = await log.unchained_rows(10)
    assert await ChainAudit(log=log)() > 0
    late = SqlAuditLog(api.gateway.store._database)
    from oms.domain.audit_chain import make_chain_link
    from oms.ports.audit_log import ChainedRow

    mine = [
        ChainedRow(row=waiting[0], link=make_chain_link(waiting[0], head.length + 1, head.hash))
    ]
    assert await late.append_to_chain(head, mine) is False
    assert (await build_verify_report(api.gateway.store, Settings()))["ok"] is True


@pytest.mark.parametrize(
    ("statement", "invariants"),
    [
        ("UPDATE audit_log SET comment = 'innocent' WHERE chain_no = 2", {"chain_hash"}),
        ("UPDATE audit_log SET actor = 'intruder' WHERE chain_no = 1", {"chain_hash"}),
        ("UPDATE audit_log SET after_json = '{}' WHERE chain_no = 3", {"chain_hash"}),
        # Without its audit row a user, key or permission has no audited creation either.
        (
            "DELETE FROM audit_log WHERE chain_no = 2",
            {"chain_number", "chain_link", "registry_unaudited"},
        ),
        (
            "DELETE FROM audit_log WHERE chain_no >= 3",
            {"chain_length", "chain_head", "registry_unaudited"},
        ),
        (
            "UPDATE audit_log SET chain_no = NULL, hash = NULL WHERE chain_no = 2",
            {"chain_number", "chain_link"},
        ),
        (
            f"UPDATE audit_log SET hash = '{'a' * 64}' WHERE chain_no = 2",
            {"chain_hash", "chain_link"},
        ),
        ("UPDATE audit_chain SET length = 1 WHERE id = 1", {"chain_length"}),
        (
            f"UPDATE audit_chain SET length = 0, hash = '{'0' * 64}' WHERE id = 1",
            {"chain_length", "chain_head"},
        ),
        ("DELETE FROM audit_chain WHERE id = 1", {"chain_head"}),
        ("UPDATE audit_chain SET length = length + 9 WHERE id = 1", {"chain_length"}),
    ],
)
async def test_tampering_is_detected(
    api: AdminClient, statement: str, invariants: set[str]
) -> None:
    await ChainAudit(log=api.gateway.store.audit_log)()
    execute(api.dsn, statement)
    answer = await build_verify_report(api.gateway.store, Settings())
    assert answer["ok"] is False
    unassigned = answer["accounts"][0]
    assert (unassigned["account_id"], unassigned["hash_chain"]) == (0, "broken")
    found = {finding["invariant"] for finding in unassigned["findings"]}
    assert found == invariants
    one = await build_verify_report(api.gateway.store, Settings(), api.gateway.account_id)
    assert {row["hash_chain"] for row in one["accounts"]} == {"broken"}


async def test_log_entries_are_json(api: AdminClient) -> None:
    await api.user()
    for before, after in fetch_rows(api.dsn, "SELECT before_json, after_json FROM audit_log"):
        for text in (before, after):
            assert text is None or isinstance(json.loads(text), dict)
