"""Reads as in the contract: every route once, with all its keys."""

from decimal import Decimal
from typing import Any

import pytest

from kit.databases.sql import execute
from kit.gateway.in_process import TRADER as TRADING
from kit.gateway.in_process import InProcessGateway
from kit.http import wire_keys
from kit.http.wire_keys import assert_keys
from oms.domain.value import evolve

WINDOW = "start_date=2020-01-01&end_date=2099-01-01"


async def traded(gateway: InProcessGateway) -> tuple[int, int]:
    """Create a filled and a resting order; return their ids."""
    ids = []
    for payload in ({}, {"order_type": "limit", "price": "40000"}):
        answer = await gateway.order("?wait_ms=5000", **payload)
        assert answer.status == 200, answer.body
        (result,) = answer.json()["results"]
        assert_keys(result, wire_keys.RESULT)
        ids.append(result["order_id"])
    return ids[0], ids[1]


async def test_open_lists(busy: InProcessGateway) -> None:
    _, resting = await traded(busy)
    for kind, keys in (("orders", wire_keys.ORDER), ("positions", wire_keys.MARKED_POSITION)):
        body = await busy.client.get(f"/oms/{kind}/open?account_ids={busy.account_id}")
        assert_keys(body, wire_keys.OPEN_LIST)
        assert [body[name] for name in ("total", "page", "page_size")] == [None] * 3
        assert body["truncated"] is False
        (row,) = body["items"]
        assert_keys(row, keys)
    orders = await busy.client.get(f"/oms/orders/open?account_ids={busy.account_id}&cache=false")
    assert [row["id"] for row in orders["items"]] == [resting]


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/oms/orders/history", wire_keys.ORDER),
        ("/oms/positions/history", wire_keys.MARKED_POSITION),
        ("/oms/deals", wire_keys.DEAL),
        ("/oms/commands", wire_keys.COMMAND),
    ],
)
async def test_histories(busy: InProcessGateway, path: str, keys: frozenset[str]) -> None:
    await traded(busy)
    account = f"account_ids={busy.account_id},{busy.account_id},x"
    body = await busy.client.get(f"{path}?{account}&{WINDOW}&page_size=5000&page=x&unknown=1")
    assert_keys(body, wire_keys.PAGE)
    assert (body["page"], body["page_size"], body["next_cursor"]) == (1, 500, None)
    assert body["total"] == len(body["items"]) > 0
    assert [row.get("id", row.get("command_id")) for row in body["items"]] == sorted(
        row.get("id", row.get("command_id")) for row in body["items"]
    )
    for row in body["items"]:
        assert_keys(row, keys)
    body = await busy.client.get(f"{path}?{account}&cursor=&page_size=1&with_total=false")
    assert (body["total"], body["page"], body["page_size"]) == (None, None, 1)
    answer = await busy.client("GET", f"{path}?{account}")
    assert (answer.status, answer.detail["code"]) == (422, "validation_error")
    assert_keys(answer.detail, wire_keys.ERROR | {"errors"})


async def test_rows_by_id(busy: InProcessGateway) -> None:
    filled, resting = await traded(busy)
    body = await busy.client.get(f"/oms/orders/{resting},{filled},999999999")
    assert set(body) == {"items"}
    assert [row["id"] for row in body["items"]] == [filled, resting]
    (deal,) = (await busy.client.get(f"/oms/deals?account_ids={busy.account_id}&cursor="))["items"]
    for kind, row_id, keys in (
        ("deals", deal["id"], wire_keys.DEAL),
        ("positions", deal["position_id"], wire_keys.MARKED_POSITION),
    ):
        (row,) = (await busy.client.get(f"/oms/{kind}/{row_id}"))["items"]
        assert_keys(row, keys)
    assert (await busy.client.get("/oms/orders/999999999")) == {"items": []}
    too_many = ",".join(str(number) for number in range(1, 502))
    assert (await busy.client("GET", f"/oms/orders/{too_many}")).status == 422


