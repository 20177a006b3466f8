"""Corrections of rows by an admin: each is a deal, and the ledger stays their replay."""

import random
from typing import Any

import pytest

from kit.gateway.in_process import ADMIN_KEY, TRADER, InProcessGateway
from kit.http.asgi_client import AsgiResponse
from kit.http.wire_keys import DEAL, MARKED_POSITION, ORDER, POSITION, assert_keys
from oms.cli.replay import build_replay_report
from oms.cli.verify import build_verify_report
from oms.config import Settings

CONTRACT, COIN = "BTC/USDT:USDT", "SOL/USDT"
ITEM = frozenset(("index", "ok", "op", "id", "error"))


async def mutate(
    gateway: InProcessGateway, entity: str, *items: dict[str, Any], **more: Any
) -> AsgiResponse:
    """Send one mutation request of the admin."""
    path = f"/admin/oms/{entity}/mutate"
    return await gateway.client("POST", path, list(items), key=ADMIN_KEY, **more)


async def update(gateway: InProcessGateway, entity: str, row_id: int, **row: Any) -> AsgiResponse:
    """Send one update."""
    return await mutate(gateway, entity, {"op": "update", "row": {"id": row_id} | row})


async def clean(gateway: InProcessGateway) -> None:
    """Check that verify has no finding and replay has no difference."""
    checked = await build_verify_report(gateway.store, Settings())
    assert checked["ok"], [row["findings"] for row in checked["accounts"]]
    for account in checked["accounts"]:
        if account["account_id"]:
            answer = await build_replay_report(gateway.store, account["account_id"])
            assert answer["differences"] == [], "\n".join(map(str, answer["differences"]))


async def open_rows(gateway: InProcessGateway, account_id: int | None = None) -> list[Any]:
    """Return the open positions."""
    number = account_id or gateway.account_id
    return list((await gateway.client.get(f"/oms/positions/open?account_ids={number}"))["items"])


async def bought(gateway: InProcessGateway, qty: str = "0.02") -> tuple[Any, Any, Any]:
    """Return order, deal and position of a market buy."""
    answer = await gateway.order("?wait_ms=5000", qty=qty)
    (result,) = answer.json()["results"]
    (position,) = await open_rows(gateway)
    return result["order"], result["deals"][0], position


async def test_deal_is_deleted_and_inserted_again(busy: InProcessGateway) -> None:
    order, deal, position = await bought(busy)
    answer = await update(busy, "deals", deal["id"], **deal | {"price": "40000"})
    body = answer.json()
    assert (answer.status, body["ok"], body["entity"]) == (200, True, "deals"), body
    (item,) = body["results"]
    assert_keys(item, ITEM)
    assert (item["ok"], item["error"]) == (True, None)
    deals = await busy.client.get(f"/oms/deals?account_ids={busy.account_id}&since=0")
    victim, reversing, right = deals["items"]
    assert victim == deal
    assert (reversing["type"], reversing["side"], reversing["exchange_trade_id"]) == (
        *("correction", "sell", f"bust:{deal['exchange_trade_id']}"),
    )
    assert (right["id"], right["price"], right["type"]) == (item["id"], "40000", "trade")
    (after,) = await open_rows(busy)
    assert (after["id"], after["qty"], after["avg_price"]) == (position["id"], "0.02", "40000")
    again = await update(busy, "deals", deal["id"], price="1")
    assert (again.status, again.detail["code"]) == (409, "conflict")
    log = await busy.client.get("/admin/audit?entity=deal", key=ADMIN_KEY)
    (audited,) = log["items"]
    assert (audited["action"], audited["actor"], audited["account_id"]) == (
        *("admin_mutate", "admin", busy.account_id),
    )
    assert audited["before_json"]["price"] != audited["after_json"]["price"] == "40000"
    gone = await mutate(busy, "deals", {"op": "delete", "row": {"id": item["id"]}})
    assert gone.status == 200, gone.body
    assert await open_rows(busy) == []
    (emptied,) = (await busy.client.get(f"/oms/orders/{order['id']}"))["items"]
    assert (emptied["filled_qty"], emptied["status"]) == ("0", "CANCELED")
    await clean(busy)


