"""Lineage of orders, and the filters of lists of orders."""

from typing import Any

import pytest

from kit.databases.sql import execute
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from kit.http import wire_keys
from kit.http.wire_keys import assert_keys

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


async def _send(gateway: InProcessGateway, **payload: object) -> dict[str, Any]:
    answer = await gateway.order("?wait_ms=5000", **payload)
    detail = answer.detail if answer.status >= 400 else answer.json()
    result: dict[str, Any] = detail["results"][0]
    return result


async def _ids(gateway: InProcessGateway, filters: str, kind: str = "history") -> list[int]:
    path = f"/oms/orders/{kind}?account_ids={gateway.account_id}&{filters}"
    return [row["id"] for row in (await gateway.client.get(path))["items"]]


async def test_lineage_of_an_order(busy: InProcessGateway) -> None:
    opened = (await _send(busy))["order_id"]
    other = (await _send(busy, order_type="limit", price="40000"))["order_id"]
    body = await busy.client.get(f"/oms/orders/{opened}/lineage")
    assert_keys(body, wire_keys.LINEAGE)
    (command,), (order,) = body["commands"], body["orders"]
    assert_keys(command, wire_keys.LINEAGE_COMMAND)
    assert_keys(order["order"], wire_keys.ORDER)
    assert (order["relation"], order["order"]["id"]) == ("self", opened)
    assert (command["command"], command["status"]) == ("send_order", "done")
    assert command["command_id"] == order["order"]["command_id"]
    (deal,), (position,) = body["deals"], body["positions"]
    assert deal["order_id"] == opened and deal["position_id"] == position["id"]
    assert command["created_at"] <= order["order"]["created_at"] <= deal["created_at"]
    empty = await busy.client.get(f"/oms/orders/{other}/lineage")
    assert [len(empty[name]) for name in ("orders", "deals", "positions")] == [1, 0, 0]
    for path in ("999999", "x", "0"):
        answer = await busy.client("GET", f"/oms/orders/{path}/lineage")
        assert (answer.status, answer.detail["code"]) == (404, "order_not_found")


async def test_lineage_of_parents_children_and_groups(busy: InProcessGateway, dsn: str) -> None:
    first, second, third, fourth, apart = [
        (await _send(busy, order_type="limit", price=str(40000 + n)))["order_id"] for n in range(5)
    ]
    execute(dsn, f"UPDATE oms_orders SET parent_order_id = {first} WHERE id = {second}")
    execute(dsn, f"UPDATE oms_orders SET parent_order_id = {second} WHERE id = {third}")
    execute(dsn, f"UPDATE oms_orders SET group_id = 77 WHERE id IN ({second}, {fourth})")
    expected = {first: "ancestor", second: "self", third: "descendant", fourth: "group"}
    body = await busy.client.get(f"/oms/orders/{second}/lineage")
    found = {row["order"]["id"]: row["relation"] for row in body["orders"]}
    assert found == expected and apart not in found
    assert [row["order"]["id"] for row in body["orders"]] == sorted(expected)
    seen_from_third = await busy.client.get(f"/oms/orders/{third}/lineage")
    relations = {row["order"]["id"]: row["relation"] for row in seen_from_third["orders"]}
    assert relations == {
        first: "ancestor",
        second: "ancestor",
        third: "self",
        fourth: "related",
    }
    assert await _ids(busy, "group_id=77") == [second, fourth]


async def test_lineage_shows_nothing_of_unreadable_accounts(
    busy: InProcessGateway, dsn: str
) -> None:
    mine = (await _send(busy, order_type="limit", price="40000"))["order_id"]
    hidden = await busy.add_account()
    columns = ", ".join(
        name for name in ("symbol", "side", "order_type", "status", "state", "is_open", "qty")
    )
    rest = "fees_json, created_at, updated_at, group_id"
    execute(dsn, f"UPDATE oms_orders SET group_id = 5 WHERE id = {mine}")
    execute(
        dsn,
        f"INSERT INTO oms_orders (id, account_id, {columns}, {rest})"
        f" SELECT 900, {hidden}, {columns}, {rest} FROM oms_orders WHERE id = {mine}",
    )
    execute(dsn, f"DELETE FROM api_key_account_permissions WHERE account_id = {hidden}")
    body = await busy.client.get(f"/oms/orders/{mine}/lineage")
    assert [row["order"]["id"] for row in body["orders"]] == [mine]


