"""POST /oms/commands: responses, statuses, waits and repeats, with a store and a worker."""

import asyncio
from typing import Any

import pytest

from kit.gateway.in_process import ADMIN_KEY, InProcessGateway, now
from oms.domain.access import Grant
from oms.domain.errors import Unavailable
from oms.ports.command_queue import EnqueueResult, Submission

ROW_KEYS = {
    "index", "ok", "command_id", "order_id", "error", "status", "request_id",
    "client_order_id", "replayed", "order", "deals", "orders",
}  # fmt: skip


async def test_awaited_market_order_returns_all_rows(busy: InProcessGateway) -> None:
    answer = await busy.order("?wait_ms=5000", qty="0.02")
    assert answer.status == 200
    (row,) = answer.json()["results"]
    assert set(row) == ROW_KEYS
    assert (row["index"], row["ok"], row["status"], row["error"]) == (0, True, "done", None)
    assert row["order"]["status"] == "FILLED"
    assert row["order"]["id"] == row["order_id"]
    assert [deal["qty"] for deal in row["deals"]] == ["0.02"]
    assert answer.headers["location"] == f"/oms/commands/{row['command_id']}"
    stored = await busy.client.get(f"/oms/orders/{row['order_id']}")
    assert stored == {"items": [row["order"]]}


async def test_rows_are_null_without_a_wait(busy: InProcessGateway) -> None:
    (row,) = (await busy.order()).json()["results"]
    assert (row["status"], row["order"], row["deals"]) == ("done", None, None)


async def test_without_wait_returns_202_once_stored(gateway: InProcessGateway) -> None:
    for query, headers in (("?wait_ms=0", {}), ("", {"Prefer": "respond-async"})):
        answer = await gateway.client(
            "POST", f"/oms/commands{query}", gateway.command(), headers=headers
        )
        assert answer.status == 202
        (row,) = answer.json()["results"]
        assert (row["ok"], row["status"], row["order_id"]) == (True, "queued", None)
        assert (await gateway.store.queue.find([row["command_id"]])).keys() == {row["command_id"]}
    assert answer.headers["preference-applied"] == "respond-async"


async def test_command_continues_after_the_wait(gateway: InProcessGateway) -> None:
    answer = await gateway.order("?wait_ms=50")
    assert answer.status == 202
    gateway.start_worker()
    path = f"/oms/commands/{answer.json()['results'][0]['command_id']}"
    command = await gateway.client.get(f"{path}?wait_ms=10000")
    assert command["status"] == "failed", "there is no price yet"
    assert command["legacy_status"] == "failed"
    assert command["error"]["outcome"] == "rejected"


async def test_empty_list_is_accepted(gateway: InProcessGateway) -> None:
    answer = await gateway.client("POST", "/oms/commands", [])
    assert (answer.status, answer.json()) == (200, {"results": []})


async def test_order_change_cancel_close(busy: InProcessGateway) -> None:
    resting = (await busy.order(order_type="limit", price="40000")).json()["results"][0]
    order_id = resting["order_id"]
    change = {"command": "change_order", "payload": {"order_id": order_id, "new_price": "41000"}}
    answer = await busy.client("POST", "/oms/commands?wait_ms=5000", change)
    (row,) = answer.json()["results"]
    assert (answer.status, row["order_id"], row["order"]["price"]) == (200, order_id, "41000")
    cancel = {"command": "cancel_order", "payload": {"order_id": str(order_id)}}
    answer = await busy.client("POST", "/oms/commands/", cancel)
    assert (answer.status, answer.json()["results"][0]["order_id"]) == (200, order_id)
    answer = await busy.client("POST", "/oms/commands", cancel)
    assert (answer.status, answer.detail["reason"]) == (409, "order_not_open")
    assert answer.detail["results"][0]["order_id"] == order_id

    await busy.order()
    held = (await busy.client.get(f"/oms/positions/open?account_ids={busy.account_id}"))["items"]
    close = {"command": "close_position", "payload": {"position_id": held[0]["id"]}}
    assert (await busy.client("POST", "/oms/commands", close)).status == 200
    left = await busy.client.get(f"/oms/positions/open?account_ids={busy.account_id}")
    assert left["items"] == []