async def test_position_update_corrects_quantity_and_average(busy: InProcessGateway) -> None:
    _, _, position = await bought(busy)
    number = position["id"]
    for wanted in (
        {"qty": "0.05", "avg_price": "51000"},
        {"qty": "0.01"},
        {"avg_price": "48000.5"},
        {"qty": "0.03", "avg_price": "48000.5"},
    ):
        answer = await update(busy, "positions", number, **wanted)
        assert answer.status == 200, answer.body
        (after,) = await open_rows(busy)
        assert after["id"] == number
        assert {name: after[name] for name in wanted} == wanted
        await clean(busy)
    refused = await update(busy, "positions", number, qty="0.030001", avg_price="1")
    assert (refused.status, refused.detail["code"]) == (422, "average_not_reachable")
    answer = await update(
        busy, "positions", number, stop_loss="40000", comment="watched", unknown_column=1
    )
    assert answer.status == 200
    (after,) = await open_rows(busy)
    assert (after["stop_loss"], after["comment"], after["qty"]) == ("40000", "watched", "0.03")
    fixed = await update(busy, "positions", number, realized_pnl="5")
    assert (fixed.status, fixed.detail["code"]) == (422, "column_not_mutable")
    await mutate(busy, "positions", {"op": "delete", "row": {"id": number}})
    assert await open_rows(busy) == []
    row = {"account_id": busy.account_id, "symbol": CONTRACT, "side": "sell", "qty": "0.5"}
    made = await mutate(busy, "positions", {"op": "insert", "row": row | {"avg_price": "60000"}})
    (after,) = await open_rows(busy)
    assert_keys(after, MARKED_POSITION)
    assert (after["id"], after["side"], after["reason"]) == (
        *(made.json()["results"][0]["id"], "sell", "admin"),
    )
    await clean(busy)


async def test_order_update_follows_the_transition_table(busy: InProcessGateway) -> None:
    answer = await busy.order(order_type="limit", price="40000")
    number = answer.json()["results"][0]["order_id"]
    refused = await update(busy, "orders", number, filled_qty="1")
    assert (refused.status, refused.detail["code"]) == (422, "column_not_mutable")
    filled = await update(busy, "orders", number, status="FILLED")
    assert filled.detail["code"] == "column_not_mutable"
    ended = await update(busy, "orders", number, status="CANCELED", comment="manual")
    assert ended.status == 200, ended.body
    (order,) = (await busy.client.get(f"/oms/orders/{number}"))["items"]
    assert_keys(order, ORDER)
    assert (order["status"], order["comment"]) == ("CANCELED", "manual")
    again = await update(busy, "orders", number, state="EXPIRED")
    assert (again.status, again.detail["reason"]) == (409, None)
    gone = await mutate(busy, "orders", {"op": "delete", "row": {"id": number}})
    assert (gone.status, gone.detail["code"]) == (409, "conflict")
    row = {"account_id": busy.account_id, "symbol": COIN, "side": "buy", "qty": "3"}
    made = await mutate(busy, "orders", {"op": "insert", "row": row | {"order_type": "market"}})
    order_id = made.json()["results"][0]["id"]
    deal = {"account_id": busy.account_id, "order_id": order_id, "qty": "3", "price": "99"}
    booked = await mutate(busy, "deals", {"op": "insert", "row": deal})
    (result,) = (await busy.client.get(f"/oms/deals/{booked.json()['results'][0]['id']}"))["items"]
    assert_keys(result, DEAL)
    assert (result["reason"], result["order_id"], result["side"]) == ("admin", order_id, "buy")
    (order,) = (await busy.client.get(f"/oms/orders/{order_id}"))["items"]
    assert (order["status"], order["filled_qty"]) == ("FILLED", "3")
    await clean(busy)


async def test_items_succeed_or_fail_independently(busy: InProcessGateway) -> None:
    _, deal, _ = await bought(busy)
    other = await busy.add_account("hedge")
    row = {"account_id": other, "symbol": COIN, "side": "buy", "qty": "1", "price": "100"}
    answer = await mutate(
        busy,
        "deals",
        {"op": "update", "row": {"id": 99999, "comment": "x"}},
        {"op": "insert", "row": row},
        {"op": "update", "row": {"id": deal["id"], "comment": "seen"}},
        {"op": "insert", "row": {"account_id": other, "symbol": COIN}},
    )
    body = answer.json()
    assert (answer.status, body["ok"]) == (207, False), body
    assert [item["ok"] for item in body["results"]] == [False, True, True, False]
    assert [item["index"] for item in body["results"]] == [0, 1, 2, 3]
    assert body["results"][0]["error"].startswith("not_found: ")
    assert body["results"][3]["error"].startswith("validation_error: ")
    for wrong in ([{"op": "eat", "row": {}}], [{"op": "update", "row": {}}], ["x"]):
        refused = await mutate(busy, "deals", *wrong)  # type: ignore[arg-type]
        assert (refused.status, refused.detail["code"]) == (422, "validation_error")
    trader = await busy.client("POST", "/admin/oms/deals/mutate", [])
    assert (trader.status, trader.detail["code"]) == (403, "admin_required")
    nothing = await mutate(busy, "unknown")
    assert nothing.status == 404
    await clean(busy)


