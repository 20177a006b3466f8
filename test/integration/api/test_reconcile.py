"""Sweeps: what was missed is booked once, and an unchanged exchange changes nothing."""

from decimal import Decimal
from typing import Any

from kit.databases.sql import execute
from kit.gateway.in_process import MANUAL, TRADER, InProcessGateway
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.value import evolve

KEY = "oms_a-sweeper-for-tests-only"
SYMBOL = "BTC/USDT:USDT"


async def _account(gateway: InProcessGateway) -> int:
    account_id = await gateway.add_account("netting", MANUAL)
    await gateway.add_key("sweeper", KEY, grants={account_id: TRADER})
    await _price(gateway, account_id, "50000")
    return account_id


async def _price(gateway: InProcessGateway, account_id: int, price: str) -> None:
    body = {"account_id": account_id, "symbol": SYMBOL, "price": price}
    assert (await gateway.client("POST", "/paper/price", body, key=KEY)).status == 200


async def _send(gateway: InProcessGateway, account_id: int, **payload: Any) -> Any:
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "qty": "0.01"} | payload
    body = {"account_id": account_id, "command": "send_order", "payload": order}
    return await gateway.client("POST", "/oms/commands?wait_ms=8000", body, key=KEY)


async def _sweep(gateway: InProcessGateway, **body: Any) -> dict[str, Any]:
    answer = await gateway.client("POST", "/oms/reconcile", body, key=KEY)
    assert answer.status == 200, answer.body
    told: dict[str, Any] = answer.json()
    return told


async def _deals(gateway: InProcessGateway, account_id: int) -> list[dict[str, Any]]:
    span = "start_date=2020-01-01&end_date=2099-01-01"
    found = await gateway.client.get(f"/oms/deals?account_ids={account_id}&{span}", key=KEY)
    rows: list[dict[str, Any]] = found["items"]
    return rows


def _hold_at_the_exchange(gateway: InProcessGateway, account_id: int, qty: Decimal) -> None:
    """Have the exchange hold another quantity than its executions come to."""
    exchange = gateway.worker.processor.states[account_id].exchange
    assert isinstance(exchange, PaperExchange)
    engine = exchange._engine
    held = {key: evolve(each, qty=qty) for key, each in engine.state.positions.items()}
    engine.state = evolve(engine.state, positions=held)


async def test_a_sweep_over_what_is_known_writes_nothing_but_its_run(
    busy: InProcessGateway,
) -> None:
    account = await _account(busy)
    await _send(busy, account)
    await _send(busy, account, order_type="limit", price="40000")
    before = await _deals(busy, account)
    told = await _sweep(busy, account_id=account)
    assert (told["ok"], told["account_ids"], told["triggered_count"]) == (True, [account], 1)
    (result,) = told["results"]
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
    again = await _sweep(busy, account_id=account)
    assert again["results"][0]["run_id"] > result["run_id"]
    assert await _deals(busy, account) == before


async def test_a_fill_that_was_not_told_is_a_deal_after_the_sweep(busy: InProcessGateway) -> None:
    account = await _account(busy)
    await _send(busy, account, order_type="limit", price="49000", params={"sim": "late_fill"})
    await _price(busy, account, "48000")  # it fills, and nobody tells
    assert await _deals(busy, account) == []

    told = await _sweep(busy, account_id=account)

    assert told["results"][0]["new_deals"] == 1
    (deal,) = await _deals(busy, account)
    assert (deal["origin"], deal["price"]) == ("reconcile", "49000")


async def test_how_fresh_the_last_sweep_is(busy: InProcessGateway) -> None:
    account = await _account(busy)
    path = f"/oms/reconcile/{account}/status"
    assert (await busy.client.get(path, key=KEY))["items"][0]["status"] == "never"
    await _sweep(busy)
    (row,) = (await busy.client.get(path, key=KEY))["items"]
    assert row["status"] == "fresh" and row["age_seconds"] >= 0 and row["discrepancies"] == 0
    (stale,) = (await busy.client.get(f"{path}?stale_after_seconds=0", key=KEY))["items"]
    assert stale["status"] == "stale"
    wrong = await busy.client("GET", "/oms/reconcile/status?status=rotten", key=KEY)
    assert wrong.status == 422
    fresh = await busy.client.get("/oms/reconcile/status?status=fresh", key=KEY)
    assert [item["account_id"] for item in fresh["items"]] == [account]


async def test_what_no_fact_explains_is_a_discrepancy_once_it_is_seen_twice(
    busy: InProcessGateway, dsn: str
) -> None:
    account = await _account(busy)
    await _send(busy, account)
    await _sweep(busy, account_id=account)
    _hold_at_the_exchange(busy, account, Decimal("0.5"))
    first = await _sweep(busy, account_id=account)
    assert first["results"][0]["discrepancies"] == 0  # it may be under way
    execute(dsn, "UPDATE discrepancies SET first_seen = '2020-01-01T00:00:00.000000Z'")
    second = await _sweep(busy, account_id=account)
    assert second["results"][0]["discrepancies"] == 1
    (row,) = (await busy.client.get("/oms/discrepancies", key=KEY))["items"]
    assert (row["class"], row["symbol"], row["status"]) == ("position_differs", SYMBOL, "open")
    assert (row["evidence"]["exchange_qty"], row["evidence"]["book_qty"]) == ("0.5", "0.01")

    _hold_at_the_exchange(busy, account, Decimal("0.01"))
    await _sweep(busy, account_id=account)
    assert (await busy.client.get("/oms/discrepancies", key=KEY))["items"] == []


async def test_a_period_needs_its_bounds_and_a_foreign_account_is_refused(
    busy: InProcessGateway,
) -> None:
    account = await _account(busy)
    body = {"account_id": account, "scope": "period"}
    assert (await busy.client("POST", "/oms/reconcile", body, key=KEY)).status == 422
    body = {"account_id": busy.account_id}
    assert (await busy.client("POST", "/oms/reconcile", body, key=KEY)).status == 403
    period = await _sweep(
        busy, account_id=account, scope="period", start_date="2024-01-01", end_date="2024-02-01"
    )
    assert period["results"][0]["watermark"] is None
