"""What commands on positions may not do: cross strategies, or set levels that act at once."""

from typing import Any

import pytest

from kit.gateway.in_process import TRADER, InProcessGateway, now
from kit.http.asgi_client import AsgiResponse
from oms.ports.audit_log import AuditContext

KEY = "oms_a-trader-of-positions"
PERPETUAL = "BTC/USDT:USDT"


async def _account(gateway: InProcessGateway, mode: str) -> int:
    """Create an account with manual prices, at 100."""
    gateway.account_id = await gateway.add_account(mode, '{"oms":{"paper":{"source":"manual"}}}')
    await gateway.add_key("positions", KEY, grants={gateway.account_id: TRADER})
    body = {"account_id": gateway.account_id, "symbol": PERPETUAL, "price": "100"}
    assert (await gateway.client("POST", "/paper/price", body, key=KEY)).status == 200
    return gateway.account_id


async def _strategies(gateway: InProcessGateway, account_id: int) -> list[int]:
    strategies = gateway.api_context.administer.strategies
    context = AuditContext(actor="test", at=now())
    return [await strategies.create(name, None, [account_id], context) for name in ("s1", "s2")]


async def _post(
    gateway: InProcessGateway, account_id: int, command: str, **payload: Any
) -> AsgiResponse:
    body = {"account_id": account_id, "command": command, "payload": payload}
    return await gateway.client("POST", "/oms/commands?wait_ms=8000", body, key=KEY)


async def _send(gateway: InProcessGateway, account_id: int, side: str, **more: Any) -> int:
    """Return the position of a market order of 4."""
    order = {"symbol": PERPETUAL, "side": side, "order_type": "market", "qty": "4"}
    answer = await _post(gateway, account_id, "send_order", **(order | more))
    assert answer.status == 200, answer.body
    position_id: int = answer.json()["results"][0]["order"]["position_id"]
    return position_id


def _refusal(answer: AsgiResponse) -> tuple[int, str, str | None]:
    return answer.status, answer.detail["code"], answer.detail.get("reason")


async def test_strategy_netting_keeps_strategies_apart(busy: InProcessGateway) -> None:
    account = await _account(busy, "strategy_netting")
    one, two = await _strategies(busy, account)
    first = await _send(busy, account, "buy", strategy_id=one)
    second = await _send(busy, account, "buy", strategy_id=two)

    order = {"symbol": PERPETUAL, "side": "sell", "order_type": "market", "qty": "1"}
    named = order | {"strategy_id": two, "position_id": first}
    answer = await _post(busy, account, "send_order", **named)
    assert _refusal(answer) == (422, "invalid_position_id", "other_strategy")

    both = {"source_position_id": first, "target_position_id": second}
    answer = await _post(busy, account, "merge_positions", **both)
    assert _refusal(answer) == (422, "invalid_position_id", "other_strategy")

    answer = await _post(busy, account, "send_order", **(named | {"strategy_id": one}))
    assert answer.status == 200, answer.body


@pytest.mark.parametrize(
    ("side", "levels"),
    [
        ("buy", {"stop_loss": "100"}),
        ("buy", {"stop_gain": "99"}),
        ("buy", {"stop_loss": "95", "stop_gain": "90"}),
        ("sell", {"stop_loss": "99"}),
        ("sell", {"stop_gain": "101"}),
    ],
)
async def test_stop_level_that_would_act_at_once_is_refused(
    busy: InProcessGateway, side: str, levels: dict[str, str]
) -> None:
    account = await _account(busy, "hedge")
    position = await _send(busy, account, side)
    answer = await _post(busy, account, "position_change", position_id=position, **levels)
    assert _refusal(answer) == (422, "validation_error", "invalid_stops")

    valid = {"stop_loss": "90", "stop_gain": "110"}
    if side == "sell":
        valid = {"stop_loss": "110", "stop_gain": "90"}
    answer = await _post(busy, account, "position_change", position_id=position, **valid)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize(
    ("side", "sent", "kept"),
    [
        ("buy", {"stop_loss": "90.123", "stop_gain": "110.123"}, ("90.2", "110.1")),
        ("sell", {"stop_loss": "110.123", "stop_gain": "90.123"}, ("110.1", "90.2")),
    ],
)
async def test_stop_level_off_the_tick_is_moved_to_the_tick_that_fires_earlier(
    busy: InProcessGateway, side: str, sent: dict[str, str], kept: tuple[str, str]
) -> None:
    account = await _account(busy, "hedge")
    first = await _send(busy, account, side)
    second = await _send(busy, account, side, new_position=True)
    answer = await _post(busy, account, "position_change", position_id=first, **sent)
    assert answer.status == 200, answer.body
    assert await _levels(busy, account, first) == kept

    merge = {"source_position_id": first, "target_position_id": second, "stop_mode": "set"}
    answer = await _post(busy, account, "merge_positions", **merge, **sent)
    assert answer.status == 200, answer.body
    assert await _levels(busy, account, second) == kept


async def _levels(gateway: InProcessGateway, account_id: int, position_id: int) -> tuple[str, str]:
    """Return stop loss and stop gain of an open position."""
    page = await gateway.client.get(f"/oms/positions/open?account_ids={account_id}", key=KEY)
    (row,) = [row for row in page["items"] if row["id"] == position_id]
    return row["stop_loss"], row["stop_gain"]


async def test_reduced_order_reports_the_requested_quantity(busy: InProcessGateway) -> None:
    account = await _account(busy, "hedge")
    await _send(busy, account, "buy")
    order = {"symbol": PERPETUAL, "side": "sell", "order_type": "market", "qty": "9"}
    answer = await _post(busy, account, "send_order", **(order | {"reduce_only": True}))
    assert answer.status == 200, answer.body
    (result,) = answer.json()["results"]

    page = await busy.client.get(f"/oms/events?account_ids={account}", key=KEY)
    (event,) = [row for row in page["items"] if row["event"] == "order_reduced"]
    facts = {name: event["payload"][name] for name in ("order_id", "requested_qty", "order_qty")}
    assert facts == {"order_id": result["order_id"], "requested_qty": "9", "order_qty": "4"}
