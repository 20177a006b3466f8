"""Commands and their responses as in the contract."""

from typing import Any

import pytest

from kit.gateway.in_process import MANUAL, TRADER, InProcessGateway
from kit.http import wire_keys
from kit.http.asgi_client import AsgiResponse
from kit.http.wire_keys import assert_keys
from kit.polling import poll_until

SYMBOL = "BTC/USDT:USDT"
LIMIT = {"order_type": "limit", "price": "40000"}


def cancel(order_id: object, **more: object) -> dict[str, Any]:
    return {"command": "cancel_order", "payload": {"order_id": order_id} | more}


async def send(
    gateway: InProcessGateway, body: object, query: str = "?wait_ms=5000", **more: Any
) -> AsgiResponse:
    answer: AsgiResponse = await gateway.client("POST", f"/oms/commands{query}", body, **more)
    return answer


async def test_results_keep_the_order_of_the_body(busy: InProcessGateway) -> None:
    good, bad = busy.command(), cancel(999_999)
    mixed = await send(busy, [bad, good, bad])
    assert mixed.status == 207
    results = mixed.json()["results"]
    for row in results:
        assert_keys(row, wire_keys.RESULT)
    assert [(row["index"], row["ok"]) for row in results] == [(0, False), (1, True), (2, False)]
    none = await send(busy, [bad, bad])
    assert (none.status, none.detail["code"]) == (404, "order_not_found")
    assert_keys(none.detail, wire_keys.ERROR | {"results"})
    assert [row["ok"] for row in none.detail["results"]] == [False, False]
    empty = await send(busy, [])
    assert (empty.status, empty.json()) == (200, {"results": []})


async def test_order_is_readable_after_the_response(busy: InProcessGateway) -> None:
    (made,) = (await send(busy, busy.command(**LIMIT), "")).json()["results"]
    order_id = made["order_id"]
    assert made["order"] is None, "rows come when a wait was asked for"
    (row,) = (await busy.client.get(f"/oms/orders/{order_id}"))["items"]
    assert row["status"] == "SUBMITTED"
    change = {"command": "change_order", "payload": {"order_id": order_id, "new_price": "41000"}}
    for body in (change, cancel(order_id)):
        answer = await send(busy, body)
        assert answer.json()["results"][0]["order_id"] == order_id
    (row,) = (await busy.client.get(f"/oms/orders/{order_id}"))["items"]
    assert (row["status"], row["state"]) == ("CANCELED", "CANCELED")
    path = f"/oms/orders/history?account_ids={busy.account_id}&cursor=&status=canceled"
    again = await busy.client.get(path.replace("canceled", "CANCELED"))
    assert [each["id"] for each in again["items"]] == [order_id]


async def test_accepted_spellings_and_refused_ones(busy: InProcessGateway) -> None:
    opened = await send(busy, busy.command(extra={"postOnly": False}))
    (result,) = opened.json()["results"]
    position_id = result["order"]["position_id"]
    close = {
        "command": "close_position",
        "payload": {
            "position_id": position_id,
            "reduce_only": True,
            "oms_stop_loss": "1",
            "oms_stop_gain": "2",
            "comment": None,
        },
    }
    assert (await send(busy, close)).status == 200
    resting = (await send(busy, busy.command(**LIMIT))).json()["results"][0]["order_id"]
    assert (await send(busy, cancel(None, order_ids=[resting]))).status == 200
    for body in (
        busy.command(surprise=1),
        busy.command() | {"surprise": 1},
        cancel(1, surprise=1),
        close | {"payload": close["payload"] | {"extra": {}}},
    ):
        answer = await send(busy, body)
        assert (answer.status, answer.detail["code"]) == (422, "validation_error")
        assert answer.detail["errors"][0]["loc"][0] == 0