async def test_correction_emits_events_with_full_rows(busy: InProcessGateway) -> None:
    _, deal, _ = await bought(busy)
    path = f"/oms/events?account_ids={busy.account_id}&after=now"
    after = (await busy.client.get(path))["next_after"]
    await update(busy, "deals", deal["id"], qty="0.03")
    result = await busy.client.get(f"/oms/events?account_ids={busy.account_id}&after={after}")
    names = [event["event"] for event in result["items"]]
    assert {"deal_updated", "order_updated", "position_updated"} <= set(names)
    (position,) = [e["payload"] for e in result["items"] if e["event"] == "position_updated"]
    assert_keys(position, POSITION | {"account_id"})
    assert position["qty"] == "0.03"


@pytest.mark.parametrize("seed", range(5))
async def test_verify_passes_after_random_mutations(busy: InProcessGateway, seed: int) -> None:
    chance = random.Random(seed)
    accounts = [busy.account_id, await busy.add_account("hedge")]
    accounts.append(await busy.add_account("strategy_netting"))
    key = await busy.add_key(
        "wild", "oms_a-trader-of-mutations", grants=dict.fromkeys(accounts, TRADER)
    )
    busy.client = type(busy.client)(busy.app, key)
    for _ in range(5):
        await _a_round(busy, accounts, chance)
        await clean(busy)


async def _a_round(gateway: InProcessGateway, accounts: list[int], chance: random.Random) -> None:
    for account_id in accounts:
        for symbol, middle in ((CONTRACT, 50_000), (COIN, 100)):
            price = str(middle + chance.randint(-middle // 10, middle // 10))
            body = {"account_id": account_id, "symbol": symbol, "price": price}
            assert (await gateway.client("POST", "/paper/price", body)).status == 200
        bodies = []
        for _ in range(5):
            order = {
                "symbol": chance.choice((CONTRACT, CONTRACT, COIN)),
                "side": chance.choice(("buy", "sell")),
                "order_type": "market",
                "qty": str(chance.randint(1, 4)) if chance.random() < 0.3 else "0.02",
            }
            if order["symbol"] == CONTRACT:
                order["qty"] = f"0.0{chance.randint(1, 9)}"
            bodies.append({"account_id": account_id, "command": "send_order", "payload": order})
        await gateway.client("POST", "/oms/commands?wait_ms=9000", bodies)
        held = [row["id"] for row in await open_rows(gateway, account_id)]
        if len(held) > 1 and chance.random() < 0.5:
            one, two = chance.sample(held, 2)
            payload = {"position_id_a": one, "position_id_b": two}
            body = {"account_id": account_id, "command": "close_by", "payload": payload}
            await gateway.client("POST", "/oms/commands?wait_ms=9000", body)
        await _mutations(gateway, account_id, chance)


async def _mutations(gateway: InProcessGateway, account_id: int, chance: random.Random) -> None:
    rows = await gateway.client.get(f"/oms/deals?account_ids={account_id}&since=0&page_size=500")
    deals = [row for row in rows["items"] if row["type"] == "trade"]
    items: list[dict[str, Any]] = []
    for deal in chance.sample(deals, min(3, len(deals))):
        kind = chance.random()
        if kind < 0.3:
            items.append({"op": "delete", "row": {"id": deal["id"]}})
        else:
            row = {"id": deal["id"]} | chance.choice(
                (
                    {"price": str(chance.randint(80, 120))},
                    {"qty": f"0.0{chance.randint(1, 9)}"},
                    {"fee": "0.5", "fee_currency": "USDT", "comment": "wrong fee"},
                    {"reconciled": False},
                )
            )
            items.append({"op": "update", "row": row})
    new = {"account_id": account_id, "symbol": CONTRACT, "side": chance.choice(("buy", "sell"))}
    items.append({"op": "insert", "row": new | {"qty": "0.07", "price": "50500"}})
    answer = await mutate(gateway, "deals", *items)
    assert answer.status < 500, answer.body
    for row in await open_rows(gateway, account_id):
        if chance.random() < 0.5:
            qty = chance.choice((row["qty"], "0.33", "0"))
            answer = await update(gateway, "positions", row["id"], qty=qty, avg_price="49000")
            assert answer.status < 500, answer.body


async def test_idempotent_repeat_applies_once(busy: InProcessGateway) -> None:
    row = {"account_id": busy.account_id, "symbol": COIN, "side": "buy", "qty": "1"}
    item = {"op": "insert", "row": row | {"price": "100"}}
    named = {"Idempotency-Key": "once-only"}
    first = await mutate(busy, "deals", item, headers=named)
    again = await mutate(busy, "deals", item, headers=named)
    assert (first.status, again.status, again.body) == (200, 200, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    other = await mutate(busy, "deals", item | {"op": "delete"}, headers=named)
    assert other.status == 422
    deals = await busy.client.get(f"/oms/deals?account_ids={busy.account_id}&since=0")
    assert len(deals["items"]) == 1
