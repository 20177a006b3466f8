"""Commands at an asynchronous exchange: they run until its response arrives."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from kit.exchanges.deferred_exchange import deferred_exchange
from kit.gateway.in_process import InProcessGateway
from kit.polling import poll_until
from oms.adapters.clock import SystemClock
from oms.worker import dispatch

SYMBOL = "BTC/USDT:USDT"


class ClockSetBack:
    """A system clock that was set back by an hour."""

    def now(self) -> datetime:
        return SystemClock().now() - timedelta(hours=1)


async def rows_of(gateway: InProcessGateway, command_id: int) -> dict[str, Any]:
    answer: dict[str, Any] = await gateway.client.get(f"/oms/commands/{command_id}")
    return answer


async def test_order_command_runs_until_the_exchange_answers(slow: InProcessGateway) -> None:
    deferred_exchange(slow).is_held = True
    (row,) = (await slow.order("?wait_ms=300")).json()["results"]
    assert (row["ok"], row["status"]) == (True, "running")
    assert row["order"]["status"] == "PENDING_SUBMIT"
    deferred_exchange(slow).release()
    command = await slow.client.get(f"/oms/commands/{row['command_id']}?wait_ms=5000")
    assert (command["status"], command["order_id"]) == ("done", row["order_id"])
    (order,) = (await slow.client.get(f"/oms/orders/{row['order_id']}"))["items"]
    assert order["status"] == "FILLED"


async def test_waiting_client_gets_the_final_result(slow: InProcessGateway) -> None:
    answer = await slow.order("?wait_ms=5000")
    assert answer.status == 200
    assert answer.json()["results"][0]["order"]["status"] == "FILLED"


async def test_rejection_fails_the_command(slow: InProcessGateway) -> None:
    answer = await slow.order("?wait_ms=5000", qty="900")
    assert answer.status == 502
    (row,) = answer.json()["detail"]["results"]
    assert (row["status"], row["error"]["code"]) == ("failed", "insufficient_funds")
    assert row["order"]["status"] == "REJECTED"


async def test_orders_are_stored_before_they_are_sent(slow: InProcessGateway) -> None:
    deferred_exchange(slow).is_held = True
    (row,) = (await slow.order("?wait_ms=200")).json()["results"]
    stored = await slow.store.ledger.order(slow.account_id, row["order_id"])
    assert stored is not None
    assert [request[1].id for request in deferred_exchange(slow).sent] == [row["order_id"]]


async def resting(gateway: InProcessGateway) -> int:
    limit = {"order_type": "limit", "price": "50000"}
    (row,) = (await gateway.order("?wait_ms=5000", **limit)).json()["results"]
    assert row["status"] == "done"
    return int(row["order_id"])


async def test_cancel_is_done_when_the_order_is_canceled(slow: InProcessGateway) -> None:
    order_id = await resting(slow)
    body = {"account_id": slow.account_id, "command": "cancel_order"}
    answer = await slow.client(
        "POST", "/oms/commands?wait_ms=5000", body | {"payload": {"order_id": order_id}}
    )
    (row,) = answer.json()["results"]
    assert (answer.status, row["status"], row["order_id"]) == (200, "done", order_id)
    assert row["order"]["status"] == "CANCELED"


async def test_cancel_of_a_filled_order_fails(slow: InProcessGateway) -> None:
    order_id = await resting(slow)
    deferred_exchange(slow).is_held = True
    body = {"account_id": slow.account_id, "command": "cancel_order"}
    answer = await slow.client(
        "POST", "/oms/commands?wait_ms=300", body | {"payload": {"order_id": order_id}}
    )
    (row,) = answer.json()["results"]
    assert (row["status"], row["order"]["pending_change"]) == ("running", "cancel")
    price = {"symbol": SYMBOL, "bid": "49000", "ask": "49010", "account_id": slow.account_id}
    await slow.client("POST", "/paper/price", price)
    deferred_exchange(slow).release()
    command = await slow.client.get(f"/oms/commands/{row['command_id']}?wait_ms=5000")
    assert command["status"] == "failed"
    (order,) = (await slow.client.get(f"/oms/orders/{order_id}"))["items"]
    assert order["status"] == "FILLED"


async def test_change_is_done_when_confirmed(slow: InProcessGateway) -> None:
    order_id = await resting(slow)
    body = {"account_id": slow.account_id, "command": "change_order"}
    payload = {"order_id": order_id, "new_price": "51000"}
    answer = await slow.client("POST", "/oms/commands?wait_ms=5000", body | {"payload": payload})
    (row,) = answer.json()["results"]
    assert (row["status"], row["order"]["price"]) == ("done", "51000")
    assert row["order"]["pending_change"] is None


async def test_cancel_all_waits_for_every_order(slow: InProcessGateway) -> None:
    ids = [await resting(slow) for _ in range(3)]
    body = {"account_id": slow.account_id, "command": "cancel_all_orders", "payload": {}}
    (row,) = (await slow.client("POST", "/oms/commands?wait_ms=5000", body)).json()["results"]
    assert row["status"] == "done"
    command = await rows_of(slow, row["command_id"])
    assert sorted(command["order_ids"]) == sorted(ids)
    items = (await slow.client.get(f"/oms/orders/{','.join(map(str, ids))}"))["items"]
    assert {item["status"] for item in items} == {"CANCELED"}


async def test_lost_response_is_unknown_until_the_order_is_found(slow: InProcessGateway) -> None:
    deferred_exchange(slow).lose_count = 1
    answer = await slow.order("?wait_ms=5000")
    assert answer.status == 504
    (row,) = answer.json()["detail"]["results"]
    assert (row["status"], row["order"]["state"]) == ("unknown", "UNKNOWN")
    deferred_exchange(slow).report_lost()
    await poll_until(
        lambda: rows_of(slow, row["command_id"]), lambda command: command["status"] == "done"
    )
    (order,) = (await slow.client.get(f"/oms/orders/{row['order_id']}"))["items"]
    assert order["status"] == "FILLED"


async def test_reloaded_account_keeps_pending_commands(slow: InProcessGateway) -> None:
    deferred_exchange(slow).is_held = True
    (row,) = (await slow.order("?wait_ms=300")).json()["results"]
    before = deferred_exchange(slow)
    await slow.worker.processor.evict_all()
    assert not before.is_open
    assert (await slow.client("POST", "/oms/reconcile", {})).status == 200
    state = slow.worker.processor.states[slow.account_id]
    assert [each.order_id for each in deferred_exchange(slow).seen_attempts] == [row["order_id"]]
    assert state.pending[row["command_id"]].actions == {row["order_id"]: "place"}


async def test_bulk_close_waits_for_its_orders(slow: InProcessGateway) -> None:
    answer = await slow.client("POST", "/oms/reconcile", {"account_id": slow.account_id})
    assert answer.status == 200
    (result,) = answer.json()["results"]
    assert (result["ok"], result["new_deals"]) == (True, 0)
    assert result["run_id"]


async def test_commands_wait_until_the_exchange_is_ready(slow: InProcessGateway) -> None:
    exchange = deferred_exchange(slow)
    is_ready = asyncio.Event()
    exchange.is_ready = is_ready.is_set  # type: ignore[method-assign]
    answer = await slow.order("?wait_ms=300")
    assert answer.json()["results"][0]["status"] == "queued"
    is_ready.set()
    exchange.on_update()
    path = f"/oms/commands/{answer.json()['results'][0]['command_id']}"
    assert (await slow.client.get(f"{path}?wait_ms=5000"))["status"] == "done"


async def test_crashed_adapter_is_built_again(
    slow: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "BACKOFF_SECONDS", 0.3)
    exchange, state = deferred_exchange(slow), slow.worker.processor.states[slow.account_id]

    async def broken(at: Any) -> Any:
        raise ZeroDivisionError("a bug of ours")

    exchange.poll_reports = broken  # type: ignore[method-assign]
    exchange.on_update()
    accounts = slow.worker.processor
    await poll_until(_none, lambda _: accounts.states.get(slow.account_id) is not state)
    assert not exchange.is_open
    monkeypatch.setattr(accounts, "clock", ClockSetBack())
    (row,) = (await slow.order("?wait_ms=5000")).json()["results"]
    assert row["status"] == "done", "the account came back with a new exchange"


async def test_account_that_lost_its_lease_is_not_polled(
    slow: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease lost while the account is left out ends that; the next lease loads it again."""
    monkeypatch.setattr(dispatch, "BACKOFF_SECONDS", 60.0)
    await resting(slow)
    exchange, accounts = deferred_exchange(slow), slow.worker.processor

    async def broken(at: Any) -> Any:
        raise ZeroDivisionError("a bug of ours")

    exchange.poll_reports = broken  # type: ignore[method-assign]
    exchange.on_update()
    await poll_until(_none, lambda _: slow.account_id not in accounts.states)
    assert accounts.needs_polling(), "the account waits for its next attempt"
    lease = accounts.keeper.held[slow.account_id]
    accounts.keeper.drop(slow.account_id)
    await poll_until(_none, lambda _: not accounts.needs_polling())
    accounts.keeper.held[slow.account_id] = lease
    await accounts.load_leased_accounts([slow.account_id])
    assert slow.account_id in accounts.states and accounts.needs_polling()


async def _none() -> None:
    return None
