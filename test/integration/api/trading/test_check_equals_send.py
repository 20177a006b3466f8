"""The check of an order and the order have one verdict; a check that fails sends nothing."""

import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from kit.gateway.in_process import InProcessGateway
from kit.gateway.limited_account import (
    BTC,
    ETH,
    KEY,
    open_limited,
    post_command,
    preview_of,
    send,
    set_limits,
)
from oms.domain.risk import limits

LIMITS = {
    "max_order_notional": "900",
    "max_position_notional": "1500",
    "max_total_exposure": "2200",
    "max_open_orders_per_symbol": 3,
    "price_collar_pct": "12",
    "min_order_notional": "150",
}
ORDERS = 500
LIMIT_ROW = ("key", "scope", "scope_id", "limit", "value", "passed")


@pytest.fixture
async def limited(busy: InProcessGateway) -> InProcessGateway:
    """A gateway with a netting account at a price of 100, and a key of role risk."""
    return await open_limited(busy, "netting")


def _random_order(source: random.Random) -> dict[str, Any]:
    order: dict[str, Any] = {
        "symbol": source.choice([BTC, ETH]),
        "side": source.choice(["buy", "sell"]),
        "order_type": source.choice(["market", "market", "limit"]),
        "qty": f"{source.uniform(0.5, 20):.5f}",
    }
    if order["order_type"] == "limit":
        order["price"] = f"{source.uniform(80, 120):.4f}"
    if source.random() < 0.2:
        order["reduce_only"] = True
    return order


async def _check(gateway: InProcessGateway, order: Mapping[str, Any]) -> Any:
    body = {"account_id": gateway.account_id, "order": order}
    answer = await gateway.client("POST", "/risk/check", body, key=KEY)
    assert answer.status == 200, answer.body
    return answer.json()


def _signed(row: Mapping[str, Any]) -> Decimal:
    return Decimal(row["qty"]) * (1 if row["side"] == "buy" else -1)


def _net_of(preview: Mapping[str, Any]) -> Decimal:
    return sum((_signed(row) for row in preview["positions"]), Decimal(0))


async def _net_qty(gateway: InProcessGateway, symbol: str) -> Decimal:
    path = f"/oms/positions/open?account_ids={gateway.account_id}"
    rows = (await gateway.client.get(path, key=KEY))["items"]
    return sum((_signed(row) for row in rows if row["symbol"] == symbol), Decimal(0))


async def test_a_check_and_a_preview_and_the_order_have_the_same_verdict(
    limited: InProcessGateway,
) -> None:
    await set_limits(limited, **LIMITS)
    source, seen = random.Random(7), set[str]()
    for number in range(ORDERS):
        order = _random_order(source)
        check = await _check(limited, order)
        preview = await preview_of(limited, "send_order", **order)
        result = await post_command(limited, "send_order", **order)
        seen.add(check["status"])
        if check["status"] == "blocked":
            refusal, error = check["refusal"], result["error"]
            names = ("code", "reason", "limit", "value", "set_by")
            assert [refusal[n] for n in names] == [error[n] for n in names], (number, order)
            assert preview["refusal"] == refusal
            continue
        verdict = ("status", "qty", "price", "reduce_only", "refusal")
        assert [preview[n] for n in verdict] == [check[n] for n in verdict], (number, order)
        sent = (await limited.client.get(f"/oms/orders/{result['order_id']}", key=KEY))["items"][0]
        assert [check[n] for n in ("qty", "price", "reduce_only")] == [
            sent[n] for n in ("qty", "price", "reduce_only")
        ], (number, order)
        assert (check["status"] == "trimmed") == (sent["risk_status"] == "trimmed")
        if sent["risk_status"] == "passed":
            assert check["risk_detail"] == sent["risk_detail"]
            limits = [{n: row[n] for n in LIMIT_ROW} for row in preview["limits"]]
            assert limits == sent["risk_detail"]["limits"]
            assert preview["valuation_price"] in (sent["risk_detail"]["price"], "100")
        if sent["status"] == "FILLED":
            assert await _net_qty(limited, sent["symbol"]) == _net_of(preview)
        if sent["status"] == "SUBMITTED" and source.random() < 0.6:
            await post_command(limited, "cancel_order", order_id=sent["id"])
    assert seen == {"passed", "trimmed", "blocked"}


async def test_a_check_shows_limits_after_the_first_that_fails(limited: InProcessGateway) -> None:
    await set_limits(limited, **LIMITS)
    order = {"symbol": BTC, "side": "buy", "order_type": "market", "qty": "16"}
    rows = (await _check(limited, order))["risk_detail"]["limits"]
    failed = {row["key"]: row["value"] for row in rows if not row["passed"]}
    assert failed == {"max_order_notional": "1600", "max_position_notional": "1600"}
    assert {row["key"] for row in rows} == LIMITS.keys()


async def test_a_check_that_raises_sends_nothing(
    limited: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_limits(limited, max_order_notional="500")

    def fail(*_: object) -> None:
        raise ArithmeticError("a fault of the program")

    monkeypatch.setitem(limits._CHECKS, "max_order_notional", fail)  # type: ignore[arg-type]
    result = await send(limited)
    assert result["error"]["code"] == "internal_error"
    path = f"/oms/positions/open?account_ids={limited.account_id}"
    assert (await limited.client.get(path, key=KEY))["items"] == []
    monkeypatch.undo()
    assert (await send(limited))["ok"]