async def test_wait_options_and_their_headers(gateway: InProcessGateway) -> None:
    stored = await send(gateway, gateway.command(), "?wait_ms=0")
    assert (stored.status, stored.json()["results"][0]["status"]) == (202, "queued")
    location = stored.headers["location"]
    assert_keys(await gateway.client.get(location), wire_keys.COMMAND)
    for prefer, applied in (("respond-async", "respond-async"), ("wait=0", "wait=0")):
        answer = await send(gateway, gateway.command(), "", headers={"Prefer": prefer})
        assert (answer.status, answer.headers["preference-applied"]) == (202, applied)
    plain = await send(gateway, gateway.command(), "?wait_ms=-5")
    assert "preference-applied" not in plain.headers
    two = await send(gateway, [gateway.command(), gateway.command()], "?wait_ms=0")
    assert "location" not in two.headers
    gateway.start_worker()
    ended = await gateway.client.get(f"{location}?wait_ms=60000")
    assert ended["status"] in ("done", "refused", "failed")


async def test_repeat_is_answered_but_not_executed(busy: InProcessGateway) -> None:
    named = busy.command(client_order_id="mine-1") | {"request_id": "r-1"}
    first = (await send(busy, named)).json()["results"][0]
    for body in (named, {**named, "request_id": "r-2"}):
        again = (await send(busy, body)).json()["results"][0]
        assert (again["order_id"], again["replayed"]) == (first["order_id"], True)
    other = busy.command(client_order_id="mine-1", qty="0.02")
    refused = await send(busy, other)
    assert (refused.status, refused.detail["code"]) == (422, "idempotency_mismatch")
    key = {"Idempotency-Key": "whole"}
    one = await send(busy, busy.command(), headers=key)
    two = await send(busy, busy.command(), headers=key)
    assert two.headers["idempotent-replayed"] == "true"
    (a,), (b,) = one.json()["results"], two.json()["results"]
    assert (a["command_id"], a["order_id"]) == (b["command_id"], b["order_id"])
    rows = await busy.client.get(f"/oms/orders/history?account_ids={busy.account_id}&cursor=")
    assert len(rows["items"]) == 2


async def test_reconcile_books_a_missed_trade(busy: InProcessGateway) -> None:
    body = {"name": "mine", "account_ids": [busy.account_id]}
    mine = (await busy.client("POST", "/strategies", body)).json()["strategy_id"]
    made = (await send(busy, busy.command(strategy_id=mine))).json()["results"][0]
    response = await busy.client("POST", "/oms/reconcile", {"account_ids": str(busy.account_id)})
    assert (response.status, response.json()["triggered_count"]) == (200, 1)
    deals = await busy.client.get(f"/oms/deals?account_ids={busy.account_id}&cursor=")
    assert [(deal["order_id"], deal["strategy_id"]) for deal in deals["items"]] == [
        (made["order_id"], mine)
    ]


@pytest.mark.parametrize("func", ["watch_ticker", "fetchOrderBookWs", "un_watch_ticker"])
async def test_stream_methods_are_refused(busy: InProcessGateway, func: str) -> None:
    answer = await busy.client("POST", f"/ccxt/{busy.account_id}/{func}", {})
    assert (answer.status, answer.detail["code"]) == (422, "unsupported_func")


async def test_calls_need_a_live_worker(gateway: InProcessGateway) -> None:
    answer = await gateway.client("POST", f"/ccxt/{gateway.account_id}/fetch_balance", {})
    assert (answer.status, answer.detail["code"]) == (503, "engine_unavailable")
    assert (answer.detail["retryable"], answer.detail["outcome"]) == (True, "not_sent")


async def test_token_is_accepted_like_a_key(busy: InProcessGateway) -> None:
    body = {"user_name": "ann", "password": "correct horse battery staple"}
    grant = {"account_id": busy.account_id, "can_trade": True}
    made = await busy.client(
        "POST",
        "/admin/users-with-api-key",
        body | {"permissions": [grant]},
        key="oms_an-admin-for-tests-only",
    )
    assert made.status == 200, made.body
    token = (await busy.client("POST", "/auth/login-password", body, key="")).json()["token"]
    assert token.startswith("tok_")
    rows = await busy.client.get("/oms/accounts", key=token)
    assert [row["account_id"] for row in rows["items"]] == [busy.account_id]
    assert (await send(busy, busy.command(), key=token)).status == 200
    bearer = {"Authorization": f"Bearer {token}"}
    answer = await busy.client("GET", "/oms/accounts", key="", headers=bearer)
    assert answer.status == 200