async def test_filters_of_lists(busy: InProcessGateway, dsn: str) -> None:
    await busy.set_price(ETH, "3000")
    filled = (await _send(busy))["order_id"]
    resting = (await _send(busy, symbol=ETH, order_type="limit", price="2000"))["order_id"]
    canceled = (await _send(busy, order_type="limit", price="40000"))["order_id"]
    cancel = {"command": "cancel_order", "payload": {"order_id": canceled}}
    assert (await busy.client("POST", "/oms/commands?wait_ms=5000", cancel)).status == 200
    refused = (await _send(busy, qty="0.0000001"))["order_id"]
    execute(dsn, f"UPDATE oms_orders SET signal_id = 3, source_id = 4 WHERE id = {resting}")
    execute(dsn, f"UPDATE oms_orders SET reason = 'sl' WHERE id = {filled}")
    everything = [filled, resting, canceled, refused]
    for filters, expected in {
        "days=1": everything,
        "days=1&limit=2": everything[:2],
        "cursor=&limit=3": everything[:3],
        "days=1&status=rejected": [refused],
        "days=1&status=Cancelled": [canceled],
        "days=1&status=submitted,FILLED": [filled, resting],
        "days=1&status=partial": [],
        "days=1&status=pending": [],
        f"since=0&symbol={ETH}": [resting],
        "since=0&reason=sl": [filled],
        "since=0&reason=none": [],
        "signal_id=3": [resting],
        "since=0&source_id=4": [resting],
        "since=0&until=1": [],
    }.items():
        assert await _ids(busy, filters) == expected, filters
    for filters, expected in {
        "status=SUBMITTED": [resting],
        "status=filled": [],
        "days=1": [resting],
        "until=1": [],
        "source_id=4": [resting],
        "reason=sl": [],
    }.items():
        assert await _ids(busy, filters, "open") == expected, filters


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ("days=1&status=sent", "status"),
        ("days=0", "days"),
        ("days=x", "days"),
        ("days=99999", "days"),
        ("days=1&since=0", "days"),
        ("since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "since"),
        ("since=0&group_id=0", "group_id"),
        ("since=0&signal_id=x", "signal_id"),
        ("since=0&source_id=-1", "source_id"),
        (f"since=0&reason={'x' * 33}", "reason"),
        ("reason=api", "start_date"),
    ],
)
async def test_malformed_filters_are_named(
    busy: InProcessGateway, filters: str, field: str
) -> None:
    path = f"/oms/orders/history?account_ids={busy.account_id}&{filters}"
    answer = await busy.client("GET", path)
    assert (answer.status, answer.detail["code"]) == (422, "validation_error")
    assert answer.detail["errors"][0]["loc"] == ["query", field]


async def test_a_canceled_order_keeps_what_was_filled(busy: InProcessGateway) -> None:
    """Check O2: 4 of 10 are filled, the rest is canceled."""
    book = {"bid": "49999", "ask": "50000", "bid_qty": "4", "ask_qty": "4"}
    body = {"account_id": busy.account_id, "symbol": BTC, **book}
    assert (await busy.client("POST", "/paper/price", body)).status == 200
    order_id = (await _send(busy, qty="10", order_type="limit", price="50000"))["order_id"]
    (order,) = (await busy.client.get(f"/oms/orders/{order_id}"))["items"]
    assert (order["state"], order["filled_qty"]) == ("PARTIALLY_FILLED", "4")
    cancel = {"command": "cancel_order", "payload": {"order_id": order_id}}
    assert (await busy.client("POST", "/oms/commands?wait_ms=5000", cancel)).status == 200
    lineage = await busy.client.get(f"/oms/orders/{order_id}/lineage")
    order = lineage["orders"][0]["order"]
    assert (order["status"], order["filled_qty"], order["canceled_qty"]) == ("CANCELED", "4", "6")
    assert [position["qty"] for position in lineage["positions"]] == ["4"]


async def test_rejected_orders_are_listed_with_their_codes(busy: InProcessGateway) -> None:
    """Check O3: refusals by risk and by the exchange, each with its code."""
    too_small = (await _send(busy, qty="0.0000001"))["order_id"]
    unpaid = (await _send(busy, qty="5000"))["order_id"]
    policy = {"scope": "account", "scope_id": busy.account_id, "comment": "small orders"}
    policy |= {"keys": {"max_order_notional": "100"}}
    assert (await busy.client("PUT", "/risk/policy", policy, key=ADMIN_KEY)).status == 200
    limited = (await _send(busy))["order_id"]
    path = f"/oms/orders/history?account_ids={busy.account_id}&days=1&status=rejected"
    rows = {row["id"]: row for row in (await busy.client.get(path))["items"]}
    assert set(rows) == {too_small, unpaid, limited}
    assert rows[limited]["reject_code"] == "risk_blocked"
    assert rows[too_small]["reject_source"] == "oms"
    assert rows[unpaid]["reject_source"] == "exchange"
    assert all(row["reject_code"] and row["reject_message"] for row in rows.values())
