"""Orders that would trade more than was judged: by raw parameters, changes in flight, or later."""

from typing import Any

import pytest

from kit.exchanges.deferred_exchange import deferred_exchange
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from kit.gateway.limited_account import (
    BTC,
    KEY,
    open_limited,
    reason_of,
    reason_of_call,
    send,
    set_limits,
)


@pytest.fixture
async def limited(busy: InProcessGateway) -> InProcessGateway:
    """A gateway with a netting account at a price of 100, and a key of role risk."""
    return await open_limited(busy, "netting")


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (("limit", "buy", 1, 90, {"quantity": 900}), "risk_error"),
        (("limit", "buy", 1, 90, {"price": 900}), "risk_error"),
        (("limit", "sell", 6, 1, {"priceMatch": "OPPONENT"}), "risk_error"),
        (("market", "buy", 1, None, {"createMarketBuyOrderRequiresPrice": False}), "risk_error"),
        (("optimal_limit_ioc", "buy", 6, 1), "risk_error"),
        (("market", "buy", 3, None, {"trigger_price": 200}), "max_order_notional"),
        (("market", "sell", 6, None, {"takeProfitPrice": 1}), "max_order_notional"),
        (("stop_loss", "buy", 6, 1, {"stopLossPrice": 101}), "max_order_notional"),
        (("limit", "buy", 2, 90, {"timeInForce": "GTC", "positionIdx": 0}), None),
    ],
)
async def test_a_ccxt_order_is_judged_as_it_is_sent(
    limited: InProcessGateway, order: tuple[Any, ...], reason: str | None
) -> None:
    await set_limits(limited, max_order_notional="500")
    assert await reason_of_call(limited, "create_order", BTC, *order) == reason


async def test_a_ccxt_change_is_judged_as_it_is_sent(limited: InProcessGateway) -> None:
    assert await reason_of_call(limited, "create_order", BTC, "limit", "buy", 2, 90) is None
    await set_limits(limited, max_order_notional="500")
    orders = await limited.client.get(f"/oms/orders/open?account_ids={limited.account_id}", key=KEY)
    number = orders["items"][0]["exchange_order_id"]
    change = (number, BTC, "limit", "buy", 3, 90)
    assert await reason_of_call(limited, "edit_order", *change, {"quantity": 900}) == "risk_error"
    assert (
        await reason_of_call(limited, "edit_order", *change, {"triggerPrice": 900}) == "risk_error"
    )
    assert await reason_of_call(limited, "edit_order", *change) is None


async def test_a_reduce_only_call_with_a_leg_does_not_count_as_reducing(
    limited: InProcessGateway,
) -> None:
    assert await reason_of_call(limited, "create_order", BTC, "market", "buy", 2) is None
    await set_limits(limited, allow_new_positions=False)
    order = (BTC, "market", "sell", 1, None)
    opens = {"reduceOnly": True, "hedged": True, "positionSide": "SHORT"}
    assert await reason_of_call(limited, "create_order", *order, opens) == "new_positions_disabled"
    closes = {"holdSide": "short", "amount": 1}
    assert (
        await reason_of_call(limited, "close_position", BTC, "long", closes)
        == "new_positions_disabled"
    )
    assert await reason_of_call(limited, "create_order", *order, {"reduceOnly": True}) is None


async def test_resting_reduce_only_orders_leave_nothing_to_a_flip(
    limited: InProcessGateway,
) -> None:
    assert reason_of(await send(limited, qty="1")) is None
    exit_order = {"side": "sell", "qty": "1", "reduce_only": True}
    for terms in (
        {"order_type": "limit", "price": "110"},
        {"order_type": "stop_market", "trigger_price": "90"},
    ):
        assert reason_of(await send(limited, **exit_order, **terms)) is None
    for limits in ({"max_order_notional": "50"}, {"allow_new_positions": False}):
        await set_limits(limited, **limits)
        assert reason_of(await send(limited, side="sell", qty="2")) is not None
        await set_limits(limited, max_order_notional=None)
    assert reason_of(await send(limited, **exit_order)) is None


async def test_a_reduce_only_order_is_cut_to_the_position(limited: InProcessGateway) -> None:
    assert reason_of(await send(limited, qty="1")) is None
    await set_limits(limited, allow_new_positions=False)
    order = (await send(limited, side="sell", qty="3", reduce_only=True))["order"]
    assert (order["qty"], order["requested_qty"], order["status"]) == ("1", "3", "FILLED")


async def test_a_change_on_its_way_is_reserved(slow: InProcessGateway) -> None:
    account_id = slow.account_id
    limit = {"order_type": "limit", "price": "50000", "qty": "0.01"}
    (row,) = (await slow.order("?wait_ms=5000", **limit)).json()["results"]
    body = {"scope": "account", "scope_id": account_id, "comment": "first week"}
    body["keys"] = {"max_total_exposure": "1900"}
    answer = await slow.client("PUT", "/risk/policy", body, key=ADMIN_KEY)
    assert answer.status == 200, answer.body
    deferred_exchange(slow).is_held = True
    change = {"order_id": row["order_id"], "new_qty": "0.03"}
    body = {"account_id": account_id, "command": "change_order", "payload": change}
    answer = await slow.client("POST", "/oms/commands?wait_ms=200", body)
    assert answer.json()["results"][0]["status"] == "running"
    await _refuse_more(slow, limit)
    await slow.stop_worker()
    slow.start_worker()  # the size of the change is stored with the order
    await _refuse_more(slow, limit)


async def _refuse_more(gateway: InProcessGateway, order: dict[str, Any]) -> None:
    """Check that a second order is refused: with the change, both are worth 2000."""
    (refused,) = (await gateway.order("?wait_ms=5000", **order)).json()["detail"]["results"]
    assert (refused["error"]["reason"], refused["error"]["value"]) == (
        "max_total_exposure",
        "2000",
    )


async def test_an_exempt_order_never_opens_later(limited: InProcessGateway) -> None:
    assert reason_of(await send(limited, qty="2")) is None
    exit_order = {"side": "sell", "qty": "2", "order_type": "limit", "price": "110"}
    await set_limits(limited, max_order_notional="500")
    free = (await send(limited, **exit_order))["order"]
    assert not free["reduce_only"]  # it might open as much
    await limited.client(
        "POST",
        "/oms/commands?wait_ms=8000",
        {
            "account_id": limited.account_id,
            "command": "cancel_order",
            "payload": {"order_id": free["id"]},
        },
        key=KEY,
    )
    await set_limits(limited, max_order_notional="100")
    exempt = (await send(limited, **exit_order))["order"]
    assert (exempt["qty"], exempt["reduce_only"]) == ("2", True)
    assert reason_of(await send(limited, side="sell", qty="2", reduce_only=True)) is None
    await limited.set_price(BTC, "111", key=KEY)
    path = f"/oms/positions/open?account_ids={limited.account_id}"
    assert (await limited.client.get(path, key=KEY))["items"] == []
