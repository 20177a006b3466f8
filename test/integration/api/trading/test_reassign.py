"""POST /oms/reassign: previews, refusals and the submitted commands."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from kit.databases.sql import execute
from kit.databases.store_rows import a_deal, a_lease, a_position, an_event, an_order, seconds_after
from kit.gateway.in_process import TRADER, InProcessGateway
from oms.domain.access import Grant
from oms.domain.commands.command import CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.ledger.position import PositionState
from oms.domain.orders.order import Order, OrderState, Side
from oms.domain.value import evolve
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch
from oms.wire.json import loads

ITEM_KEYS = {
    "kind", "id", "account_id", "symbol", "side", "status", "reconciled", "strategy_id",
    "position_id", "previous_position_id", "edit_replace_state", "edit_replace_at",
    "edit_replace_orphan_order_id", "edit_replace_origin_order_id", "executed_at", "created_at",
    "exchange_id", "exchange_order_id", "qty", "price", "filled_qty", "avg_fill_price",
}  # fmt: skip
PATH = "/oms/reassign"
STRATEGY = 7


async def external(gateway: InProcessGateway, account_id: int, first: int, count: int) -> Lease:
    """Insert ``count`` orders of strategy 0 a day apart, each with two deals a day later."""
    lease = await a_lease(gateway.store, account_id)
    numbers = range(first, first + count)
    day = 86_400.0
    batch = AccountBatch(
        lease=lease,
        head_before=0,
        head_after=count,
        orders_new=[
            an_order(
                n,
                account_id,
                reason="external",
                reconciled=n != first,
                state=OrderState.CANCELED if n == first + 1 else OrderState.FILLED,
                side=Side.SELL if n == first + 2 else Side.BUY,
                created_at=seconds_after((n - first) * day),
                updated_at=seconds_after((n - first) * day),
                strategy_id=STRATEGY + 1 if n == first + 3 else 0,
            )
            for n in numbers
        ],
        deals=[
            a_deal(
                10 * n + leg,
                account_id,
                order_id=n,
                position_id=1,
                exchange_trade_id=f"T{n}-{leg}",
                executed_at=seconds_after((n - first + 1) * day),
                strategy_id=STRATEGY + 1 if n == first + 3 else 0,
            )
            for n in numbers
            for leg in (0, 1)
        ],
        positions_new=[
            a_position(first, account_id),
            a_position(first + 1, account_id, state=PositionState.CLOSED),
            a_position(first + 2, account_id, symbol="ETH/USDT"),
        ],
        events=[an_event(first + n, account_id, n + 1) for n in range(count)],
    )
    assert not await gateway.store.ledger.commit([batch])
    return lease


@pytest.fixture
async def lease(gateway: InProcessGateway, tmp_path: Path) -> Lease:
    """The gateway's account with orders 1 to 3 of strategy 0, order 4, and a linked strategy."""
    execute(
        f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3",
        "INSERT INTO strategies (id, name, status, created_at)"
        f" VALUES ({STRATEGY}, 'seven', 'active', '2026-01-01')",
        "INSERT INTO strategy_accounts (strategy_id, account_id, status, created_at)"
        f" VALUES ({STRATEGY}, {gateway.account_id}, 'active', '2026-01-01')",
    )
    return await external(gateway, gateway.account_id, 1, 4)


async def preview(gateway: InProcessGateway, **asked: object) -> dict[str, Any]:
    """Return the response to a preview."""
    answer = await gateway.client("POST", PATH, asked | {"preview": True})
    assert answer.status == 200, answer.body
    result: dict[str, Any] = answer.json()
    return result


async def refused(gateway: InProcessGateway, **asked: object) -> tuple[int, str, str | None]:
    """Return status, code and reason of a refused request."""
    body = {"target_strategy_id": STRATEGY} | asked
    answer = await gateway.client("POST", PATH, body)
    return answer.status, answer.detail["code"], answer.detail["reason"]


