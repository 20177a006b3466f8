"""Limits on the ccxt routes, their usage, the verdict before an order, and events of refusals."""

from typing import Any

import pytest

from kit.gateway.in_process import TRADER, InProcessGateway
from kit.gateway.limited_account import (
    BTC,
    ETH,
    KEY,
    open_limited,
    reason_of,
    reason_of_call,
    send,
    set_limits,
)
from oms.domain.value import evolve

STRICT = "oms_a-trader-of-one-strategy"


@pytest.fixture
async def limited(busy: InProcessGateway) -> InProcessGateway:
    """A gateway with a netting account at a price of 100, and a key of role risk."""
    return await open_limited(busy, "netting")


async def test_trades_of_the_ccxt_route_are_checked_alike(limited: InProcessGateway) -> None:
    await set_limits(
        limited, max_order_notional="500", max_open_orders_per_symbol=2, max_open_positions=1
    )
    assert (
        await reason_of_call(limited, "create_order", BTC, "market", "buy", 6)
        == "max_order_notional"
    )
    by_cost = "create_market_buy_order_with_cost"
    assert await reason_of_call(limited, by_cost, BTC, 600) == "max_order_notional"
    trigger = {"stopPrice": 200}
    assert (
        await reason_of_call(limited, "create_order", BTC, "market", "buy", 3, None, trigger)
        == "max_order_notional"
    )
    leg = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 2, "price": 95}
    assert await reason_of_call(limited, "create_orders", [leg, leg, leg]) == "max_open_orders"
    other = {"symbol": ETH, "type": "limit", "side": "buy", "amount": 2, "price": 95}
    assert await reason_of_call(limited, "create_orders", [leg, other]) == "max_total_open_reached"
    assert await reason_of_call(limited, "create_orders", [leg, leg]) is None
    orders = await limited.client.get(f"/oms/orders/open?account_ids={limited.account_id}", key=KEY)
    number = orders["items"][0]["exchange_order_id"]
    assert (
        await reason_of_call(limited, "edit_order", number, BTC, "limit", "buy", 9, 95)
        == "max_order_notional"
    )
    assert await reason_of_call(limited, "edit_order", number, BTC, "limit", "buy", 3, 95) is None


async def test_what_reduces_passes_on_the_ccxt_route(limited: InProcessGateway) -> None:
    assert await reason_of_call(limited, "create_order", BTC, "market", "buy", 6) is None
    await set_limits(limited, max_order_notional="100", allow_new_positions=False)
    assert await reason_of_call(limited, "create_order", BTC, "market", "buy", 1) == (
        "new_positions_disabled"
    )
    reduce = {"reduceOnly": True}
    assert (
        await reason_of_call(limited, "create_order", BTC, "market", "sell", 2, None, reduce)
        is None
    )
    await set_limits(limited, allow_new_positions=None)
    assert await reason_of_call(limited, "create_order", BTC, "market", "sell", 4) is None


async def test_orders_of_one_ccxt_call_do_not_close_the_same_position_twice(
    limited: InProcessGateway,
) -> None:
    assert await reason_of_call(limited, "create_order", BTC, "market", "buy", 4) is None
    await set_limits(limited, max_order_notional="100")
    leg = {"symbol": BTC, "type": "limit", "side": "sell", "amount": 3, "price": 110}
    assert await reason_of_call(limited, "create_orders", [leg, leg]) == "max_order_notional"
    assert await reason_of_call(limited, "create_orders", [leg, leg | {"amount": 1}]) is None


async def test_the_price_of_a_ccxt_market_order_does_not_value_it(
    limited: InProcessGateway,
) -> None:
    await set_limits(limited, max_order_notional="500")
    assert await reason_of_call(limited, "create_order", BTC, "market", "buy", 6, 1) == (
        "max_order_notional"
    )
    cost = {"cost": 600}
    assert await reason_of_call(limited, "create_order", BTC, "market", "buy", 1, 1000, cost) == (
        "max_order_notional"
    )
    assert await reason_of_call(limited, "create_order", BTC, "market", "buy", 5, 1) is None


async def test_a_flip_counts_the_whole_position_that_it_opens(limited: InProcessGateway) -> None:
    await set_limits(limited, max_position_notional="400")
    assert reason_of(await send(limited, qty="4")) is None
    result = await send(limited, side="sell", qty="10")
    assert (result["order"]["qty"], result["order"]["reduce_only"]) == ("4", True)
    assert reason_of(await send(limited, qty="4")) is None
    assert (await send(limited, side="sell", qty="8"))["order"]["qty"] == "8"