async def test_single_command(busy: InProcessGateway) -> None:
    answer = await busy.order()
    (result,) = answer.json()["results"]
    command = await busy.client.get(answer.headers["location"] + "?wait_ms=5000")
    assert_keys(command, wire_keys.COMMAND)
    assert (command["status"], command["legacy_status"]) == ("done", "completed")
    assert command["order_ids"] == [result["order_id"]]


async def test_mt5_views(busy: InProcessGateway) -> None:
    filled, resting = await traded(busy)
    account = f"account_ids={busy.account_id}&view=MT5&cursor="
    orders = (await busy.client.get(f"/oms/orders/history?{account}"))["items"]
    for row in orders:
        assert_keys(row, wire_keys.MT5_ORDER)
    assert [(row["ticket"], row["type"], row["state"]) for row in orders] == [
        (filled, 0, 4),
        (resting, 2, 1),
    ]
    (deal,) = (await busy.client.get(f"/oms/deals?{account}"))["items"]
    assert_keys(deal, wire_keys.MT5_DEAL)
    assert (deal["type"], deal["entry"], deal["reason"]) == (0, 0, 3)
    assert deal["time_msc"] // 1000 == deal["time"]
    (position,) = (await busy.client.get(f"/oms/positions/open?{account}"))["items"]
    assert_keys(position, wire_keys.MT5_POSITION)
    assert (position["type"], position["price_current"]) == (0, "50000")
    commands = (await busy.client.get(f"/oms/commands?{account}"))["items"]
    done = [row for row in commands if row["order"] in (filled, resting)]
    for row in done:
        assert_keys(row, wire_keys.MT5_COMMAND)
    assert [row["retcode"] for row in done] == [10009, 10008]
    answer = await busy.order("?view=mt5", qty="0.0000001")
    assert answer.detail["results"][0]["mt5"]["retcode"] == 10014
    answer = await busy.client("GET", f"/oms/orders/{filled}?view=mt4")
    assert answer.detail["code"] == "validation_error"


async def test_flip_is_one_mt5_deal(busy: InProcessGateway) -> None:
    await busy.order("?wait_ms=5000")
    await busy.order("?wait_ms=5000", side="sell", qty="0.03")
    path = f"/oms/deals?account_ids={busy.account_id}&cursor="
    legs: list[dict[str, Any]] = (await busy.client.get(path))["items"]
    assert [leg["entry"] for leg in legs] == ["in", "out", "in"]
    shown = (await busy.client.get(path + "&view=mt5"))["items"]
    assert [(deal["entry"], deal["volume"]) for deal in shown] == [(0, "0.01"), (2, "0.03")]


async def test_open_positions_have_mark_prices(busy: InProcessGateway) -> None:
    await busy.order("?wait_ms=5000")
    body = {"account_id": busy.account_id, "symbol": "BTC/USDT:USDT", "price": "51000"}
    assert (await busy.client("POST", "/paper/price", body)).status == 200
    path = f"/oms/positions/open?account_ids={busy.account_id}"
    (row,) = (await busy.client.get(path))["items"]
    assert (row["mark_price"], Decimal(row["unrealized_pnl"])) == ("51000", 10)
    assert row["mark_at"] is not None
    await busy.order("?wait_ms=5000", side="sell")
    path = f"/oms/positions/history?account_ids={busy.account_id}&cursor="
    (row,) = (await busy.client.get(path))["items"]
    assert (row["state"], row["qty"], row["mark_price"]) == ("closed", "0", None)


