"""One-cancels-other exits of an order with ccxt's parameters."""

from typing import Any

from kit.gateway.in_process import MANUAL, TRADER, InProcessGateway

SYMBOL = "BTC/USDT:USDT"
KEY = "oms_a-caller-for-tests-only"


async def _send(gateway: InProcessGateway, account_id: int, **payload: Any) -> Any:
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "qty": "0.01"} | payload
    body = {"account_id": account_id, "command": "send_order", "payload": order}
    answer = await gateway.client("POST", "/oms/commands?wait_ms=8000", body, key=KEY)
    assert answer.status == 200, answer.body
    return answer.json()["results"][0]["order"]


async def _rows(gateway: InProcessGateway, what: str, account_id: int) -> list[dict[str, Any]]:
    span = f"account_ids={account_id}&start_date=2020-01-01&end_date=2099-01-01"
    found = await gateway.client.get(f"/oms/{what}?{span}", key=KEY)
    return sorted(found["items"], key=lambda row: row["id"])


async def _pair(gateway: InProcessGateway, account_id: int) -> Any:
    await gateway.set_price(SYMBOL, "50000", account_id=account_id, key=KEY)
    await _send(gateway, account_id)
    exits = {"takeProfitPrice": 55000, "stopLossPrice": "45000", "reduceOnly": True}
    return await _send(gateway, account_id, side="sell", params=exits)


async def _account(gateway: InProcessGateway, mode: str) -> int:
    account_id = await gateway.add_account(mode, MANUAL)
    await gateway.add_key("owner", KEY, grants={account_id: TRADER})
    return account_id


async def test_take_profit_cancels_stop_loss(busy: InProcessGateway) -> None:
    account = await _account(busy, "netting")
    gain = await _pair(busy, account)
    resting = await _rows(busy, "orders/open", account)
    assert [(row["order_type"], row["trigger_price"], row["reason"]) for row in resting] == [
        ("take_profit_market", "55000", "api"),
        ("stop_market", "45000", "sl"),
    ]
    assert resting[1]["parent_order_id"] == gain["id"]
    await busy.set_price(SYMBOL, "55000", account_id=account, key=KEY)
    states = {
        row["order_type"]: row["state"] for row in await _rows(busy, "orders/history", account)
    }
    assert states == {"market": "FILLED", "take_profit_market": "FILLED", "stop_market": "CANCELED"}
    assert await _rows(busy, "positions/open", account) == []


async def test_stop_loss_cancels_take_profit(busy: InProcessGateway) -> None:
    account = await _account(busy, "hedge")
    await _pair(busy, account)
    await busy.set_price(SYMBOL, "44000", account_id=account, key=KEY)
    states = {
        row["order_type"]: row["state"] for row in await _rows(busy, "orders/history", account)
    }
    assert states == {"market": "FILLED", "take_profit_market": "CANCELED", "stop_market": "FILLED"}
    assert await _rows(busy, "positions/open", account) == []
    (closed,) = await _rows(busy, "positions/history", account)
    assert closed["close_reason"] == "sl"


async def test_canceling_one_cancels_both(busy: InProcessGateway) -> None:
    account = await _account(busy, "netting")
    gain = await _pair(busy, account)
    body = {"account_id": account, "command": "cancel_order", "payload": {"order_id": gain["id"]}}
    assert (await busy.client("POST", "/oms/commands", body, key=KEY)).status == 200
    assert await _rows(busy, "orders/open", account) == []