async def test_partial_failure_returns_207(busy: InProcessGateway) -> None:
    body = [busy.command(), busy.command(qty="0.0001"), busy.command()]
    for query in ("", "?parallel=true"):
        answer = await busy.client("POST", f"/oms/commands{query}", body)
        assert answer.status == 207
        results = answer.json()["results"]
        assert [row["index"] for row in results] == [0, 1, 2]
        assert [row["ok"] for row in results] == [True, False, True]
        assert results[1]["error"]["ccxt_class"] == "InvalidOrder"
        assert results[1]["order_id"] is not None, "refused orders are kept"


async def test_total_failure_returns_the_first_error(busy: InProcessGateway) -> None:
    body = [busy.command(symbol="NOPE/USDT"), busy.command(qty="0.0001")]
    answer = await busy.client("POST", "/oms/commands", body)
    assert (answer.status, answer.detail["code"]) == (422, "instrument_not_supported")
    assert [row["ok"] for row in answer.detail["results"]] == [False, False]
    assert answer.detail["request_id"] == answer.headers["x-request-id"]


async def test_refused_command_is_not_stored(busy: InProcessGateway) -> None:
    foreign = await busy.add_account()
    body = [busy.command() | {"account_id": foreign}, busy.command() | {"account_id": 999}]
    answer = await busy.client("POST", "/oms/commands", body)
    assert (answer.status, answer.detail["code"]) == (403, "permission_denied")
    rows = answer.detail["results"]
    assert [row["error"]["code"] for row in rows] == ["permission_denied", "account_not_found"]
    assert [(row["command_id"], row["status"]) for row in rows] == [(None, "refused")] * 2
    answer = await busy.client("POST", "/oms/commands", busy.command(), key=ADMIN_KEY)
    assert (answer.status, answer.detail["code"]) == (403, "admin_read_only")


async def test_foreign_rows_are_not_found(busy: InProcessGateway) -> None:
    foreign = await busy.add_account()
    other = await busy.add_key("other", "oms_the-key-of-another", grants={foreign: Grant()})
    order_id = (await busy.order(order_type="limit", price="40000")).json()["results"][0][
        "order_id"
    ]
    cancel: dict[str, Any] = {"command": "cancel_order", "payload": {"order_id": order_id}}
    for envelope in (cancel, cancel | {"account_id": foreign}):
        answer = await busy.client("POST", "/oms/commands", envelope, key=other)
        assert answer.status in (403, 404)
        assert answer.detail["code"] in ("permission_denied", "order_not_found")
    assert (await busy.client.get(f"/oms/orders/{order_id}", key=other)) == {"items": []}
    close = {"command": "close_position", "payload": {"position_id": 424242}}
    answer = await busy.client("POST", "/oms/commands", close)
    assert (answer.status, answer.detail["code"]) == (404, "position_not_found")


async def test_client_order_ids(gateway: InProcessGateway) -> None:
    answer = await gateway.client("POST", "/oms/commands", gateway.command(), key="")
    assert (answer.status, answer.detail["code"]) == (401, "missing_api_key")
    assert answer.headers["www-authenticate"] == "Bearer"
    old = await gateway.add_key("old", "oms_a-key-that-has-ended", expires_at=now())
    for key in ("oms_unknown", old):
        answer = await gateway.client("POST", "/oms/commands", gateway.command(), key=key)
        assert (answer.status, answer.detail["code"]) == (401, "invalid_api_key")
    bearer = {"Authorization": f"bearer {gateway.client.key}"}
    answer = await gateway.client(
        "POST", "/oms/commands?wait_ms=0", gateway.command(), key="", headers=bearer
    )
    assert answer.status == 202


async def test_repeated_request_id_returns_the_first_result(busy: InProcessGateway) -> None:
    command = busy.command() | {"request_id": "r-1"}
    first = (await busy.client("POST", "/oms/commands", command)).json()["results"][0]
    answer = await busy.client("POST", "/oms/commands", [command, busy.command(), command])
    again = answer.json()["results"]
    assert [row["replayed"] for row in again] == [True, False, True]
    assert again[0]["command_id"] == again[2]["command_id"] == first["command_id"]
    assert again[0]["order_id"] == first["order_id"]
    other = busy.command(qty="0.02") | {"request_id": "r-1"}
    answer = await busy.client("POST", "/oms/commands", other)
    assert (answer.status, answer.detail["code"]) == (422, "idempotency_mismatch")
    assert answer.detail["ccxt_class"] == "DuplicateOrderId"
    assert answer.detail["results"][0]["command_id"] is None


