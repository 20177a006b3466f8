"""Orders for groups of accounts: one command per member, in one transaction."""

from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.in_process import ADMIN_KEY, TRADER
from kit.gateway.manual_trading import SPOT, ManualTrading

KEY = "oms_trader-of-the-group"


async def _accounts(trading: ManualTrading, count: int, price: str = "100") -> list[int]:
    accounts = [await trading.add_account() for _ in range(count)]
    for account in accounts:
        await trading.set_price(account, price)
    await trading.gateway.add_key("grouper", KEY, grants=dict.fromkeys(accounts, TRADER))
    return accounts


async def _call(trading: ManualTrading, method: str, path: str, body: Any = None) -> Any:
    return await trading.gateway.client(method, path, body, key=KEY)


async def _group(trading: ManualTrading, members: dict[int, str], kind: str = "ratio") -> int:
    rows = [{"account_id": account, kind: text} for account, text in members.items()]
    body = {"name": f"group of {len(rows)} by {kind}", "members": rows}
    answer = await _call(trading, "POST", "/account-groups", body)
    assert answer.status == 200, answer.body
    group_id: int = answer.json()["group_id"]
    return group_id


def _order(group_id: int, qty: str, **more: Any) -> dict[str, Any]:
    payload = {"symbol": SPOT, "side": "buy", "order_type": "market", "qty": qty}
    return {"group_id": group_id, "command": "send_order", "payload": payload} | more


async def _send(trading: ManualTrading, body: dict[str, Any]) -> Any:
    return await _call(trading, "POST", "/oms/commands?wait_ms=10000", body)


async def test_members_below_the_minimum_are_named_and_the_others_go_on(
    trading: ManualTrading, dsn: str
) -> None:
    """Check Z5: ratios 1, 0.5, and one that rounds to nothing."""
    first, second, third = await _accounts(trading, 3)
    group_id = await _group(trading, {first: "1", second: "0.5", third: "0.00000001"})
    answer = await _send(trading, _order(group_id, "0.3"))
    assert answer.status == 207
    results = answer.json()["results"]
    assert [row["account_id"] for row in results] == [first, second, third]
    assert [row["ok"] for row in results] == [True, True, False]
    assert [row["order"]["filled_qty"] for row in results[:2]] == ["0.3", "0.15"]
    assert results[2]["error"]["code"] == "qty_below_minimum"
    times = fetch_rows(dsn, "SELECT account_id, created_at FROM oms_commands ORDER BY id")
    assert [row[0] for row in times[-3:]] == [first, second, third]
    assert len({row[1] for row in times[-3:]}) == 1, "stored by one submission"


async def test_quantities_by_equity(trading: ManualTrading) -> None:
    first, second = await _accounts(trading, 2)
    await trading.deposit(second, "USDT", "20000")
    group_id = await _group(trading, {first: "1", second: "1"}, "equity_weight")
    results = (await _send(trading, _order(group_id, "4"))).json()["results"]
    assert [row["order"]["filled_qty"] for row in results] == ["1", "3"]


async def test_a_blocked_member_is_named(trading: ManualTrading) -> None:
    first, second = await _accounts(trading, 2)
    group_id = await _group(trading, {first: "1", second: "1"})
    body = {"status": "blocked", "comment": "test"}
    path = f"/oms/risk/{second}/status"
    assert (await trading.gateway.client("POST", path, body, key=ADMIN_KEY)).status == 200
    results = (await _send(trading, _order(group_id, "1"))).json()["results"]
    assert [row["ok"] for row in results] == [True, False]
    error = results[1]["error"]
    assert (error["code"], error["reason"]) == ("risk_blocked", "account_blocked")


async def test_a_member_without_permission_is_named(trading: ManualTrading, dsn: str) -> None:
    first, second = await _accounts(trading, 2)
    group_id = await _group(trading, {first: "1", second: "1"})
    execute(dsn, f"UPDATE api_key_account_permissions SET can_trade = 0 WHERE account_id={second}")
    answer = await _send(trading, _order(group_id, "1"))
    assert answer.status == 207
    results = answer.json()["results"]
    assert [row["ok"] for row in results] == [True, False]
    assert results[1]["error"]["code"] == "permission_denied"
    assert results[1]["command_id"] is None


