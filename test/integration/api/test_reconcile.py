"""Reconcile on demand: missed fills are booked once, no change writes nothing."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from kit.databases.sql import execute
from kit.gateway.in_process import MANUAL, TRADER, InProcessGateway
from kit.ledger.stored_account import a_trade
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.errors import Refused
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.orders.order import Order
from oms.domain.value import evolve

KEY = "oms_a-sweeper-for-tests-only"
SYMBOL = "BTC/USDT:USDT"


async def _account(gateway: InProcessGateway) -> int:
    account_id = await gateway.add_account("netting", MANUAL)
    await gateway.add_key("sweeper", KEY, grants={account_id: TRADER})
    await gateway.set_price(SYMBOL, "50000", account_id=account_id, key=KEY)
    return account_id


async def _send(gateway: InProcessGateway, account_id: int, **payload: Any) -> Any:
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "qty": "0.01"} | payload
    body = {"account_id": account_id, "command": "send_order", "payload": order}
    return await gateway.client("POST", "/oms/commands?wait_ms=8000", body, key=KEY)


async def _reconcile(gateway: InProcessGateway, **body: Any) -> dict[str, Any]:
    answer = await gateway.client("POST", "/oms/reconcile", body, key=KEY)
    assert answer.status == 200, answer.body
    result: dict[str, Any] = answer.json()
    return result


async def _deals(gateway: InProcessGateway, account_id: int) -> list[dict[str, Any]]:
    span = "start_date=2020-01-01&end_date=2099-01-01"
    found = await gateway.client.get(f"/oms/deals?account_ids={account_id}&{span}", key=KEY)
    rows: list[dict[str, Any]] = found["items"]
    return rows


def _hold_at_the_exchange(gateway: InProcessGateway, account_id: int, qty: Decimal) -> None:
    """Set a position quantity at the exchange that its executions do not explain."""
    exchange = gateway.worker.processor.states[account_id].exchange
    assert isinstance(exchange, PaperExchange)
    engine = exchange._engine
    held = {key: evolve(each, qty=qty) for key, each in engine.state.positions.items()}
    engine.state = evolve(engine.state, positions=held)


async def test_reconcile_without_changes_writes_only_its_run(
    busy: InProcessGateway,
) -> None:
    account = await _account(busy)
    await _send(busy, account)
    await _send(busy, account, order_type="limit", price="40000")
    before = await _deals(busy, account)
    rows = await _reconcile(busy, account_id=account)
    assert (rows["ok"], rows["account_ids"], rows["triggered_count"]) == (True, [account], 1)
    (result,) = rows["results"]
    assert set(result) == {
        "account_id",
        "run_id",
        "ok",
        "fetched",
        "new_deals",
        "new_orders",
        "discrepancies",
        "watermark",
        "error",
    }
    assert (result["fetched"], result["new_deals"], result["new_orders"]) == (2, 0, 0)
    again = await _reconcile(busy, account_id=account)
    assert again["results"][0]["run_id"] > result["run_id"]
    assert await _deals(busy, account) == before


async def test_ok_means_that_all_accounts_were_reconciled(
    busy: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, other = [await busy.add_account("netting", MANUAL) for _ in range(2)]
    await busy.add_key("sweeper", KEY, grants={account: TRADER, other: TRADER})
    for each in (account, other):
        await busy.set_price(SYMBOL, "50000", account_id=each, key=KEY)

    def unavailable(exchange: PaperExchange) -> Refused | None:
        is_other = exchange is busy.worker.processor.states[other].exchange
        return Refused(code="exchange_unavailable", message="no answer") if is_other else None

    monkeypatch.setattr(PaperExchange, "unavailable_reason", unavailable)
    rows = await _reconcile(busy, account_ids=[account, other])
    assert (rows["ok"], rows["triggered_count"]) == (False, 1)
    assert [row["ok"] for row in rows["results"]] == [True, False]


async def test_reconcile_books_a_missed_fill(busy: InProcessGateway) -> None:
    account = await _account(busy)
    await _send(busy, account, order_type="limit", price="49000", params={"sim": "late_fill"})
    await busy.set_price(SYMBOL, "48000", account_id=account, key=KEY)  # it fills without a report
    assert await _deals(busy, account) == []

    result = await _reconcile(busy, account_id=account)

    assert result["results"][0]["new_deals"] == 1
    (deal,) = await _deals(busy, account)
    assert (deal["origin"], deal["price"]) == ("reconcile", "49000")


async def test_reconcile_status_of_accounts(busy: InProcessGateway) -> None:
    account = await _account(busy)
    path = f"/oms/reconcile/{account}/status"
    assert (await busy.client.get(path, key=KEY))["items"][0]["status"] == "never"
    await _reconcile(busy)
    (row,) = (await busy.client.get(path, key=KEY))["items"]
    assert row["status"] == "fresh" and row["age_seconds"] >= 0 and row["discrepancies"] == 0
    (stale,) = (await busy.client.get(f"{path}?stale_after_seconds=0", key=KEY))["items"]
    assert stale["status"] == "stale"
    wrong = await busy.client("GET", "/oms/reconcile/status?status=rotten", key=KEY)
    assert wrong.status == 422
    fresh = await busy.client.get("/oms/reconcile/status?status=fresh", key=KEY)
    assert [item["account_id"] for item in fresh["items"]] == [account]


async def test_difference_seen_twice_is_a_discrepancy(busy: InProcessGateway, dsn: str) -> None:
    account = await _account(busy)
    await _send(busy, account)
    await _reconcile(busy, account_id=account)
    _hold_at_the_exchange(busy, account, Decimal("0.5"))
    first = await _reconcile(busy, account_id=account)
    assert first["results"][0]["discrepancies"] == 0  # it may be in flight
    execute(dsn, "UPDATE discrepancies SET first_seen = '2020-01-01T00:00:00.000000Z'")
    second = await _reconcile(busy, account_id=account)
    assert second["results"][0]["discrepancies"] == 1
    (row,) = (await busy.client.get("/oms/discrepancies", key=KEY))["items"]
    assert (row["class"], row["symbol"], row["status"]) == ("position_differs", SYMBOL, "open")
    assert (row["evidence"]["exchange_qty"], row["evidence"]["book_qty"]) == ("0.5", "0.01")

    _hold_at_the_exchange(busy, account, Decimal("0.01"))
    await _reconcile(busy, account_id=account)
    assert (await busy.client.get("/oms/discrepancies", key=KEY))["items"] == []


async def test_period_needs_bounds_and_foreign_account_is_refused(
    busy: InProcessGateway,
) -> None:
    account = await _account(busy)
    body = {"account_id": account, "scope": "period"}
    assert (await busy.client("POST", "/oms/reconcile", body, key=KEY)).status == 422
    body = {"account_id": busy.account_id}
    assert (await busy.client("POST", "/oms/reconcile", body, key=KEY)).status == 403
    period = await _reconcile(
        busy, account_id=account, scope="period", start_date="2024-01-01", end_date="2024-02-01"
    )
    assert period["results"][0]["watermark"] is None


async def test_an_over_fill_stays_open_until_it_is_dismissed(
    busy: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await _account(busy)
    resting = (await _send(busy, account, order_type="limit", price="40000")).json()
    order_id = resting["results"][0]["order_id"]
    exchange = busy.worker.processor.states[account].exchange
    assert isinstance(exchange, PaperExchange)
    exchange._engine.state = evolve(exchange._engine.state, orders={})

    async def over_filled(order: Order, now: datetime) -> list[ExecutionReport]:
        assert order.id == order_id
        return [a_trade(order, "x1", "0.03", 40_000, now)]

    monkeypatch.setattr(exchange, "query_order", over_filled)
    path = "/oms/discrepancies"
    for _ in range(2):
        await _reconcile(busy, account_id=account)
        (row,) = (await busy.client.get(f"{path}?class=order_over_filled", key=KEY))["items"]
        assert (row["status"], row["fix"], row["evidence"]["excess_qty"]) == ("open", None, "0.02")
    for decision, status in (("apply", 409), ("dismiss", 200)):
        url = f"{path}/{row['id']}/{decision}?wait_ms=8000"
        answer = await busy.client("POST", url, {"comment": None}, key=KEY)
        assert answer.status == status
    await _reconcile(busy, account_id=account)
    assert (await busy.client.get(f"{path}?class=order_over_filled", key=KEY))["items"] == []
    tracked = await busy.store.reconcile_store.tracked_discrepancies([account])
    assert [each.id for each in tracked if each.kind == "order_over_filled"] == []