async def test_idempotency_key_replays_the_response(busy: InProcessGateway) -> None:
    foreign = busy.command() | {"account_id": 999}
    body, headers = [busy.command(), foreign], {"Idempotency-Key": "k-1"}
    first = await busy.client("POST", "/oms/commands", body, headers=headers)
    again = await busy.client("POST", "/oms/commands", body, headers=headers)
    assert (first.status, again.status) == (207, 207)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    one, two = first.json()["results"], again.json()["results"]
    assert [row["command_id"] for row in one] == [row["command_id"] for row in two]
    assert two[0]["replayed"] is True
    assert two[1]["error"]["code"] == "account_not_found"
    answer = await busy.client("POST", "/oms/commands", body[:1], headers=headers)
    assert (answer.status, answer.detail["reason"]) == (422, "Idempotency-Key")
    answer = await busy.client(
        "POST", "/oms/commands", body, headers={"Idempotency-Key": "with space"}
    )
    assert answer.status == 422


async def test_idempotency_key_in_flight_is_refused(gateway: InProcessGateway) -> None:
    headers = {"Idempotency-Key": "k-1"}
    command = gateway.command()
    await gateway.client("POST", "/oms/commands?wait_ms=0", command, headers=headers)
    answer = await gateway.client("POST", "/oms/commands", command, headers=headers)
    assert (answer.status, answer.detail["code"]) == (409, "idempotency_in_flight")
    assert answer.headers["retry-after"] == "1"
    assert answer.detail["results"][0]["status"] == "queued"


async def test_full_queue_returns_429(gateway: InProcessGateway) -> None:
    batch = [gateway.command()] * 200
    for _ in range(3):
        answer = await gateway.client("POST", "/oms/commands?wait_ms=0", batch)
    rows = answer.json()["results"]
    assert [row["ok"] for row in rows] == [True] * 100 + [False] * 100
    answer = await gateway.client("POST", "/oms/commands?wait_ms=0", gateway.command())
    assert (answer.status, answer.detail["reason"]) == (429, "queue_full")
    assert answer.detail["retryable"] is True
    assert answer.headers["retry-after"] == "1"


async def test_commands_of_a_body_execute_in_order(busy: InProcessGateway) -> None:
    other = await busy.add_account()
    await busy.add_key("both", "oms_a-key-of-both-accounts", grants={
        busy.account_id: Grant(can_trade=True), other: Grant(can_trade=True),
    })  # fmt: skip
    body = [busy.command() | {"account_id": account} for account in (busy.account_id, other) * 5]
    answer = await busy.client("POST", "/oms/commands", body, key="oms_a-key-of-both-accounts")
    ids = [row["command_id"] for row in answer.json().get("results") or answer.detail["results"]]
    rows = await busy.store.queue.find(ids)
    ends = [rows[command_id].finished_at for command_id in ids]
    assert all(end is not None for end in ends)
    assert ends == sorted(ends, key=str)


async def test_body_is_stored_in_one_transaction(
    gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[list[int]] = []
    store = gateway.store.queue.enqueue

    async def counted(submissions: list[Submission]) -> Any:
        sizes.append([len(one.commands) for one in submissions])
        return await store(submissions)

    monkeypatch.setattr(gateway.store.queue, "enqueue", counted)
    gateway.api_context.submit.enqueue.batch_max = 50
    answer = await gateway.client("POST", "/oms/commands?wait_ms=0", [gateway.command()] * 200)
    assert answer.status == 202
    assert sizes == [[200]]


async def test_unavailable_database_returns_503(
    gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(submissions: list[Submission]) -> list[EnqueueResult]:
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(gateway.store.queue, "enqueue", away)
    answer = await gateway.order()
    assert (answer.status, answer.detail["code"]) == (503, "database_unavailable")
    assert (answer.detail["retryable"], answer.headers["retry-after"]) == (True, "1")


async def test_concurrent_repeats_store_one_command(busy: InProcessGateway) -> None:
    command = busy.command() | {"request_id": "once"}
    answers = await asyncio.gather(
        *(busy.client("POST", "/oms/commands", command) for _ in range(20))
    )
    rows = [answer.json()["results"][0] for answer in answers]
    assert len({row["command_id"] for row in rows}) == 1
    assert sorted(row["replayed"] for row in rows) == [False] + [True] * 19
    deals = await busy.client.get(f"/oms/deals?account_ids={busy.account_id}&cursor=")
    assert len(deals["items"]) == 1