async def test_positions_have_a_matched_profit_and_a_break_even_price(
    busy: InProcessGateway,
) -> None:
    """The fee of an entry is a cost of what is open, and released by half with half of it."""
    await busy.order("?wait_ms=5000", qty="0.02")
    path = f"/oms/positions/open?account_ids={busy.account_id}"
    (opened,) = (await busy.client.get(path))["items"]
    fee = Decimal(opened["fees"]["USDT"])
    assert fee > 0
    assert (opened["matched_pnl"], opened["unvalued_fees"]) == ("0", {})
    break_even = Decimal(opened["avg_price"]) + fee / Decimal("0.02")
    assert Decimal(opened["break_even_price"]) == break_even

    await busy.order("?wait_ms=5000", side="sell")
    (reduced,) = (await busy.client.get(path))["items"]
    exit_fee = Decimal(reduced["fees"]["USDT"]) - fee
    assert Decimal(reduced["fees_value"]) == fee + exit_fee
    assert Decimal(reduced["matched_pnl"]) == Decimal(reduced["realized_pnl"]) + fee / 2
    assert Decimal(reduced["break_even_price"]) == break_even

    await busy.order("?wait_ms=5000", side="sell")
    path = f"/oms/positions/{opened['id']}"
    (closed,) = (await busy.client.get(path))["items"]
    assert (closed["matched_pnl"], closed["break_even_price"]) == (closed["realized_pnl"], None)


async def test_random_walk_marks_without_a_stored_price(busy: InProcessGateway) -> None:
    walking = await busy.add_account(extra="{}")
    key = await busy.add_key("walker", "oms_walks-alone-in-tests", grants={walking: TRADING})
    command = busy.command() | {"account_id": walking}
    answer = await busy.client("POST", "/oms/commands?wait_ms=5000", command, key=key)
    assert answer.status == 200, answer.body
    path = f"/oms/positions/open?account_ids={walking}"
    (row,) = (await busy.client.get(path, key=key))["items"]
    assert Decimal(row["mark_price"]) > 0
    assert row["unrealized_pnl"] is not None


async def test_accounts_visible_to_the_key(busy: InProcessGateway) -> None:
    (row,) = (await busy.client.get("/oms/accounts?status=all"))["items"]
    assert_keys(row, wire_keys.ACCOUNT)
    assert (row["environment"], row["engine"]) == ("paper", "paper")
    assert (await busy.client.get("/oms/accounts?status=blocked"))["items"] == []


async def test_unreadable_account_fails_the_read(
    busy: InProcessGateway,
) -> None:
    closed = await busy.add_account()
    for ids, status, code in (
        (f"{busy.account_id},999999,{closed}", 404, "account_not_found"),
        (f"{closed},999999", 403, "permission_denied"),
    ):
        answer = await busy.client("GET", f"/oms/orders/open?account_ids={ids}")
        assert (answer.status, answer.detail["code"]) == (status, code)
        assert answer.detail["message"].startswith("account_id=")
    answer = await busy.client("GET", "/oms/orders/open?account_ids=-1,x")
    assert answer.detail["errors"][0]["msg"] == "account_ids is required"


async def test_order_timeline(busy: InProcessGateway) -> None:
    filled, resting = await traded(busy)
    for command, payload in (
        ("change_order", {"order_id": resting, "new_price": "41000"}),
        ("cancel_order", {"order_id": resting}),
    ):
        body = {"command": command, "payload": payload}
        assert (await busy.client("POST", "/oms/commands?wait_ms=5000", body)).status == 200
    refused = (await busy.order("?wait_ms=5000", qty="0.0000001")).detail["results"][0]["order_id"]
    for order_id, phases in (
        (filled, ["queued", "risk_checked", "sent", "acked", "fill"]),
        (resting, ["queued", "risk_checked", "sent", "acked", "changed", "canceled"]),
        (refused, ["queued", "refused"]),
    ):
        body = await busy.client.get(f"/oms/orders/{order_id}/timeline")
        assert_keys(body, wire_keys.TIMELINE)
        assert_keys(body["summary"], wire_keys.TIMELINE_SUMMARY)
        for item in body["items"]:
            assert_keys(item, wire_keys.TIMELINE_ITEM)
        assert [item["phase"] for item in body["items"]] == phases
        assert [item["seq"] for item in body["items"]] == list(range(1, len(phases) + 1))
        assert body["summary"]["total_ms"] >= body["summary"]["queue_ms"] >= 0
        assert body["gaps"] == []
    for path in ("999999", "x", "0"):
        answer = await busy.client("GET", f"/oms/orders/{path}/timeline")
        assert (answer.status, answer.detail["code"]) == (404, "order_not_found")


