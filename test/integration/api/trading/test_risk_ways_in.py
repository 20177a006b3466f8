"""Every key of a risk policy × every way in: what opens is refused alike, what reduces passes."""

from typing import Any

import pytest

from kit.gateway.in_process import InProcessGateway
from kit.gateway.limited_account import (
    BTC,
    ETH,
    KEY,
    open_limited,
    post_command,
    send,
    set_limits,
)
from oms.domain.risk.policy_keys import KEYS
from oms.services.performance.account_equity import ReadAccountEquity

#: A value of each key that refuses the entry below.
REFUSING: dict[str, Any] = {
    "allow_new_positions": False,
    "allowed_symbols": [ETH],
    "max_orders_per_minute": 1,
    "cooldown_seconds_after_losses": 600,
    "price_collar_pct": "1",
    "max_open_positions": 1,
    "max_open_positions_per_symbol": 1,
    "max_open_orders_per_symbol": 1,
    "max_order_qty.crypto": "0.5",
    "min_order_notional": "1000000",
    "max_order_notional": "1",
    "max_position_notional": "1",
    "max_capital_per_position_pct": "0.0001",
    "max_total_exposure": "1",
    "max_leverage": "0.000001",
    "daily_loss_limit": "0.5",
    "daily_loss_limit_pct": "0.000001",
    "max_total_drawdown_pct": "0.000001",
}
#: Keys that refuse nothing themselves, market orders only, orders that were sent before, or stocks.
SILENT = {
    *("risk_day_zone", "auto_reject_rate_per_minute", "losses_in_a_row", "max_slippage_bps"),
    *("duplicate_order_window_seconds", "max_order_qty.stock"),
}
#: Changes are no new orders.
NO_NEW_ORDER = ("change", "ccxt_edit")
ENTRY = {"order_type": "limit", "price": "102", "qty": "2"}
LEG = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 2, "price": 102}


async def _command(gateway: InProcessGateway, _order_id: int) -> Any:
    return (await send(gateway, **ENTRY))["error"]


async def _batch(gateway: InProcessGateway, _order_id: int) -> Any:
    payload = {"symbol": BTC, "side": "buy", **ENTRY}
    item = {"account_id": gateway.account_id, "command": "send_order", "payload": payload}
    answer = await gateway.client("POST", "/oms/commands?wait_ms=8000", [item, item], key=KEY)
    body = answer.json()
    first, second = [row["error"] for row in (body.get("detail") or body)["results"]]
    assert first["reason"] == second["reason"]
    return first


async def _call(gateway: InProcessGateway, func: str, *args: Any) -> Any:
    path = f"/ccxt/{gateway.account_id}/{func}"
    return (await gateway.client("POST", path, {"args": list(args)}, key=KEY)).detail


async def _ccxt(gateway: InProcessGateway, _order_id: int) -> Any:
    return await _call(gateway, "create_order", BTC, "limit", "buy", 2, 102)


async def _ccxt_orders(gateway: InProcessGateway, _order_id: int) -> Any:
    return await _call(gateway, "create_orders", [LEG, LEG])


async def _ccxt_edit(gateway: InProcessGateway, order_id: int) -> Any:
    rows = await gateway.client.get(f"/oms/orders/{order_id}", key=KEY)
    number = rows["items"][0]["exchange_order_id"]
    return await _call(gateway, "edit_order", number, BTC, "limit", "buy", 3, 102)


async def _change(gateway: InProcessGateway, order_id: int) -> Any:
    change = {"order_id": order_id, "new_qty": "3", "new_price": "102"}
    return (await post_command(gateway, "change_order", **change))["error"]


async def _check(gateway: InProcessGateway, _order_id: int) -> Any:
    order = {"symbol": BTC, "side": "buy", **ENTRY}
    body = {"account_id": gateway.account_id, "order": order}
    return (await gateway.client("POST", "/risk/check", body, key=KEY)).json()["refusal"]


WAYS = {
    "command": _command,
    "batch": _batch,
    "ccxt": _ccxt,
    "ccxt_orders": _ccxt_orders,
    "ccxt_edit": _ccxt_edit,
    "change": _change,
    "check": _check,
}


def test_the_table_has_every_key() -> None:
    assert REFUSING.keys() | SILENT == KEYS.keys()


@pytest.mark.parametrize("way", WAYS)
async def test_every_key_refuses_what_opens_and_lets_exits_pass(
    busy: InProcessGateway, way: str
) -> None:
    gateway = await open_limited(busy, "hedge")
    resting = {"order_type": "limit", "price": "90", "qty": "2", "new_position": True}
    assert (await send(gateway, side="sell", qty="20"))["ok"]
    assert (await send(gateway, symbol=ETH, qty="2"))["ok"]
    order_ids = [(await send(gateway, **resting))["order_id"] for _ in range(2)]
    scheduler = gateway.worker.equity_scheduler
    assert scheduler is not None
    await scheduler.take([gateway.worker.processor.keeper.held[gateway.account_id]])
    await gateway.set_price(ETH, "99", key=KEY)
    (short,) = await _positions(gateway, BTC)
    refusals = {}
    assert (await send(gateway, symbol=ETH, new_position=True))["ok"]
    await gateway.set_price(ETH, "98", key=KEY)
    lost = max((await _positions(gateway, ETH)), key=lambda row: int(row["id"]))
    assert (await post_command(gateway, "close_position", position_id=lost["id"]))["ok"]
    limits = dict(REFUSING)
    if way in NO_NEW_ORDER:
        del limits["max_orders_per_minute"]
    for key, setting in limits.items():
        reader = gateway.worker.processor.read_equity
        assert isinstance(reader, ReadAccountEquity)
        reader.forget()
        await set_limits(gateway, **{key: setting})
        refused = await WAYS[way](gateway, order_ids[0])
        assert refused is not None, key
        refusals[key] = refused["reason"]
        closing = await post_command(gateway, "close_position", position_id=short["id"], qty="1")
        assert closing["ok"], (key, closing)
        await set_limits(gateway, **{key: None})
    assert refusals == {key: KEYS[key].reason for key in limits}


async def _positions(gateway: InProcessGateway, symbol: str) -> Any:
    path = f"/oms/positions/open?account_ids={gateway.account_id}"
    items = (await gateway.client.get(path, key=KEY))["items"]
    return [row for row in items if row["symbol"] == symbol]
