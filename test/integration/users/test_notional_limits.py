"""The caps of a key: one opening order, and all of a day; what reduces is never held up."""

from typing import Any

from kit.gateway.admin_client import AdminClient
from kit.http.asgi_client import AsgiResponse

PRICE = {"symbol": "BTC/USDT:USDT", "price": "50000"}


async def capped(desk: AdminClient, **restrictions: object) -> str:
    """The key of a trader who is held to these; a worker works."""
    desk.gateway.start_worker()
    assert (await desk.client("POST", "/paper/price", PRICE)).status == 200
    permit = {"account_id": desk.gateway.account_id, "can_trade": True, "can_close_position": True}
    made = await desk.user(permissions=[permit], restrictions=restrictions)
    return str(made["api_key_plain"])


async def order(desk: AdminClient, key: str, **payload: object) -> AsgiResponse:
    return await desk.client("POST", "/oms/commands", desk.gateway.command(**payload), key=key)


async def test_one_order(desk: AdminClient) -> None:
    key = await capped(desk, max_order_notional="500")
    assert (await order(desk, key, qty="0.01")).status == 200
    above = await order(desk, key, qty="0.011")
    assert (above.status, above.detail["code"]) == (409, "risk_blocked")
    assert above.detail["reason"] == "key_order_notional"
    assert (above.detail["limit"], above.detail["value"]) == ("500", "550")
    assert above.detail["mt5_retcode"] == 10040 and above.detail["set_by"] == "api_key"
    assert (await desk.gateway.order(qty="0.02")).status == 200
    resting = {"order_type": "limit", "price": "40000"}
    assert (await order(desk, key, qty="0.012", **resting)).status == 200
    assert (await order(desk, key, qty="0.013", **resting)).status == 409
    close = await order(desk, key, side="sell", qty="0.02", reduce_only=True)
    assert close.status == 200, close.body


async def test_a_change_is_held_to_it_too(desk: AdminClient) -> None:
    key = await capped(desk, max_order_notional="500")
    placed = await order(desk, key, order_type="limit", price="40000", qty="0.01")
    number = placed.json()["results"][0]["order_id"]

    async def changed(**payload: Any) -> AsgiResponse:
        body = {"command": "change_order", "payload": {"order_id": number} | payload}
        return await desk.client("POST", "/oms/commands", body, key=key)

    above = await changed(new_qty="0.02")
    assert (above.status, above.detail["reason"]) == (409, "key_order_notional")
    assert (await changed(new_qty="0.012")).status == 200


async def test_a_day(desk: AdminClient) -> None:
    key = await capped(desk, max_day_notional="1000")
    resting = {"order_type": "limit", "price": "40000"}
    placed = await order(desk, key, qty="0.01", **resting)
    assert (await order(desk, key, qty="0.01")).status == 200
    above = await order(desk, key, qty="0.003")
    assert (above.status, above.detail["reason"]) == (409, "key_day_notional")
    assert (above.detail["limit"], above.detail["value"]) == ("1000", "1050")
    number = placed.json()["results"][0]["order_id"]
    cancel = {"command": "cancel_order", "payload": {"order_id": number}}
    assert (await desk.client("POST", "/oms/commands", cancel, key=key)).status == 200
    assert (await order(desk, key, qty="0.009")).status == 200
    assert (await order(desk, key, qty="0.003")).status == 409
    close = await order(desk, key, side="sell", qty="0.019", reduce_only=True)
    assert close.status == 200, close.body


async def test_a_day_is_remembered_by_the_next_worker(desk: AdminClient) -> None:
    key = await capped(desk, max_day_notional="1000")
    assert (await order(desk, key, qty="0.018")).status == 200
    desk.gateway.worker.processor.execute.place.notional_limits._day_totals.clear()  # type: ignore[union-attr]
    above = await order(desk, key, qty="0.01")
    assert (above.status, above.detail["reason"]) == (409, "key_day_notional")


async def test_many_at_once_stay_below_the_cap(desk: AdminClient) -> None:
    key = await capped(desk, max_day_notional="1000")
    body = [desk.gateway.command(qty="0.003") for _ in range(10)]
    answer = await desk.client("POST", "/oms/commands?parallel=true", body, key=key)
    assert answer.status == 207
    assert [row["ok"] for row in answer.json()["results"]] == [True] * 6 + [False] * 4
