"""An order that is sent twice by mistake is refused, also after a restart."""

from typing import Any

from kit.gateway.in_process import TRADER, InProcessGateway
from kit.gateway.limited_account import (
    BTC,
    ETH,
    KEY,
    open_limited,
    post_command,
    preview_of,
    reason_of,
    send,
    set_limits,
)

OTHER_KEY = "oms_another-trader-of-the-account"


async def _post(gateway: InProcessGateway, *items: dict[str, Any], **more: Any) -> list[Any]:
    order = {"symbol": BTC, "side": "buy", "order_type": "market", "qty": "1"}
    fixed = {"account_id": gateway.account_id, "command": "send_order", "payload": order}
    body = [fixed | item for item in items]
    sender = {"key": KEY} | more
    answer = await gateway.client("POST", "/oms/commands?wait_ms=8000", body, **sender)
    sent = answer.json()
    rows: list[Any] = (sent.get("detail") or sent)["results"]
    return rows


async def test_a_repeat_is_refused_across_a_restart(busy: InProcessGateway) -> None:
    gateway = await open_limited(busy, "netting")
    assert reason_of(await send(gateway)) is None
    await set_limits(gateway, duplicate_order_window_seconds=600)
    refused = await send(gateway, qty="1.0")
    assert reason_of(refused) == "duplicate_order"
    assert refused["error"]["limit"] == "600"
    await gateway.stop_worker()
    gateway.start_worker()
    assert reason_of(await send(gateway)) == "duplicate_order"

    for other in (
        {"qty": "2"},
        {"symbol": ETH},
        {"order_type": "limit", "price": "90", "qty": "2"},
    ):
        assert reason_of(await send(gateway, **other)) is None, other
        assert reason_of(await send(gateway, **other)) == "duplicate_order", other
    assert reason_of(await send(gateway, order_type="limit", price="91", qty="2")) is None
    exit_order = {"side": "sell", "reduce_only": True}
    for _ in range(2):
        assert reason_of(await send(gateway, **exit_order)) is None, "exits pass"


async def test_named_orders_and_other_keys_are_exempt(busy: InProcessGateway) -> None:
    gateway = await open_limited(busy, "netting")
    await gateway.add_key("other", OTHER_KEY, grants={gateway.account_id: TRADER})
    await set_limits(gateway, duplicate_order_window_seconds=600)
    assert reason_of(await send(gateway)) is None
    assert reason_of(await send(gateway, client_order_id="mine-1")) is None
    (named,) = await _post(gateway, {"request_id": "mine-2"})
    (keyed,) = await _post(gateway, {}, headers={"idempotency-key": "mine-3"})
    (other,) = await _post(gateway, {}, key=OTHER_KEY)
    assert [reason_of(row) for row in (named, keyed, other)] == [None] * 3
    (other,) = await _post(gateway, {}, key=OTHER_KEY)
    assert [reason_of(other), reason_of(await send(gateway))] == ["duplicate_order"] * 2


async def test_a_batch_is_compared_order_by_order(busy: InProcessGateway) -> None:
    gateway = await open_limited(busy, "netting")
    await set_limits(gateway, duplicate_order_window_seconds=600)
    rows = await _post(gateway, {}, {"request_id": "named"}, {}, {})
    assert [row["ok"] for row in rows] == [True, True, False, False]


async def test_a_refused_order_is_not_repeated(busy: InProcessGateway) -> None:
    gateway = await open_limited(busy, "netting")
    await set_limits(gateway, duplicate_order_window_seconds=600, max_order_notional=50)
    assert reason_of(await send(gateway)) == "max_order_notional"
    await set_limits(gateway, max_order_notional=None)
    assert reason_of(await send(gateway)) is None


LIMIT = (BTC, "limit", "buy", 2, 90)


async def _call(gateway: InProcessGateway, func: str, *args: Any, **more: Any) -> str | None:
    path = f"/ccxt/{gateway.account_id}/{func}"
    answer = await gateway.client("POST", path, {"args": list(args)}, key=KEY, **more)
    if answer.status == 200:
        return None
    assert answer.detail["code"] == "risk_blocked", answer.body
    reason: str = answer.detail["reason"]
    return reason


async def test_orders_of_ccxt_calls_are_compared(busy: InProcessGateway) -> None:
    gateway = await open_limited(busy, "netting")
    await set_limits(gateway, duplicate_order_window_seconds=600)
    assert await _call(gateway, "create_order", *LIMIT) is None
    assert await _call(gateway, "create_order", *LIMIT) == "duplicate_order"
    assert await _call(gateway, "create_limit_buy_order", BTC, 2, 90) == "duplicate_order"
    same = {"order_type": "limit", "price": "90", "qty": "2"}
    assert reason_of(await send(gateway, **same)) == "duplicate_order", "by a command"
    await gateway.stop_worker()
    gateway.start_worker()
    assert reason_of(await send(gateway, **same)) == "duplicate_order", "after a restart"
    assert await _call(gateway, "create_order", *LIMIT) == "duplicate_order"

    named = {"clientOrderId": "mine-1"}
    assert await _call(gateway, "create_order", *LIMIT, named) is None
    keyed = {"headers": {"idempotency-key": "mine-2"}}
    assert await _call(gateway, "create_order", *LIMIT, **keyed) is None
    assert await _call(gateway, "create_order", BTC, "limit", "buy", 2, 91) is None
    assert await _call(gateway, "create_order", BTC, "market", "sell", 1) is None

    assert reason_of(await send(gateway, symbol=ETH, qty="2")) is None
    assert await _call(gateway, "create_order", ETH, "market", "buy", 2) == "duplicate_order"


async def test_orders_of_one_ccxt_call_are_compared(busy: InProcessGateway) -> None:
    gateway = await open_limited(busy, "netting")
    await set_limits(gateway, duplicate_order_window_seconds=600)
    leg = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 2, "price": 90}
    assert await _call(gateway, "create_orders", [leg, leg]) == "duplicate_order"
    keyed = {"headers": {"idempotency-key": "two-legs"}}
    assert await _call(gateway, "create_orders", [leg, leg], **keyed) is None
    assert await _call(gateway, "create_orders", [leg]) == "duplicate_order"


async def test_a_refused_ccxt_call_is_not_repeated(busy: InProcessGateway) -> None:
    gateway = await open_limited(busy, "netting")
    await set_limits(gateway, duplicate_order_window_seconds=600, max_order_notional=50)
    assert await _call(gateway, "create_order", *LIMIT) == "max_order_notional"
    await set_limits(gateway, max_order_notional=None)
    assert await _call(gateway, "create_order", *LIMIT) is None


async def test_checks_previews_and_pairs_are_compared(busy: InProcessGateway) -> None:
    gateway = await open_limited(busy, "netting")
    await set_limits(gateway, duplicate_order_window_seconds=600)
    assert reason_of(await send(gateway, order_type="limit", price="90", qty="2")) is None
    order = {"symbol": BTC, "side": "buy", "order_type": "limit", "price": "90", "qty": "2"}
    body = {"account_id": gateway.account_id, "order": order}
    checked = (await gateway.client("POST", "/risk/check", body, key=KEY)).json()
    assert checked["refusal"]["reason"] == "duplicate_order"
    assert (await preview_of(gateway, "send_order", **order))["refusal"] == checked["refusal"]
    pair = {"side": "buy", "symbol": BTC, "qty": "2", "reduce_only": False}
    pair |= {"limit_price": "95", "trigger_price": "105"}
    assert reason_of(await post_command(gateway, "send_oco", **pair)) is None
    assert reason_of(await post_command(gateway, "send_oco", **pair)) == "duplicate_order"
