"""Previews of commands: costs, limits and positions after them; nothing is sent."""

from typing import Any

import pytest

from kit.gateway.in_process import TRADER, InProcessGateway
from kit.gateway.limited_account import (
    BTC,
    ETH,
    KEY,
    open_limited,
    post_command,
    post_previews,
    preview_of,
    send,
    set_limits,
)
from oms.domain.value import evolve

STRICT = "oms_a-trader-of-one-strategy"
BUY = {"symbol": BTC, "side": "buy", "order_type": "market"}


@pytest.fixture
async def limited(busy: InProcessGateway) -> InProcessGateway:
    """A gateway with a netting account at a price of 100, and a key of role risk."""
    return await open_limited(busy, "netting")


async def _rows(gateway: InProcessGateway) -> list[Any]:
    """Return orders, positions and events of the account."""
    query = f"account_ids={gateway.account_id}"
    paths = (f"/oms/orders/open?{query}", f"/oms/positions/open?{query}", f"/oms/events?{query}")
    return [(await gateway.client.get(path, key=KEY))["items"] for path in paths]


async def test_a_preview_shows_costs_limits_and_positions(limited: InProcessGateway) -> None:
    await set_limits(limited, max_order_notional="500")
    assert (await send(limited, qty="1"))["ok"]
    await limited.set_price(BTC, "110", key=KEY)
    before = await _rows(limited)
    preview = await preview_of(limited, "send_order", **BUY, qty="3.00049")
    assert await _rows(limited) == before
    position_id = before[1][0]["id"]
    assert (preview["status"], preview["order"]["qty"], preview["qty"]) == ("passed", "3", "3")
    assert (preview["valuation_price"], preview["quote"]["ask"]) == ("110", "110")
    assert preview["quote"]["age_ms"] >= 0
    costs = [preview[name] for name in ("notional", "currency", "fee", "margin")]
    assert costs == ["330", "USDT", "0.165", "33"]
    assert preview["positions"] == [
        {
            "position_id": position_id,
            "strategy_id": 0,
            "side": "buy",
            "qty": "4",
            "avg_price": "107.5",
            "closed_qty": "0",
        }
    ]
    (limit,) = preview["limits"]
    assert (limit["limit"], limit["value"], limit["headroom"]) == ("500", "330", "170")
    assert (limit["passed"], limit["set_by"]) == (True, "watch")
    assert preview["as_of_seq"] == max(event["seq"] for event in before[2])
    assert (await send(limited, qty="3"))["ok"]
    (position,) = (await _rows(limited))[1]
    assert (position["id"], position["qty"], position["avg_price"]) == (position_id, "4", "107.5")


async def test_a_preview_shows_what_an_order_closes_and_opens(limited: InProcessGateway) -> None:
    assert (await send(limited, qty="2"))["ok"]
    (held,) = (await _rows(limited))[1]
    preview = await preview_of(limited, "send_order", **(BUY | {"side": "sell"}), qty="5")
    rows = [(r["position_id"], r["side"], r["qty"], r["closed_qty"]) for r in preview["positions"]]
    assert rows == [(held["id"], "buy", "0", "2"), (None, "sell", "3", "0")]
    assert preview["margin"] == "30"
    closing = await preview_of(limited, "close_position", position_id=held["id"], qty_pct="50")
    assert (closing["qty"], closing["reduce_only"], closing["margin"]) == ("1", True, "0")
    assert [(r["qty"], r["closed_qty"]) for r in closing["positions"]] == [("1", "1")]


async def test_a_preview_of_a_refused_order_changes_no_position(limited: InProcessGateway) -> None:
    await set_limits(limited, max_order_notional="500", min_order_notional="50")
    preview = await preview_of(limited, "send_order", **BUY, qty="6")
    assert (preview["status"], preview["qty"], preview["positions"]) == ("blocked", None, [])
    assert (preview["refusal"]["reason"], preview["notional"]) == ("max_order_notional", "600")
    headroom = {row["key"]: row["headroom"] for row in preview["limits"]}
    assert headroom == {"max_order_notional": "-100", "min_order_notional": "550"}
    unknown = await preview_of(limited, "send_order", **(BUY | {"symbol": "NO/SUCH"}), qty="1")
    assert unknown["refusal"]["code"] == "instrument_not_supported"
    assert (unknown["notional"], unknown["quote"]) == (None, None)