async def test_order_timeline_names_events_that_cannot_be_read(
    busy: InProcessGateway, dsn: str
) -> None:
    filled, _ = await traded(busy)
    execute(dsn, "UPDATE event_outbox SET payload_json = '{' WHERE account_id > 0")
    body = await busy.client.get(f"/oms/orders/{filled}/timeline")
    assert body["items"][0]["phase"] == "queued", "from rows"
    events = await busy.client.get(f"/oms/events?account_ids={busy.account_id}")
    assert body["gaps"] and events["items"] == []
    assert [gap["account_id"] for gap in body["gaps"]] == [busy.account_id] * len(body["gaps"])
    numbers = {n for gap in events["gaps"] for n in range(gap["from"], gap["to"] + 1)}
    assert {n for gap in body["gaps"] for n in range(gap["from"], gap["to"] + 1)} <= numbers


async def test_raw_rows_are_stored_unchanged(busy: InProcessGateway) -> None:
    await traded(busy)
    path = f"?account_ids={busy.account_id}&{WINDOW}"
    assert (await busy.client.get(f"/ccxt/trades/raw{path}"))["items"] == []
    for _ in range(2):
        answer = await busy.client("POST", "/oms/reconcile", {"account_id": busy.account_id})
        assert_keys(answer.json()["results"][0], wire_keys.RECONCILED)
    for kind, key, value in (
        ("orders", "client_order_id", "clientOrderId"),
        ("trades", "exchange_trade_id", "id"),
    ):
        body = await busy.client.get(f"/ccxt/{kind}/raw{path}&page_size=1")
        assert_keys(body, wire_keys.PAGE)
        (row,) = body["items"]
        assert body["total"] == 1
        assert_keys(row, wire_keys.RAW | {key})
        assert row[key] == row["raw_json"][value]
        assert row["raw_json"]["symbol"] == row["symbol"] == "BTC/USDT:USDT"
    ticks = await busy.client.get(f"/oms/events?account_ids={busy.account_id}&limit=1000")
    counts = [
        event["payload"]["raw_inserted_count"]
        for event in ticks["items"]
        if event["event"] == "reconciliation_tick"
    ]
    assert counts == [2, 0]
    answer = await busy.client("GET", f"/ccxt/orders/raw?account_ids={busy.account_id}")
    assert answer.status == 422


async def test_commands_of_other_strategies_are_hidden(busy: InProcessGateway) -> None:
    body = {"name": "mine", "account_ids": [busy.account_id]}
    made = await busy.client("POST", "/strategies", body)
    mine = made.json()["strategy_id"]
    for strategy_id in (0, mine):
        answer = await busy.order("?wait_ms=5000", strategy_id=strategy_id)
        assert answer.status == 200, answer.body
    grant = evolve(TRADING, restrict_to_strategies=True, strategy_ids=frozenset({mine}))
    key = await busy.add_key(
        "narrow", "oms_sees-one-strategy-only", grants={busy.account_id: grant}
    )
    path = f"/oms/commands?account_ids={busy.account_id}&cursor="
    every = (await busy.client.get(path))["items"]
    seen = (await busy.client.get(path, key=key))["items"]
    assert [row["payload"].get("strategy_id") for row in seen] == [mine]
    asked = (await busy.client.get(f"{path}&strategy_id={mine}"))["items"]
    assert [row["command_id"] for row in asked] == [row["command_id"] for row in seen]
    for row in every:
        status = 200 if row["command_id"] == seen[0]["command_id"] else 404
        answer = await busy.client("GET", f"/oms/commands/{row['command_id']}", key=key)
        assert answer.status == status
    for kind in ("orders/history", "deals"):
        rows = await busy.client.get(f"/oms/{kind}?account_ids={busy.account_id}&cursor=", key=key)
        assert {row["strategy_id"] for row in rows["items"]} == {mine}
    for strategy_id, status in ((mine, 200), (0, 403), (mine + 1, 403)):
        answer = await busy.client(
            "GET",
            f"/oms/orders/open?account_ids={busy.account_id}&strategy_id={strategy_id}",
            key=key,
        )
        assert answer.status == status
