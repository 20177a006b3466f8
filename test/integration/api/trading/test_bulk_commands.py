"""Admission of bulk commands: permissions on their rows, and their account."""

from typing import Any

import pytest

from kit.databases.store_rows import a_lease, a_position, an_event, an_order
from kit.gateway.in_process import AUDIT, TRADER, InProcessGateway, now
from oms.domain.access import Grant
from oms.domain.commands.command import CommandResult, CommandStatus
from oms.domain.orders.order import OrderState
from oms.domain.value import evolve
from oms.ports.ledger_store import AccountBatch
from oms.wire.json import loads

BULK_COMMANDS = ("cancel_all_orders", "close_all")


def own(*strategies: int) -> Grant:
    """A trader's permissions, restricted to strategies."""
    return evolve(TRADER, restrict_to_strategies=True, strategy_ids=frozenset(strategies))


async def key_of(
    gateway: InProcessGateway, grant: Grant, role: str = "trader", name: str = "own"
) -> str:
    """Add a key with this grant on the gateway's account."""
    grants = {gateway.account_id: grant}
    return await gateway.add_key(name, f"oms_the-key-of-{name}", role, grants=grants)


async def post(
    gateway: InProcessGateway,
    key: str | None,
    command: str,
    payload: dict[str, Any],
    **envelope: Any,
) -> Any:
    """Submit one command; return the response."""
    body = {"command": command, "payload": payload} | envelope
    return await gateway.client("POST", "/oms/commands?wait_ms=0", body, key=key)


async def stored(gateway: InProcessGateway, answer: Any) -> tuple[int, dict[str, Any]]:
    """Return account and payload of the one command of a response."""
    assert answer.status == 202, answer.body
    command_id = answer.json()["results"][0]["command_id"]
    row = (await gateway.store.queue.find([command_id]))[command_id]
    return row.account_id, loads(row.payload)


@pytest.mark.parametrize("command", BULK_COMMANDS)
async def test_bulk_commands_of_a_restricted_key_affect_its_strategies_only(
    gateway: InProcessGateway, command: str
) -> None:
    at = {"account_id": gateway.account_id}
    key = await key_of(gateway, own(9, 3))
    assert (await stored(gateway, await post(gateway, key, command, {}, **at)))[1] == {
        "strategy_ids": [3, 9]
    }
    named = await post(gateway, key, command, {"strategy_ids_csv": "9"}, **at)
    assert (await stored(gateway, named))[1] == {"strategy_ids": [9]}
    outside = await post(gateway, key, command, {"strategy_ids": [3, 4]}, **at)
    assert (outside.status, outside.detail["code"]) == (403, "strategy_permission_denied")
    assert (await stored(gateway, await post(gateway, None, command, {}, **at)))[1] == {}


@pytest.mark.parametrize("command", BULK_COMMANDS)
async def test_key_without_strategies_closes_nothing(
    gateway: InProcessGateway, command: str
) -> None:
    robot = await key_of(gateway, TRADER, role="robot")
    answer = await post(gateway, robot, command, {}, account_id=gateway.account_id)
    assert (answer.status, answer.detail["code"]) == (403, "strategy_permission_denied")


async def test_replay_is_independent_of_current_permissions(
    gateway: InProcessGateway,
) -> None:
    fields = {"account_id": gateway.account_id, "request_id": "r-1"}
    key = await key_of(gateway, own(3))
    first = await post(gateway, key, "close_all", {}, **fields)
    user = await gateway.store.registry.user("own")
    assert user is not None
    await gateway.store.registry.grant(
        user_id=user.id, account_id=gateway.account_id, grant=own(3, 4), now=now(), audit=AUDIT
    )
    again = await post(gateway, key, "close_all", {}, **fields)
    one, two = first.json()["results"][0], again.json()["results"][0]
    assert (two["command_id"], two["replayed"]) == (one["command_id"], True)
    assert (await stored(gateway, again))[1] == {"strategy_ids": [3]}
    headers = {"Idempotency-Key": "k-1"}
    body = {"command": "close_all", "payload": {}, "account_id": gateway.account_id}
    path = "/oms/commands?wait_ms=0"
    kept = await gateway.client("POST", path, body, key=key, headers=headers)
    assert kept.status == 202
    kept = await gateway.client("POST", path, body, key=key, headers=headers)
    assert (kept.status, kept.detail["code"]) == (409, "idempotency_in_flight")


async def test_risk_role_needs_a_comment(gateway: InProcessGateway) -> None:
    grant = Grant(can_risk_manage=True, can_close_position=True)
    key = await key_of(gateway, grant, role="risk")
    at = {"account_id": gateway.account_id}
    for command in BULK_COMMANDS:
        for said in ({}, {"comment": "  "}):
            answer = await post(gateway, key, command, said, **at)
            assert (answer.status, answer.detail["code"]) == (422, "comment_required")
        assert (await post(gateway, key, command, {"comment": "why"}, **at)).status == 202
    answer = await post(gateway, key, "position_change", {"position_id": 1, "comment": "c"}, **at)
    assert (answer.status, answer.detail["code"]) == (403, "permission_denied")