async def test_events_have_the_documented_keys(busy: InProcessGateway) -> None:
    """Return the payload of each event of a run through all features of paper accounts."""
    await send(busy, busy.command())
    resting = (await send(busy, busy.command(**LIMIT))).json()["results"][0]["order_id"]
    await send(
        busy,
        {"command": "change_order", "payload": {"order_id": resting, "new_price": "41000"}},
    )
    await send(busy, cancel(resting))
    await send(busy, busy.command(qty="0.0000001"))
    position = (await busy.client.get(f"/oms/positions/open?account_ids={busy.account_id}"))[
        "items"
    ][0]
    stops = {"position_id": position["id"], "oms_stop_loss": "100"}
    await send(busy, {"command": "position_change", "payload": stops})
    close_all = {"account_id": busy.account_id, "command": "close_all", "payload": {}}
    await send(busy, close_all)
    await send(busy, busy.command(params={"sim": "timeout"}))
    await busy.client("POST", "/oms/reconcile", {"account_id": busy.account_id})
    path = f"/oms/events?account_ids={busy.account_id}&limit=1000"

    async def read_events() -> dict[str, Any]:
        return {each["event"]: each for each in (await busy.client.get(path))["items"]}

    events = await poll_until(read_events, lambda found: "order_resolved" in found)
    expected = {
        *("order_submitted", "order_changed", "order_canceled", "order_rejected"),
        *("deal_created", "position_changed", "position_closed", "orders_canceled_batch"),
        *("order_unknown", "order_resolved", "reconciliation_tick", "command_updated"),
    }
    assert expected <= set(events)
    for name, event in events.items():
        assert_keys(event, wire_keys.EVENT)
        assert event["payload"]["account_id"] == busy.account_id
        if name in wire_keys.EVENTS:
            assert_keys(event["payload"], wire_keys.EVENTS[name] | {"account_id"})
    assert events["order_rejected"]["payload"]["ccxt_class"] == "InvalidOrder"
    assert events["order_unknown"]["payload"]["deadline_at"].endswith("Z")
    assert events["order_resolved"]["payload"]["state"] == "FILLED"


async def test_two_tickets_and_their_events(busy: InProcessGateway) -> None:
    hedged = await busy.add_account("hedge", MANUAL)
    key = await busy.add_key("hedger", "oms_holds-two-legs-here", grants={hedged: TRADER})
    price = {"account_id": hedged, "symbol": SYMBOL, "price": "50000"}
    assert (await busy.client("POST", "/paper/price", price, key=key)).status == 200
    tickets = []
    for side in ("buy", "sell", "buy", "buy"):
        body = busy.command(side=side, new_position=True) | {"account_id": hedged}
        (result,) = (await send(busy, body, key=key)).json()["results"]
        tickets.append(result["order"]["position_id"])
    long, short, one, two = tickets
    by = {"command": "close_by", "payload": {"position_id_a": long, "position_id_b": short}}
    merge = {
        "command": "merge_positions",
        "payload": {"source_position_id": one, "target_position_id": two},
    }
    for body in (by, merge):
        assert (await send(busy, body, key=key)).status == 200
    page = await busy.client.get(f"/oms/events?account_ids={hedged}&limit=1000", key=key)
    events = {each["event"]: each["payload"] for each in page["items"]}
    for name in ("close_by_executed", "positions_merged"):
        assert_keys(events[name], wire_keys.EVENTS[name] | {"account_id"})
    rows = await busy.client.get(f"/oms/positions/{one}", key=key)
    assert (rows["items"][0]["state"], rows["items"][0]["merged_into"]) == ("closed", two)