def named(result: dict[str, Any]) -> list[tuple[str, int]]:
    return [(item["kind"], item["id"]) for item in result["items"]]


@pytest.mark.usefixtures("lease")
async def test_preview_lists_orders_then_deals(gateway: InProcessGateway) -> None:
    result = await preview(gateway)
    assert {key: result[key] for key in result if key != "items"} == {
        "ok": True,
        "deals_updated": 0,
        "orders_updated": 0,
        "deals_total": 8,
        "orders_total": 4,
        "preview": True,
        "page": 1,
        "page_size": 100,
    }
    deals = [("deal", 10 * n + leg) for n in range(1, 5) for leg in (0, 1)]
    assert named(result) == [("order", n) for n in range(1, 5)] + deals
    assert all(set(item) == ITEM_KEYS for item in result["items"])
    order, deal = result["items"][0], result["items"][4]
    assert (order["status"], order["exchange_id"]) == ("FILLED", "paper.binance")
    assert (order["filled_qty"], order["avg_fill_price"]) == ("0.5", "40000.1")
    assert (deal["status"], deal["price"], deal["filled_qty"]) == (None, "40000.1", None)


@pytest.mark.usefixtures("lease")
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 12])
async def test_pages_continue_from_orders_to_deals(gateway: InProcessGateway, size: int) -> None:
    whole = named(await preview(gateway))
    pages = [named(await preview(gateway, page=n + 1, page_size=size)) for n in range(13)]
    assert [row for page in pages for row in page] == whole
    assert all(len(page) <= size for page in pages)


