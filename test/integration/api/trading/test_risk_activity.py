"""Limits on the rate of orders: counted from stored rows, so also after a restart."""

from kit.gateway.in_process import InProcessGateway
from kit.gateway.limited_account import (
    BTC,
    ETH,
    KEY,
    open_limited,
    reason_of,
    send,
    set_limits,
)


async def _restart(gateway: InProcessGateway) -> None:
    await gateway.stop_worker()
    gateway.start_worker()


async def test_orders_of_a_minute_are_counted_across_a_restart(busy: InProcessGateway) -> None:
    gateway = await open_limited(busy, "netting")
    assert reason_of(await send(gateway)) is None
    await set_limits(gateway, max_orders_per_minute=3)
    assert reason_of(await send(gateway)) is None
    assert reason_of(await send(gateway, symbol=ETH)) is None
    refused = await send(gateway)
    assert reason_of(refused) == "max_orders_per_minute"
    assert (refused["error"]["limit"], refused["error"]["value"]) == ("3", "4")
    await _restart(gateway)
    assert reason_of(await send(gateway)) == "max_orders_per_minute"
    usage = await gateway.client.get(f"/risk/usage?account_id={gateway.account_id}", key=KEY)
    (row,) = usage["items"]
    assert (row["current"], row["headroom"]) == ("3", "0")
    exit_order = {"side": "sell", "reduce_only": True}
    assert reason_of(await send(gateway, **exit_order)) is None, "exits pass and do not count"
    await set_limits(gateway, max_orders_per_minute=4)
    assert reason_of(await send(gateway)) is None, "refused orders do not count"


async def test_a_batch_is_counted_order_by_order(busy: InProcessGateway) -> None:
    gateway = await open_limited(busy, "netting")
    await set_limits(gateway, max_orders_per_minute=2)
    payload = {"symbol": BTC, "side": "buy", "order_type": "market", "qty": "1"}
    item = {"account_id": gateway.account_id, "command": "send_order", "payload": payload}
    body = (await gateway.client("POST", "/oms/commands?wait_ms=8000", [item] * 4, key=KEY)).json()
    results = (body.get("detail") or body)["results"]
    assert [row["ok"] for row in results] == [True, True, False, False]


async def test_nothing_is_opened_after_losses_across_a_restart(busy: InProcessGateway) -> None:
    gateway = await open_limited(busy, "netting")
    await set_limits(gateway, cooldown_seconds_after_losses=600, losses_in_a_row=2)
    for price in ("99", "98"):
        assert reason_of(await send(gateway, qty="2")) is None
        await gateway.set_price(BTC, price, key=KEY)
        assert reason_of(await send(gateway, side="sell", qty="2")) is None
    assert reason_of(await send(gateway, qty="2")) == "cooldown_seconds_after_losses"
    await _restart(gateway)
    assert reason_of(await send(gateway, symbol=ETH)) == "cooldown_seconds_after_losses"
    await set_limits(gateway, losses_in_a_row=3)
    assert reason_of(await send(gateway, qty="2")) is None


async def test_a_market_order_that_slips_too_far_is_refused(busy: InProcessGateway) -> None:
    gateway = await open_limited(busy, "netting")
    await set_limits(gateway, max_slippage_bps=50)
    body = {"account_id": gateway.account_id, "symbol": BTC, "bid": "99", "ask": "101"}
    assert (await gateway.client("POST", "/paper/price", body, key=KEY)).status == 200
    refused = await send(gateway)
    assert reason_of(refused) == "max_slippage_bps"
    assert (refused["error"]["limit"], refused["error"]["value"]) == ("50", "100")
    assert reason_of(await send(gateway, order_type="limit", price="100")) is None
