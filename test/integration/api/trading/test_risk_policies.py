"""Risk policies over HTTP: limits rule the next order, in every scope and mode."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway, now
from kit.gateway.limited_account import (
    BTC,
    ETH,
    KEY,
    WATCH,
    forget_limits,
    open_limited,
    post_command,
    put_policy,
    reason_of,
    send,
    set_limits,
)
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext


@pytest.fixture
async def limited(busy: InProcessGateway) -> InProcessGateway:
    """A gateway with a netting account at a price of 100, and a key of role risk."""
    return await open_limited(busy, "netting")


async def test_a_market_order_is_refused_by_its_notional(limited: InProcessGateway) -> None:
    """R1: the order shows both numbers; nothing is sent."""
    await set_limits(limited, max_order_notional="10000")
    result = await send(limited, qty="1000000")
    error = result["error"]
    assert reason_of(result) == "max_order_notional"
    assert (error["limit"], error["value"], error["set_by"]) == ("10000", "100000000", "account")
    assert (error["key"], error["scope_id"]) == ("max_order_notional", str(limited.account_id))
    assert (error["set_by_user"], error["price"]) == ("watch", "100")
    assert error["set_at"] and error["price_at"]
    (order,) = (await limited.client.get(f"/oms/orders/{result['order_id']}", key=KEY))["items"]
    assert (order["status"], order["reject_source"]) == ("REJECTED", "oms")
    assert order["reject_code"] == "risk_blocked"
    assert "100000000" in order["reject_message"] and "10000" in order["reject_message"]
    assert order["exchange_order_id"] is None


async def test_the_sixth_resting_order_is_refused(limited: InProcessGateway) -> None:
    """R2: a limit of 5 admits 5."""
    answer = await limited.client(
        "POST",
        "/risk/policy/preset",
        {"account_id": limited.account_id, "preset": "standard", "comment": "start"},
        key=WATCH,
    )
    assert answer.status == 200, answer.body
    resting = {"order_type": "limit", "price": "95", "qty": "1.1"}
    for _ in range(5):
        assert reason_of(await send(limited, **resting)) is None
    refused = await send(limited, **resting)
    assert reason_of(refused) == "max_open_orders"
    assert (refused["error"]["limit"], refused["error"]["value"]) == ("5", "6")
    orders = await limited.client.get(f"/oms/orders/open?account_ids={limited.account_id}", key=KEY)
    first = orders["items"][0]["id"]
    assert (await post_command(limited, "cancel_order", order_ids=[first]))["ok"]
    assert reason_of(await send(limited, **resting)) is None


async def test_the_smallest_notional_passes_exactly(limited: InProcessGateway) -> None:
    """R3: exactly at the minimum passes."""
    await set_limits(limited, min_order_notional="200")
    assert reason_of(await send(limited, order_type="limit", price="99.9", qty="2")) == (
        "min_order_notional"
    )
    assert reason_of(await send(limited, order_type="limit", price="100", qty="2")) is None


async def test_without_a_price_a_market_order_is_refused(limited: InProcessGateway) -> None:
    """R7: what cannot be valued is refused while a limit needs its value."""
    await set_limits(limited, max_order_notional="10000")
    result = await send(limited, symbol="SOL/USDT:USDT")
    assert reason_of(result) == "risk_no_price"
    assert "max_order_notional" in result["error"]["message"]
    await set_limits(limited, max_order_notional=None, max_open_positions=1)
    assert (await send(limited, symbol="SOL/USDT:USDT"))["error"]["code"] == "no_price"


async def test_parallel_entries_never_exceed_a_limit(busy: InProcessGateway) -> None:
    """R8: of twenty parallel entries under a limit of three exactly three are accepted.

    No event shows more than three that are reserved.
    """
    gateway = await open_limited(busy, "hedge")
    await set_limits(gateway, max_open_positions=3)
    results = await asyncio.gather(
        *(
            send(gateway, new_position=True, order_type="limit", price="90", qty="2")
            for _ in range(20)
        )
    )
    assert [reason_of(result) for result in results].count(None) == 3
    assert {reason_of(result) for result in results} == {None, "max_total_open_reached"}
    page = await gateway.client.get(
        f"/oms/events?account_ids={gateway.account_id}&limit=500", key=KEY
    )
    reserved: set[int] = set()
    most = 0
    for event in page["items"]:
        if event["event"] == "order_updated":
            order = event["payload"]
            has_ended = order["status"] == "REJECTED"
            (reserved.discard if has_ended else reserved.add)(order["id"])
            most = max(most, len(reserved))
    assert most == 3


async def test_an_unreadable_limit_refuses_entries_until_it_is_set(
    limited: InProcessGateway, dsn: str
) -> None:
    """R9: an unreadable policy refuses with ``risk_error``; exits pass, and setting it repairs."""
    assert reason_of(await send(limited, qty="2")) is None
    await set_limits(limited, "global", max_order_notional="10000")
    execute(dsn, "UPDATE risk_policies SET value_json = '\"a lot\"'")
    forget_limits(limited)
    refused = await send(limited)
    assert reason_of(refused) == "risk_error"
    assert "max_order_notional" in refused["error"]["message"]
    assert (await limited.client.get("/risk/policy?scope=global", key=KEY))["unreadable"]
    assert reason_of(await send(limited, side="sell", qty="1", reduce_only=True)) is None
    await set_limits(limited, "global", max_order_notional="10000")
    assert reason_of(await send(limited)) is None


async def test_each_unreadable_limit_of_an_account_refuses_until_it_is_set(
    limited: InProcessGateway, dsn: str
) -> None:
    await set_limits(limited, max_order_notional="10000", max_position_notional="10000")
    execute(dsn, "UPDATE risk_policies SET value_json = '\"a lot\"'")
    await limited.worker.processor.evict_all()
    assert reason_of(await send(limited)) == "risk_error"
    await set_limits(limited, max_order_notional="10000")
    assert reason_of(await send(limited)) == "risk_error"
    await set_limits(limited, max_position_notional="10000")
    assert reason_of(await send(limited)) is None


async def test_a_cut_quantity_is_a_multiple_of_the_step(limited: InProcessGateway) -> None:
    assert reason_of(await send(limited, qty="2")) is None
    state = limited.worker.processor.states[limited.account_id]
    (position,) = state.positions.values()
    state.positions[position.id] = evolve(position, qty=Decimal("1.99995"))
    await set_limits(limited, max_order_notional="100")
    body = {"symbol": BTC, "side": "sell", "order_type": "market", "qty": "5"}
    check = {"account_id": limited.account_id, "order": body}
    verdict = (await limited.client("POST", "/risk/check", check, key=KEY)).json()
    assert (verdict["status"], verdict["qty"]) == ("trimmed", "1.999")


async def test_limits_are_stored_and_removed_by_null(limited: InProcessGateway, dsn: str) -> None:
    answer = await put_policy(limited, max_order_notional=500, allowed_symbols=[BTC])
    (first, second) = answer.json()["limits"]
    assert (first["key"], first["value"]) == ("allowed_symbols", [BTC])
    assert (second["key"], second["value"], second["set_by"], second["comment"]) == (
        *("max_order_notional", "500", "watch", "first week"),
    )
    path = f"/risk/policy?scope=account&scope_id={limited.account_id}"
    stored = await limited.client.get(path, key=KEY)
    assert stored["limits"] == [first, second]
    assert reason_of(await send(limited, symbol=ETH, qty="2")) == "symbol_not_allowed"
    assert reason_of(await send(limited, qty="6")) == "max_order_notional"
    await set_limits(limited, max_order_notional=None, allowed_symbols=[])
    assert (await limited.client.get(path, key=KEY))["limits"] == []
    assert fetch_rows(dsn, "SELECT count(*) FROM risk_policies") == [(0,)]
    assert reason_of(await send(limited, symbol=ETH, qty="6")) is None


async def test_a_change_is_audited_and_reported(limited: InProcessGateway, dsn: str) -> None:
    await set_limits(limited, max_order_notional="500")
    await set_limits(limited, max_order_notional="400")
    rows = fetch_rows(
        dsn,
        "SELECT actor, entity, account_id, before_json, after_json, comment FROM audit_log"
        " WHERE action = 'risk_policy' ORDER BY id",
    )
    account = limited.account_id
    assert [(row[0], row[1], row[2], row[5]) for row in rows] == [
        ("watch", "account_policy", account, "first week")
    ] * 2
    assert '"500"' in rows[1][3] and '"400"' in rows[1][4]
    page = await limited.client.get(f"/oms/events?account_ids={account}", key=KEY)
    changed = [row for row in page["items"] if row["event"] == "risk_policy_changed"]
    assert [row["payload"]["changes"] for row in changed] == [
        {"max_order_notional": {"old": None, "new": "500"}},
        {"max_order_notional": {"old": "500", "new": "400"}},
    ]


async def test_the_tightest_scope_rules_and_is_named(limited: InProcessGateway) -> None:
    await set_limits(limited, max_order_notional="500")
    await set_limits(limited, "global", max_order_notional="300")
    error = (await send(limited, qty="4"))["error"]
    assert (error["limit"], error["set_by"], error["scope_id"]) == ("300", "global", None)
    await set_limits(limited, "global", max_order_notional="0")
    error = (await send(limited, qty="6"))["error"]
    assert (error["limit"], error["set_by"]) == ("500", "account")


async def test_a_limit_of_a_strategy_measures_that_strategy(busy: InProcessGateway) -> None:
    gateway = await open_limited(busy, "strategy_netting")
    strategies = gateway.api_context.administer.strategies
    context = AuditContext(actor="test", at=now())
    account = gateway.account_id
    one, two = [await strategies.create(n, None, [account], context) for n in ("s1", "s2")]
    await set_limits(gateway, "strategy", one, max_open_positions=1)
    order = {"qty": "2"}
    assert reason_of(await send(gateway, strategy_id=two, **order)) is None
    assert reason_of(await send(gateway, strategy_id=two, symbol=ETH, **order)) is None
    assert reason_of(await send(gateway, strategy_id=one, **order)) is None
    error = (await send(gateway, strategy_id=one, symbol=ETH, **order))["error"]
    assert (error["set_by"], error["scope_id"]) == ("strategy", str(one))


async def test_a_flip_is_cut_to_the_part_that_reduces(limited: InProcessGateway) -> None:
    """R6, for a limit: the reducing part is exempt, the rest is refused."""
    assert reason_of(await send(limited, qty="2")) is None
    await set_limits(limited, max_order_notional="250", allow_new_positions=False)
    assert reason_of(await send(limited, side="sell", qty="1")) is None
    result = await send(limited, side="sell", qty="3")
    assert result["ok"], result
    assert (result["order"]["qty"], result["order"]["reduce_only"]) == ("1", True)
    positions = await limited.client.get(
        f"/oms/positions/open?account_ids={limited.account_id}", key=KEY
    )
    assert positions["items"] == []


async def test_a_change_is_checked_as_the_order_that_it_makes(limited: InProcessGateway) -> None:
    await set_limits(
        limited, max_order_notional="500", price_collar_pct="5", max_open_orders_per_symbol=1
    )
    sent = await send(limited, order_type="limit", price="95", qty="4")
    number = sent["order_id"]
    change = await post_command(limited, "change_order", order_id=number, new_qty="6")
    assert reason_of(change) == "max_order_notional"
    change = await post_command(limited, "change_order", order_id=number, new_price="106")
    assert reason_of(change) == "price_collar"
    assert (await post_command(limited, "change_order", order_id=number, new_qty="5"))["ok"]
    assert (await post_command(limited, "change_order", order_id=number, new_qty="3"))["ok"]


async def test_a_moved_trigger_price_is_valued_again(limited: InProcessGateway) -> None:
    await set_limits(limited, max_order_notional="500")
    sent = await send(limited, order_type="stop_market", trigger_price="110", qty="4")
    number = sent["order_id"]
    change = await post_command(limited, "change_order", order_id=number, new_trigger_price="126")
    assert reason_of(change) == "max_order_notional"
    assert change["error"]["value"] == "504"
    change = await post_command(limited, "change_order", order_id=number, new_trigger_price="125")
    assert (change["ok"], change["order"]["trigger_price"]) == (True, "125")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "validation_error"),
        ({"keys": {}}, 422, "validation_error"),
        ({"keys": {"max_signals_per_year": 3}}, 422, "validation_error"),
        ({"keys": {"max_order_notional": "lots"}}, 422, "validation_error"),
        ({"keys": {"max_order_notional": 1}, "comment": " "}, 422, "comment_required"),
        ({"keys": {"max_order_notional": 1}, "scope": "planet"}, 422, "validation_error"),
        ({"keys": {"max_order_notional": 1}, "scope_id": None}, 422, "validation_error"),
        ({"keys": {"max_order_notional": 1}, "scope_id": 987654}, 404, "account_not_found"),
        ({"keys": [1]}, 422, "validation_error"),
    ],
)
async def test_a_wrong_body_is_refused_with_nothing_changed(
    limited: InProcessGateway, body: dict[str, Any], status: int, code: str, dsn: str
) -> None:
    whole = {"scope": "account", "scope_id": limited.account_id, "comment": "c"} | body
    answer = await limited.client("PUT", "/risk/policy", whole, key=ADMIN_KEY)
    assert (answer.status, answer.detail["code"]) == (status, code)
    assert fetch_rows(dsn, "SELECT count(*) FROM risk_policies") == [(0,)]


async def test_a_trader_reads_but_does_not_set(limited: InProcessGateway) -> None:
    body = {"scope": "account", "scope_id": limited.account_id, "keys": {"max_open_positions": 1}}
    body["comment"] = "no"
    assert (await limited.client("PUT", "/risk/policy", body, key=KEY)).status == 403
    wide = body | {"scope": "global"}
    assert (await limited.client("PUT", "/risk/policy", wide, key=KEY)).status == 403
    path = f"/risk/policy?scope=account&scope_id={limited.account_id}"
    assert (await limited.client.get(path, key=KEY))["limits"] == []
