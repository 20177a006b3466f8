"""Actions of a paper exchange: exits, liquidations, payments, lost responses."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from kit.gateway.in_process import MANUAL, TRADER, InProcessGateway

KEY = "oms_an-owner-for-tests-only"
SYMBOL = "BTC/USDT:USDT"
POOR = '{"oms":{"paper":{"source":"manual","balances":{"USDT":"1000"},"leverage":100}}}'
GIVE_UP_SECONDS = 10


async def _account(gateway: InProcessGateway, mode: str = "netting", extra: str = MANUAL) -> int:
    account_id = await gateway.add_account(mode, extra)
    await gateway.add_key("owner", KEY, grants={account_id: TRADER})
    await gateway.set_price(SYMBOL, "50000", account_id=account_id, key=KEY)
    return account_id


async def _send(gateway: InProcessGateway, account_id: int, **payload: Any) -> dict[str, Any]:
    """Return the result of an order of 0.01, successful or not."""
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "qty": "0.01"} | payload
    body = {"account_id": account_id, "command": "send_order", "payload": order}
    answer = await gateway.client("POST", "/oms/commands?wait_ms=8000", body, key=KEY)
    row: dict[str, Any] = answer.json()["results"][0]
    return row


async def _rows(gateway: InProcessGateway, what: str, account_id: int) -> list[dict[str, Any]]:
    """Return all rows, oldest first."""
    span = "start_date=2020-01-01&end_date=2099-01-01"
    found = await gateway.client.get(f"/oms/{what}?account_ids={account_id}&{span}", key=KEY)
    rows: list[dict[str, Any]] = sorted(found["items"], key=lambda row: row["id"])
    return rows


async def _lose(gateway: InProcessGateway, account_id: int, fault: str) -> int:
    """Return the id of an order whose response is lost."""
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "qty": "0.01"}
    body = {
        "account_id": account_id,
        "command": "send_order",
        "payload": order | {"params": {"sim": fault}},
    }
    answer = await gateway.client("POST", "/oms/commands?wait_ms=8000", body, key=KEY)
    assert answer.status == 504, answer.body
    assert answer.json()["detail"]["code"] == "outcome_unknown"
    (row,) = await _rows(gateway, "orders/open", account_id)
    assert row["state"] == "UNKNOWN"
    order_id: int = row["id"]
    return order_id


async def _until(look: Callable[[], Awaitable[Any]]) -> Any:
    """Return the first true value."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while True:
            if seen := await look():
                return seen
            await asyncio.sleep(0.02)


async def test_attached_exits_close_the_strategys_position(
    busy: InProcessGateway,
) -> None:
    account = await _account(busy)
    exits = {"stopLoss": {"triggerPrice": "45000"}, "takeProfit": {"triggerPrice": "55000"}}
    entry = (await _send(busy, account, params=exits))["order"]

    children = await _rows(busy, "orders/open", account)
    assert {child["reason"] for child in children} == {"sl", "tp"}
    assert {child["parent_order_id"] for child in children} == {entry["id"]}
    assert all(child["reduce_only"] and child["reconciled"] for child in children)

    await busy.set_price(SYMBOL, "56000", account_id=account, key=KEY)

    assert await _rows(busy, "orders/open", account) == []
    (position,) = await _rows(busy, "positions/history", account)
    assert (position["state"], position["close_reason"]) == ("closed", "tp")
    assert position["id"] == entry["position_id"]
    out = [deal for deal in await _rows(busy, "deals", account) if deal["entry"] == "out"]
    assert [deal["reason"] for deal in out] == ["tp"]


async def test_liquidation_is_booked(busy: InProcessGateway) -> None:
    account = await _account(busy, "hedge", POOR)
    assert (await _send(busy, account, qty="1"))["ok"]

    await busy.set_price(SYMBOL, "49000", account_id=account, key=KEY)

    (position,) = await _rows(busy, "positions/history", account)
    assert (position["state"], position["close_reason"]) == ("closed", "liquidation")
    orders = await _rows(busy, "orders/history", account)
    forced = next(order for order in orders if order["reason"] == "liquidation")
    assert (forced["strategy_id"], forced["state"], forced["side"]) == (0, "FILLED", "sell")
    deals = await _rows(busy, "deals", account)
    assert [d["type"] for d in deals] == [
        "trade",
        "trade",
        "balance",
    ]  # the insurance fund covers the loss
    assert deals[-1]["pnl"] != "0"