async def test_a_change_and_its_preview_have_one_verdict(limited: InProcessGateway) -> None:
    await set_limits(limited, max_order_notional="500")
    order_id = (await send(limited, order_type="limit", price="90", qty="2"))["order_id"]
    for new_qty, reason in (("3.00049", None), ("6", "max_order_notional")):
        change = {"order_id": order_id, "new_qty": new_qty, "new_price": "91.004"}
        preview = await preview_of(limited, "change_order", **change)
        result = await post_command(limited, "change_order", **change)
        refusal = preview["refusal"]
        assert (refusal and refusal["reason"]) == (result["error"] and result["error"]["reason"])
        assert (refusal and refusal["reason"]) == reason
        if reason is None:
            order = (await limited.client.get(f"/oms/orders/{order_id}", key=KEY))["items"][0]
            assert (preview["qty"], preview["price"]) == (order["qty"], order["price"])
    assert (await post_command(limited, "cancel_order", order_id=order_id))["ok"]
    gone = await preview_of(limited, "change_order", order_id=order_id, new_qty="3")
    assert (gone["status"], gone["refusal"]["reason"]) == ("blocked", "order_not_open")


async def test_commands_of_a_batch_are_previewed_each_by_itself(limited: InProcessGateway) -> None:
    await set_limits(limited, max_total_exposure="500")
    item = {"account_id": limited.account_id, "command": "send_order"}
    legs = [item | {"payload": BUY | {"qty": "4"}} for _ in range(2)]
    missing = {"command": "close_position", "payload": {"position_id": 987654}}
    answer = await post_previews(limited, [*legs, missing])
    results = answer.json()["results"]
    assert (answer.status, [row["ok"] for row in results]) == (207, [True, True, False])
    assert [row["preview"]["status"] for row in results[:2]] == ["passed", "passed"]
    assert (results[2]["preview"], results[2]["error"]["code"]) == (None, "position_not_found")
    answer = await post_previews(limited, missing)
    assert (answer.status, answer.detail["code"]) == (404, "position_not_found")


@pytest.mark.parametrize(
    ("command", "payload", "loc"),
    [
        ("send_order", {"symbol": BTC, "side": "buy", "order_type": "market"}, "qty"),
        ("send_order", BUY | {"qty": "x"}, "qty"),
        ("close_position", {}, "position_id"),
        ("cancel_order", {"order_id": 1}, "command"),
        ("change_order", {"order_id": 1, "stop_loss": "90"}, "command"),
        (
            "send_oco",
            {"symbol": BTC, "side": "buy", "qty": "1", "limit_price": "90", "trigger_price": "110"},
            "command",
        ),
        ("no_such_command", {}, "command"),
    ],
)
async def test_bad_previews_are_refused(
    limited: InProcessGateway, command: str, payload: Any, loc: str
) -> None:
    body = {"account_id": limited.account_id, "command": command, "payload": payload}
    answer = await post_previews(limited, body)
    assert (answer.status, answer.detail["code"]) == (422, "validation_error"), answer.body
    assert loc in answer.detail["errors"][0]["loc"]


async def test_a_preview_needs_the_account_and_the_strategy(limited: InProcessGateway) -> None:
    assert (await send(limited, symbol=ETH))["ok"]
    (held,) = (await _rows(limited))[1]
    strict = evolve(TRADER, restrict_to_strategies=True, strategy_ids=frozenset({1}))
    key = await limited.add_key("strict", STRICT, grants={limited.account_id: strict})
    order = {"account_id": limited.account_id, "command": "send_order", "payload": BUY}
    close = {"command": "close_position", "payload": {"position_id": held["id"]}}
    own = order | {"payload": BUY | {"qty": "1", "strategy_id": 1}}
    for body in (order | {"payload": BUY | {"qty": "1"}}, close):
        answer = await post_previews(limited, body, key)
        assert (answer.status, answer.detail["code"]) == (403, "strategy_permission_denied")
    assert (await post_previews(limited, own, key)).status == 200
    other = await limited.add_key("other", "oms_a-trader-of-nothing", grants={})
    answer = await post_previews(limited, own, other)
    assert answer.status in (403, 404), answer.body