@pytest.mark.parametrize("by", ["request_id", "idempotency_key"])
async def test_a_repeat_is_not_executed(trading: ManualTrading, by: str) -> None:
    first, second, later = await _accounts(trading, 3)
    group_id = await _group(trading, {first: "1", second: "1"}, "equity_weight")
    body = _order(group_id, "2", **({"request_id": "R1"} if by == "request_id" else {}))
    headers = {} if by == "request_id" else {"Idempotency-Key": "K1"}
    path, client = "/oms/commands?wait_ms=10000", trading.gateway.client
    one = (await client("POST", path, body, key=KEY, headers=headers)).json()["results"]
    assert [row["ok"] for row in one] == [True, True]
    await trading.deposit(second, "USDT", "10000")
    members = [{"account_id": i, "equity_weight": "1"} for i in (first, second, later)]
    changed = await _call(
        trading, "PUT", f"/account-groups/{group_id}", {"name": "more", "members": members}
    )
    assert changed.status == 200, changed.body
    again = (await client("POST", path, body, key=KEY, headers=headers)).json()["results"]
    assert [row["command_id"] for row in again] == [row["command_id"] for row in one]
    assert [row["account_id"] for row in again] == [first, second]
    assert all(row["replayed"] for row in again)


async def test_groups_belong_to_their_owner(trading: ManualTrading) -> None:
    first, second = await _accounts(trading, 2)
    group_id = await _group(trading, {first: "1", second: "2"})
    (row,) = (await _call(trading, "GET", "/account-groups")).json()["items"]
    assert (row["group_id"], row["members"][1]["ratio"]) == (group_id, "2")
    other = trading.keys[first]
    client = trading.gateway.client
    assert (await client.get("/account-groups", key=other))["items"] == []
    refused = await client("POST", "/oms/commands", _order(group_id, "1"), key=other)
    assert (refused.status, refused.detail["code"]) == (404, "not_found")
    body = {"name": "x", "members": [{"account_id": second, "ratio": "1"}]}
    assert (await client("POST", "/account-groups", body, key=other)).status == 403
    path = f"/account-groups/{group_id}"
    assert (await client("PUT", path, body, key=other)).status == 404
    assert (await client("DELETE", path, key=other)).status == 404
    taken = {"name": row["name"].upper(), "members": body["members"]}
    assert (await _call(trading, "POST", "/account-groups", taken)).status == 409
    assert (await _call(trading, "DELETE", path)).status == 200
    assert (await _call(trading, "GET", "/account-groups")).json()["items"] == []


@pytest.mark.parametrize(
    "members",
    [
        [],
        [{"account_id": 1}],
        [{"account_id": 1, "ratio": "1", "equity_weight": "1"}],
        [{"account_id": 1, "ratio": "1"}, {"account_id": 2, "equity_weight": "1"}],
        [{"account_id": 1, "ratio": "1"}, {"account_id": 1, "ratio": "1"}],
        [{"account_id": 1, "ratio": "0"}],
        [{"account_id": 1, "ratio": "1", "more": 1}],
    ],
)
async def test_malformed_groups(trading: ManualTrading, members: list[dict[str, Any]]) -> None:
    await _accounts(trading, 1)
    body = {"name": "x", "members": members}
    assert (await _call(trading, "POST", "/account-groups", body)).status == 422


async def test_malformed_commands_for_groups(trading: ManualTrading) -> None:
    (account,) = await _accounts(trading, 1)
    group_id = await _group(trading, {account: "1"})
    order = _order(group_id, "1")
    close = {"group_id": group_id, "command": "close_all", "payload": {}}
    with_position = _order(group_id, "1")
    with_position["payload"] |= {"position_id": 1}
    for body in (
        order | {"account_id": account},
        order | {"group_id": "x"},
        order | {"group_id": None},
        close,
        with_position,
        [order],
    ):
        answer = await _call(trading, "POST", "/oms/commands", body)
        assert (answer.status, answer.detail["code"]) == (422, "validation_error"), body
