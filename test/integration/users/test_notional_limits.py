"""Notional limits of a key per opening order and per day; reducing orders are exempt."""

from typing import Any

from kit.gateway.admin_client import AdminClient
from kit.http.asgi_client import AsgiResponse

PRICE = {"symbol": "BTC/USDT:USDT", "price": "50000"}


async def capped(api: AdminClient, **restrictions: object) -> str:
    """Return the key of a trader with these restrictions; the worker runs."""
    api.gateway.start_worker()
    assert (await api.client("POST", "/paper/price", PRICE)).status == 200
    permit = {
        "account_id": api.gateway.account_id,
        "can_trade": True,
        "can_close_position": True,
    }
    made = await api.user(permissions=[permit], restrictions=restrictions)
    return str(made["api_key_plain"])


async def order(api: AdminClient, key: str, **payload: object) -> AsgiResponse:
    return await api.client("POST", "/oms/commands", api.gateway.command(**payload), key=key)


async def test_single_order_limit(api: AdminClient) -> None:
    key = await capped(api, max_order_notional="500")
    assert (await order(api, key, qty="0.01")).status == 200
    above = await order(api, key, qty="0.011")
    assert (above.status, above.detail["code"]) == (409, "risk_blocked")
    assert above.detail["reason"] == "key_order_notional"
    assert (above.detail["limit"], above.detail["value"]) == ("500", "550")
    assert above.detail["mt5_retcode"] == 10040 and above.detail["set_by"] == "api_key"
    assert (await api.gateway.order(qty="0.02")).status == 200
    resting = {"order_type": "limit", "price": "40000"}
    assert (await order(api, key, qty="0.012", **resting)).status == 200
    assert (await order(api, key, qty="0.013", **resting)).status == 409
    close = await order(api, key, side="sell", qty="0.02", reduce_only=True)
    assert close.status == 200, close.body


async def test_limit_applies_to_changes(api: AdminClient) -> None:
    key = await capped(api, max_order_notional="500")
    placed = await order(api, key, order_type="limit", price="40000", qty="0.01")
    number = placed.json()["results"][0]["order_id"]

    async def changed(**payload: Any) -> AsgiResponse:
        body = {"command": "change_order", "payload": {"order_id": number} | payload}
        return await api.client("POST", "/oms/commands", body, key=key)

    above = await changed(new_qty="0.02")
    assert (above.status, above.detail["reason"]) == (409, "key_order_notional")
    assert (await changed(new_qty="0.012")).status == 200


async def test_day_limit(api: AdminClient) -> None:
    key = await capped(api, max_day_notional="1000")
    resting = {"order_type": "limit", "price": "40000"}
    placed = await order(api, key, qty="0.01", **resting)
    assert (await order(api, key, qty="0.01")).status == 200
    above = await order(api, key, qty="0.003")
    assert (above.status, above.detail["reason"]) == (409, "key_day_notional")
    assert (above.detail["limit"], above.detail["value"]) == ("1000", "1050")
    number = placed.json()["results"][0]["order_id"]
    cancel = {"command": "cancel_order", "payload": {"order_id": number}}
    assert (await api.client("POST", "/oms/commands", cancel, key=key)).status == 200
    assert (await order(api, key, qty="0.009")).status == 200
    assert (await order(api, key, qty="0.003")).status == 409
    close = await order(api, key, side="sell", qty="0.019", reduce_only=True)
    assert close.status == 200, close.body


async def test_day_limit_survives_a_worker_change(api: AdminClient) -> None:
    key = await capped(api, max_day_notional="1000")
    assert (await order(api, key, qty="0.018")).status == 200
    api.gateway.worker.processor.execute.place.notional_limits._day_totals.clear()  # type: ignore[union-attr]
    above = await order(api, key, qty="0.01")
    assert (above.status, above.detail["reason"]) == (409, "key_day_notional")


async def test_concurrent_orders_stay_below_the_limit(api: AdminClient) -> None:
    key = await capped(api, max_day_notional="1000")
    body = [api.gateway.command(qty="0.003") for _ in range(10)]
    answer = await api.client("POST", "/oms/commands?parallel=true", body, key=key)
    assert answer.status == 207
    assert [row["ok"] for row in answer.json()["results"]] == [True] * 6 + [False] * 4