async def test_deposit_is_a_balance_deal_and_reset_restores_it(
    busy: InProcessGateway,
) -> None:
    account = await _account(busy)
    assert (await _send(busy, account))["ok"]
    assert (await _send(busy, account, order_type="limit", price="40000"))["ok"]
    body = {"currency": "USDT", "amount": "500"}
    paid = await busy.client("POST", f"/paper/{account}/deposit", body, key=KEY)
    assert paid.status == 200, paid.body

    reset = await busy.client("POST", f"/paper/{account}/reset", {"comment": "again"}, key=KEY)
    assert reset.status == 200, reset.body

    deals = await _rows(busy, "deals", account)
    assert [d["type"] for d in deals][:2] == ["trade", "balance"]
    assert (deals[1]["pnl"], deals[1]["symbol"]) == ("500", "USDT")
    correction = next(d for d in deals if d["reason"] == "correction")
    assert correction["entry"] == "out"
    (position,) = await _rows(busy, "positions/history", account)
    assert (position["state"], position["close_reason"]) == ("closed", "correction")
    assert await _rows(busy, "orders/open", account) == []
    balance = await busy.client(
        "POST", f"/ccxt/{account}/fetch_balance", {"args": [], "kwargs": {}}, key=KEY
    )
    assert balance.status == 200, balance.body
    assert float(balance.json()["result"]["total"]["USDT"]) == 100_000


async def test_lost_response_is_queried_and_never_resent(
    busy: InProcessGateway,
) -> None:
    account = await _account(busy)
    order_id = await _lose(busy, account, "timeout")

    async def settled() -> Any:
        found = await busy.client.get(f"/oms/orders/{order_id}", key=KEY)
        order = found["items"][0]
        return order if order["state"] not in ("UNKNOWN", "PENDING_SUBMIT") else None

    order = await _until(settled)
    assert order["state"] == "FILLED"
    assert len(await _rows(busy, "deals", account)) == 1


async def test_undelivered_request_ends_not_placed(busy: InProcessGateway) -> None:
    account = await _account(busy)
    order_id = await _lose(busy, account, "timeout_before")

    async def rejected() -> bool:
        found = await busy.client.get(f"/oms/orders/{order_id}", key=KEY)
        return bool(found["items"][0]["state"] == "REJECTED")

    assert await _until(rejected)
    assert await _rows(busy, "deals", account) == []


SLOW = '{"oms":{"paper":{"source":"manual","latency_ms":{"ack":150,"stream":150}}}}'


async def _command(gateway: InProcessGateway, account_id: int, name: str, **payload: Any) -> Any:
    body = {"account_id": account_id, "command": name, "payload": payload}
    return await gateway.client("POST", "/oms/commands?wait_ms=8000", body, key=KEY)


async def test_refused_change_leaves_the_order_unchanged(
    busy: InProcessGateway,
) -> None:
    account = await _account(busy, extra=SLOW)
    order_id = (await _send(busy, account, order_type="limit", price="40000", post_only=True))[
        "order_id"
    ]

    async def order() -> dict[str, Any]:
        row: dict[str, Any] = (await busy.client.get(f"/oms/orders/{order_id}", key=KEY))["items"][
            0
        ]
        return row

    async def submitted() -> bool:
        return bool((await order())["state"] == "SUBMITTED")

    assert await _until(submitted)
    await _command(busy, account, "change_order", order_id=order_id, new_price="41000")
    assert ((await order())["price"], (await order())["pending_change"]) == ("40000", "change")

    async def changed() -> bool:
        return (await order())["price"] == "41000"

    assert await _until(changed)
    assert (await order())["pending_change"] is None
    await _command(
        busy, account, "change_order", order_id=order_id, new_price="60000"
    )  # would match

    async def refused() -> bool:
        return (await order())["pending_change"] is None

    assert await _until(refused)
    assert ((await order())["state"], (await order())["price"]) == ("SUBMITTED", "41000")