async def test_usage_shows_what_is_left_of_each_limit(limited: InProcessGateway) -> None:
    await set_limits(
        limited, max_open_positions=3, max_total_exposure="1000", max_order_notional="500"
    )
    await set_limits(limited, "global", max_position_notional="400")
    assert reason_of(await send(limited, qty="2")) is None
    assert (
        reason_of(await send(limited, symbol=ETH, order_type="limit", price="90", qty="3")) is None
    )
    path = f"/risk/usage?account_id={limited.account_id}"
    body = await limited.client.get(path, key=KEY)
    used = {
        row["key"]: (row["limit"], row["scope"], row["current"], row["headroom"], row["symbol"])
        for row in body["items"]
    }
    assert used == {
        "max_open_positions": ("3", "account", "2", "1", None),
        "max_order_notional": ("500", "account", None, None, None),
        "max_position_notional": ("400", "global", "300", "100", ETH),
        "max_total_exposure": ("1000", "account", "500", "500", None),
    }


async def test_a_check_has_the_verdict_of_the_order(limited: InProcessGateway) -> None:
    await set_limits(limited, max_order_notional="500")
    order = {"symbol": BTC, "side": "buy", "order_type": "market"}

    async def check(**more: Any) -> Any:
        body = {"account_id": limited.account_id, "order": order | more}
        answer = await limited.client("POST", "/risk/check", body, key=KEY)
        assert answer.status == 200, answer.body
        return answer.json()

    passed = await check(qty="2.00049")
    assert (passed["status"], passed["qty"], passed["refusal"]) == ("passed", "2", None)
    blocked = await check(qty="6")
    assert (blocked["status"], blocked["refusal"]["reason"]) == ("blocked", "max_order_notional")
    assert (blocked["refusal"]["limit"], blocked["refusal"]["value"]) == ("500", "600")
    assert reason_of(await send(limited, qty="2")) is None
    trimmed = await check(side="sell", qty="8")
    assert (trimmed["status"], trimmed["qty"], trimmed["reduce_only"]) == ("trimmed", "2", True)
    assert trimmed["refusal"]["reason"] == "max_order_notional"
    orders = await limited.client.get(f"/oms/orders/open?account_ids={limited.account_id}", key=KEY)
    assert orders["items"] == []
    body = {"account_id": limited.account_id, "order": order}
    answer = await limited.client("POST", "/risk/check", body, key=KEY)
    assert (answer.status, answer.detail["code"]) == (422, "validation_error")


async def test_a_check_refuses_levels_as_the_order_does(limited: InProcessGateway) -> None:
    order = {"symbol": BTC, "side": "buy", "order_type": "market", "qty": "1", "stop_loss": "101"}
    body = {"account_id": limited.account_id, "order": order}
    answer = await limited.client("POST", "/risk/check", body, key=KEY)
    verdict = answer.json()
    assert (verdict["status"], verdict["refusal"]["reason"]) == ("blocked", "invalid_stops")


async def test_a_check_needs_the_strategy_and_the_position_of_its_order(
    limited: InProcessGateway,
) -> None:
    position_id = (await send(limited, qty="1"))["order"]["position_id"]
    strict = evolve(TRADER, restrict_to_strategies=True, strategy_ids=frozenset({1}))
    key = await limited.add_key("strict", STRICT, grants={limited.account_id: strict})
    order = {"symbol": BTC, "side": "buy", "order_type": "market", "qty": "1"}
    for more in ({}, {"strategy_id": 2}, {"strategy_id": 1, "position_id": position_id}):
        body = {"account_id": limited.account_id, "order": order | more}
        answer = await limited.client("POST", "/risk/check", body, key=key)
        assert (answer.status, answer.detail["code"]) == (403, "strategy_permission_denied"), more
    body = {"account_id": limited.account_id, "order": order | {"strategy_id": 1}}
    assert (await limited.client("POST", "/risk/check", body, key=key)).status == 200


async def test_refused_and_cut_orders_are_reported(limited: InProcessGateway) -> None:
    assert reason_of(await send(limited, qty="2")) is None
    await set_limits(limited, max_order_notional="100")
    blocked = await send(limited, qty="3")
    trimmed = await send(limited, side="sell", qty="5")
    page = await limited.client.get(f"/oms/events?account_ids={limited.account_id}", key=KEY)
    found = {row["event"]: row["payload"] for row in page["items"] if row["namespace"] == "risk"}
    event = found["order_risk_blocked"]
    assert (event["order_id"], event["reason"]) == (blocked["order_id"], "max_order_notional")
    assert (event["limit"], event["value"], event["set_by"]) == ("100", "300", "account")
    event = found["order_risk_trimmed"]
    assert (event["order_id"], event["reason"]) == (trimmed["order_id"], "max_order_notional")
    assert (event["requested_qty"], event["qty"]) == ("5", "2")
