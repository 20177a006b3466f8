"""An order that is sent twice by mistake is refused, also after a restart."""

from typing import Any

from kit.gateway.in_process import TRADER, InProcessGateway
from kit.gateway.limited_account import BTC, ETH, KEY, open_limited, reason_of, send, set_limits

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