@pytest.fixture
async def other(gateway: InProcessGateway) -> int:
    """A second account with orders and positions 50, 51; the gateway's has 1, 2."""
    account_id = await gateway.add_account("hedge")
    for owner, numbers in ((gateway.account_id, (1, 2)), (account_id, (50, 51))):
        batch = AccountBatch(
            lease=await a_lease(gateway.store, owner),
            head_before=0,
            head_after=1,
            orders_new=[an_order(n, owner, state=OrderState.SUBMITTED) for n in numbers],
            positions_new=[a_position(n, owner, strategy_id=n) for n in numbers],
            events=[an_event(numbers[0], owner, 1)],
        )
        assert not await gateway.store.ledger.commit([batch])
    return account_id


ROWS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("close_by", {"position_id_a": 1, "position_id_b": 2}, {"position_id_b": 50}),
    (
        "merge_positions",
        {"source_position_id": 1, "target_position_id": 2},
        {"target_position_id": 50},
    ),
    ("position_change", {"position_id": 1, "comment": None}, {"position_id": 99}),
    ("cancel_order", {"order_ids": [1, 2]}, {"order_ids": [98, 99]}),
    ("change_order", {"order_id": 1, "new_price": "1"}, {"order_id": 99}),
]


@pytest.mark.parametrize(("command", "payload", "foreign"), ROWS)
async def test_account_is_derived_from_the_rows(
    gateway: InProcessGateway,
    other: int,
    command: str,
    payload: dict[str, Any],
    foreign: dict[str, Any],
) -> None:
    grants = {gateway.account_id: TRADER, other: TRADER}
    key = await gateway.add_key("both", "oms_a-key-of-both-accounts", grants=grants)
    account_id, _ = await stored(gateway, await post(gateway, key, command, payload))
    assert account_id == gateway.account_id
    code = f"{'order' if 'order' in command else 'position'}_not_found"
    for wrong in ({"account_id": other}, {"payload": payload | foreign}):
        body = {"command": command, "payload": payload} | wrong
        answer = await gateway.client("POST", "/oms/commands?wait_ms=0", body, key=key)
        assert (answer.status, answer.detail["code"]) == (404, code), wrong


@pytest.mark.usefixtures("other")
async def test_strategies_of_all_positions_are_checked(gateway: InProcessGateway) -> None:
    both = {"position_id_a": 1, "position_id_b": 2}
    key = await key_of(gateway, own(1))
    for command, payload in (
        ("close_by", both),
        ("merge_positions", {"source_position_id": 1, "target_position_id": 2}),
        ("position_change", {"position_id": 2, "comment": "c"}),
    ):
        answer = await post(gateway, key, command, payload)
        assert (answer.status, answer.detail["code"]) == (403, "strategy_permission_denied")
    key = await key_of(gateway, own(1, 2), name="two")
    assert (await post(gateway, key, "close_by", both)).status == 202
    answer = await post(gateway, key, "close_by", both | {"strategy_id": 3})
    assert (answer.status, answer.detail["code"]) == (403, "strategy_permission_denied")


async def test_bulk_result_lists_all_orders(gateway: InProcessGateway) -> None:
    """Order, position and deal ids of the stored result, set by the test, are returned."""
    lease = await a_lease(gateway.store, gateway.account_id)
    body = {
        "account_id": gateway.account_id,
        "request_id": "r-1",
        "command": "close_all",
        "payload": {"comment": "c"},
    }
    first = await gateway.client("POST", "/oms/commands?wait_ms=0", body)
    command_id = first.json()["results"][0]["command_id"]
    batch = AccountBatch(
        lease=lease,
        head_before=0,
        head_after=1,
        orders_new=[an_order(n, gateway.account_id) for n in (1, 2)],
        positions_new=[a_position(5, gateway.account_id)],
        results={
            command_id: CommandResult(
                status=CommandStatus.DONE,
                order_ids=(2, 1),
                position_ids=(5,),
                deal_ids=(8,),
                skipped=((3, "too_late"),),
            )
        },
        events=[an_event(1, gateway.account_id, 1)],
    )
    assert not await gateway.store.ledger.commit([batch])
    answer = await gateway.client("POST", "/oms/commands?wait_ms=5000", body)
    (row,) = answer.json()["results"]
    assert (answer.status, row["status"], row["replayed"]) == (200, "done", True)
    assert (row["order_id"], row["order"], row["deals"]) == (None, None, None)
    assert [order["id"] for order in row["orders"]] == [1, 2]
    shown = await gateway.client.get(f"/oms/commands/{command_id}")
    assert (shown["order_ids"], shown["deal_ids"]) == ([1, 2, 3], [8])
    assert set(shown["position_ids"]) == {5}
    assert shown["payload"] == {"comment": "c"}