@pytest.mark.usefixtures("lease")
@pytest.mark.parametrize(
    ("asked", "orders"),
    [
        ({"reconciled": False}, [1]),
        ({"reconciled": None, "order_statuses": ["canceled"]}, [2]),
        ({"start_date": "2026-03-02", "end_date": "2026-03-03"}, [2, 3]),
        ({"start_date": None, "end_date": None, "order_ids": ["3", 1, 3]}, [1, 3]),
        ({"account_ids": "x,0,1"}, [1, 2, 3, 4]),
        ({"account_ids": ["1", 1], "order_statuses": []}, [1, 2, 3, 4]),
    ],
)
async def test_filters(gateway: InProcessGateway, asked: dict[str, Any], orders: list[int]) -> None:
    assert gateway.account_id == 1
    result = await preview(gateway, **asked)
    assert (result["orders_total"], result["deals_total"]) == (len(orders), 2 * len(orders))
    assert named(result)[: len(orders)] == [("order", n) for n in orders]
    assert {n // 10 for kind, n in named(result) if kind == "deal"} == set(orders)


@pytest.mark.usefixtures("lease")
async def test_kinds(gateway: InProcessGateway) -> None:
    result = await preview(gateway, kinds=["order"])
    assert (result["orders_total"], result["deals_total"], len(result["items"])) == (4, 0, 4)
    result = await preview(gateway, kinds=["DEAL"], order_ids=[2])
    assert (result["orders_total"], named(result)) == (0, [("deal", 20), ("deal", 21)])


@pytest.mark.usefixtures("lease")
async def test_invalid_bodies(gateway: InProcessGateway) -> None:
    wrong: list[tuple[dict[str, Any], list[Any]]] = [
        ({}, ["order_ids"]),
        ({"order_ids": [1], "deal_ids": [1]}, ["deal_ids"]),
        ({"order_ids": [0]}, ["order_ids", 0]),
        ({"preview": True, "start_date": "2026-03-01"}, ["end_date"]),
        ({"preview": True, "account_ids": "x"}, ["account_ids"]),
        ({"preview": True, "kinds": ["position"]}, ["kinds", 0]),
        ({"preview": True, "order_statuses": ["odd"]}, ["order_statuses", 0]),
    ]
    for body, place in wrong:
        answer = await gateway.client("POST", PATH, body)
        assert (answer.status, answer.detail["code"]) == (422, "validation_error"), body
        assert answer.detail["errors"][0]["loc"] == place
    bent = await preview(gateway, page="x", page_size=5000, unknown=1, deal_ids=[])
    assert (bent["page"], bent["page_size"]) == (1, 500)


@pytest.mark.usefixtures("lease")
async def test_everything_is_checked_before_storing(gateway: InProcessGateway) -> None:
    other = await gateway.add_account("hedge")
    missing = (404, "order_not_found", None)
    assert await refused(gateway, order_ids=[1, 99]) == missing
    assert await refused(gateway, order_ids=[1], account_id=other) == (
        403,
        "permission_denied",
        None,
    )
    assert await refused(gateway, order_ids=[1], account_id=99) == (404, "account_not_found", None)
    for strategy in (0, 8):
        result = await refused(gateway, order_ids=[1], target_strategy_id=strategy)
        assert result == (422, "invalid_strategy_id", None)
    assert await refused(gateway, order_ids=[1, 4]) == (409, "conflict", "order_already_assigned")
    for position, why in (
        (99, (404, "position_not_found", None)),
        (2, (404, "position_not_found", None)),
        (3, (409, "conflict", "target_position_symbol_mismatch")),
    ):
        assert await refused(gateway, order_ids=[1], target_position_id=position) == why
    result = await refused(gateway, order_ids=[1, 3], target_position_id=1)
    assert result == (409, "conflict", "target_position_side_mismatch")
    commands = await gateway.client.get(f"/oms/commands?account_ids={gateway.account_id}&cursor=")
    assert commands["items"] == []


@pytest.mark.usefixtures("lease")
async def test_position_of_another_account_is_refused(gateway: InProcessGateway) -> None:
    other = await gateway.add_account("hedge")
    await external(gateway, other, 50, 1)
    key = await gateway.add_key(
        "both", "oms_a-key-of-both-accounts", grants={gateway.account_id: TRADER, other: TRADER}
    )
    body = {"order_ids": [1], "target_strategy_id": STRATEGY, "target_position_id": 50}
    answer = await gateway.client("POST", PATH, body, key=key)
    assert (answer.status, answer.detail["reason"]) == (409, "target_position_account_mismatch")
    body = {"order_ids": [1, 50], "target_strategy_id": STRATEGY}
    answer = await gateway.client("POST", PATH, body, key=key)
    assert (answer.status, answer.detail["code"]) == (422, "invalid_strategy_id")
    assert f"account {other}" in answer.detail["message"]


@pytest.mark.usefixtures("lease")
async def test_permissions(gateway: InProcessGateway) -> None:
    account_id = gateway.account_id
    body = {"order_ids": [1], "target_strategy_id": STRATEGY}
    for name, role, grant, code in (
        ("bot", "robot", TRADER, "permission_denied"),
        ("viewer", "readonly", TRADER, "permission_denied"),
        ("reader", "trader", Grant(), "permission_denied"),
        ("seven", "trader", own(STRATEGY), "strategy_permission_denied"),
        ("zero", "trader", own(0), "strategy_permission_denied"),
        ("quiet", "risk", Grant(can_risk_manage=True), "comment_required"),
    ):
        key = await gateway.add_key(name, f"oms_{name}", role, grants={account_id: grant})
        answer = await gateway.client("POST", PATH, body, key=key)
        assert answer.detail["code"] == code, name
    said = {"X-Comment": "why not"}
    answer = await gateway.client("POST", f"{PATH}?wait_ms=0", body, key="oms_quiet", headers=said)
    assert answer.status == 202
    both = await gateway.add_key("both", "oms_both", grants={account_id: own(0, STRATEGY)})
    assert (await gateway.client("POST", f"{PATH}?wait_ms=0", body, key=both)).status == 202
    seen = await gateway.client("POST", PATH, {"preview": True}, key=both)
    assert seen.json()["orders_total"] == 3, "order 4 is of a strategy that this key may not see"


def own(*strategies: int) -> Grant:
    """A trader's permissions, restricted to strategies."""
    return evolve(TRADER, restrict_to_strategies=True, strategy_ids=frozenset(strategies))


async def test_response_reports_the_moved_rows(gateway: InProcessGateway, lease: Lease) -> None:
    body = {
        "order_ids": [3, "1"],
        "target_strategy_id": STRATEGY,
        "target_position_id": None,
        "kinds": ["order"],
    }
    headers = {"Idempotency-Key": "move-1"}
    answer = await gateway.client("POST", f"{PATH}?wait_ms=0", body, headers=headers)
    assert (answer.status, answer.json()["orders_updated"]) == (202, 0)
    command_id = answer.json()["command_id"]
    again = await gateway.client("POST", PATH, body, headers=headers)
    assert (again.status, again.detail["code"]) == (409, "idempotency_in_flight")
    row = (await gateway.store.queue.find([command_id]))[command_id]
    assert (row.command_type, row.account_id) == ("reassign", gateway.account_id)
    assert loads(row.payload) == {"order_ids": [1, 3], "strategy_id": STRATEGY}

    first = an_order(1, gateway.account_id, strategy_id=STRATEGY, reason="external")
    result = CommandResult(
        status=CommandStatus.DONE, order_ids=(1, 3), deal_ids=(10, 11, 30, 31), position_ids=(1,)
    )
    await finish(gateway, lease, command_id, result, evolve(first, version=2))
    again = await gateway.client("POST", PATH, body, headers=headers)
    assert (again.status, again.headers["idempotent-replayed"]) == (200, "true")
    content = again.json()
    assert (content["orders_updated"], content["deals_updated"]) == (2, 4)
    assert (content["orders_total"], content["command_ids"]) == (2, [command_id])
    assert [(item["id"], item["strategy_id"]) for item in content["items"]] == [
        (1, STRATEGY),
        (3, 0),
    ]
    shown = await gateway.client.get(f"/oms/commands/{command_id}")
    assert (shown["order_ids"], shown["position_ids"]) == ([1, 3], [1])
    assert shown["deal_ids"] == [10, 11, 30, 31]


async def test_reassign_waits_for_its_commands(gateway: InProcessGateway, lease: Lease) -> None:
    body = {"order_ids": [1], "target_strategy_id": STRATEGY, "target_position_id": 1}
    asked = asyncio.create_task(gateway.client("POST", PATH, body))
    command_id = await stored(gateway)
    why = "orders of one account and symbol move together or not at all"
    error = CommandResult(status=CommandStatus.FAILED, error=conflict(why))
    await finish(gateway, lease, command_id, error)
    answer = await asked
    assert (answer.status, answer.detail["message"]) == (409, why)
    assert answer.detail["results"][0]["command_id"] == command_id


def conflict(message: str) -> Refused:
    """A refusal of the worker after admission."""
    return Refused(code="conflict", message=message)


async def stored(gateway: InProcessGateway) -> int:
    """Return the id of the one command once it is stored."""
    path = f"/oms/commands?account_ids={gateway.account_id}&cursor="
    deadline = time.monotonic() + 10
    items: list[dict[str, Any]] = []
    while not items:
        assert time.monotonic() < deadline, "no command is stored"
        items = (await gateway.client.get(path))["items"]
    (row,) = items
    return int(row["command_id"])


async def finish(
    gateway: InProcessGateway, lease: Lease, command_id: int, result: CommandResult, *orders: Order
) -> None:
    """Finish a command as its worker would."""
    batch = AccountBatch(
        lease=lease,
        head_before=4,
        head_after=5,
        orders_changed=orders,
        results={command_id: result},
        events=[an_event(100, lease.account_id, 5)],
    )
    assert not await gateway.store.ledger.commit([batch])
