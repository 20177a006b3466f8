"""Trades through the ccxt gateway: sent directly, booked without a strategy."""

from typing import Any

import pytest

from kit.gateway.in_process import ADMIN_KEY, MANUAL, TRADER, InProcessGateway
from oms.domain.access import Grant

SYMBOL = "BTC/USDT:USDT"
KEY = "oms_a-caller-for-tests-only"


async def call(gateway: InProcessGateway, func: str, *args: Any, **kwargs: Any) -> Any:
    """Return the result of a call that must succeed."""
    path = f"/ccxt/{gateway.account_id}/{func}"
    answer = await gateway.client("POST", path, {"args": list(args), "kwargs": kwargs})
    assert answer.status == 200, (func, answer.body)
    assert answer.json()["ok"] is True
    return answer.json()["result"]


async def refused(gateway: InProcessGateway, func: str, *args: Any, **more: Any) -> tuple[int, Any]:
    """Return status and error of a call that must fail."""
    path = f"/ccxt/{gateway.account_id}/{func}"
    answer = await gateway.client("POST", path, {"args": list(args)}, **more)
    assert answer.status >= 400, (func, answer.body)
    return answer.status, answer.detail


async def rows(
    gateway: InProcessGateway, what: str, account_id: int | None = None
) -> list[dict[str, Any]]:
    """Return all rows of the account."""
    span = "start_date=2020-01-01&end_date=2099-01-01"
    path = f"/oms/{what}?account_ids={account_id or gateway.account_id}&{span}"
    items: list[dict[str, Any]] = (await gateway.client.get(path))["items"]
    return sorted(items, key=lambda row: row["id"])


async def test_market_order_creates_external_order_deal_and_position(
    busy: InProcessGateway,
) -> None:
    order = await call(busy, "create_order", SYMBOL, "market", "buy", 0.0123)

    assert (order["status"], order["filled"], order["amount"]) == ("closed", 0.012, 0.012)
    assert order["average"] == 50000 and order["fee"]["currency"] == "USDT"
    (row,) = await rows(busy, "orders/history")
    assert row["exchange_order_id"] == order["id"]
    assert (row["reason"], row["strategy_id"], row["reconciled"]) == ("external", 0, False)
    assert (row["state"], row["command_id"]) == ("FILLED", None)
    (deal,) = await rows(busy, "deals")
    assert (deal["order_id"], deal["qty"]) == (row["id"], "0.012")
    (position,) = await rows(busy, "positions/open")
    assert (position["qty"], position["side"]) == ("0.012", "buy")


async def test_limit_order_is_edited_and_canceled(busy: InProcessGateway) -> None:
    made = await call(busy, "createLimitBuyOrder", SYMBOL, 0.01, 40000, {"clientOrderId": "mine"})
    assert (made["status"], made["clientOrderId"], made["type"]) == ("open", "mine", "limit")
    edited = await call(busy, "edit_order", made["id"], SYMBOL, "limit", "buy", 0.02, 41000.04)
    assert (edited["id"], edited["amount"], edited["price"]) == (made["id"], 0.02, 41000)
    (seen,) = await call(busy, "fetch_open_orders", SYMBOL)
    assert (seen["id"], seen["amount"], seen["clientOrderId"]) == (made["id"], 0.02, "mine")
    (row,) = await rows(busy, "orders/open")
    assert (row["qty"], row["price"], row["reason"]) == ("0.02", "41000", "external")

    canceled = await call(busy, "cancel_order", made["id"], SYMBOL)
    assert (canceled["id"], canceled["status"]) == (made["id"], "canceled")
    assert await rows(busy, "orders/open") == []
    status, why = await refused(busy, "cancel_order", made["id"], SYMBOL)
    assert (status, why["code"], why["ccxt_class"]) == (404, "order_not_found", "OrderNotFound")


async def test_ledger_order_can_be_canceled_through_ccxt(busy: InProcessGateway) -> None:
    order = {"order_type": "limit", "price": "40000"}
    sent = (await busy.order("?wait_ms=8000", **order)).json()["results"][0]["order"]
    canceled = await call(busy, "cancel_order", sent["exchange_order_id"], SYMBOL)
    assert canceled["status"] == "canceled"
    (row,) = await rows(busy, "orders/history")
    assert (row["id"], row["state"], row["reason"]) == (sent["id"], "CANCELED", "api")


async def test_call_is_audited_and_stored_with_its_event(busy: InProcessGateway) -> None:
    await call(busy, "create_order", SYMBOL, "market", "buy", 0.01)
    await call(busy, "fetch_ticker", SYMBOL)
    path = f"account_ids={busy.account_id}"
    audit = await busy.client.get(f"/admin/audit?{path}", key=ADMIN_KEY)
    calls = [row for row in audit["items"] if row["action"] == "ccxt_call"]
    (after,) = [row["after_json"] for row in calls]
    assert (after["func"], after["args"][1:3]) == ("create_order", ["market", "buy"])
    events = await busy.client.get(f"/oms/events?{path}&namespaces=command&since=2020-01-01")
    messages = [each["payload"]["command"] for each in events["items"]]
    assert messages.count("ccxt_call") == 1


async def test_idempotency_key_executes_once(busy: InProcessGateway) -> None:
    path = f"/ccxt/{busy.account_id}/create_order"
    body = {"args": [SYMBOL, "market", "buy", 0.01]}
    named = {"Idempotency-Key": "once"}
    first = await busy.client("POST", path, body, headers=named)
    second = await busy.client("POST", path, body, headers=named)
    assert first.status == second.status == 200 and first.body == second.body
    assert second.headers["idempotent-replayed"] == "true"
    assert len(await rows(busy, "orders/history")) == 1
    other = await busy.client(
        "POST", path, {"args": [SYMBOL, "market", "sell", 0.01]}, headers=named
    )
    assert (other.status, other.detail["code"]) == (422, "idempotency_mismatch")


async def test_blocked_account_refuses_entries_and_allows_exits(busy: InProcessGateway) -> None:
    made = await call(busy, "create_order", SYMBOL, "limit", "buy", 0.01, 40000)
    await call(busy, "create_order", SYMBOL, "market", "buy", 0.01)
    body = {"status": "blocked", "comment": "a test"}
    path = f"/oms/risk/{busy.account_id}/status"
    assert (await busy.client("POST", path, body, key=ADMIN_KEY)).status == 200

    for func, args in (
        ("create_order", (SYMBOL, "market", "buy", 0.01)),
        ("create_orders", ([{"symbol": SYMBOL, "type": "market", "side": "buy", "amount": 1}],)),
        ("edit_order", (made["id"], SYMBOL, "limit", "buy", 0.02)),
    ):
        status, why = await refused(busy, func, *args)
        assert (status, why["code"], why["reason"]) == (409, "risk_blocked", "account_blocked")
    assert (await call(busy, "cancel_order", made["id"]))["status"] == "canceled"
    closed = await call(busy, "close_position", SYMBOL)
    assert (closed["status"], closed["side"], closed["reduceOnly"]) == ("closed", "sell", True)
    assert await rows(busy, "positions/open") == []


async def test_roles_that_may_trade_through_ccxt(busy: InProcessGateway) -> None:
    strict = Grant(can_trade=True, restrict_to_strategies=True, strategy_ids=frozenset({1}))
    keys = {
        "robot": (TRADER, "permission_denied"),
        "risk": (TRADER, "permission_denied"),
        "readonly": (TRADER, "permission_denied"),
        "trader": (strict, "strategy_permission_denied"),
        "portfolio_manager": (Grant(), "permission_denied"),
        "admin": (None, "admin_read_only"),
    }
    for role, (grant, code) in keys.items():
        grants = {} if grant is None else {busy.account_id: grant}
        key = await busy.add_key(f"a {role}", f"oms_{role}-for-tests-only", role, grants=grants)
        for func in ("create_order", "cancel_all_orders", "set_leverage"):
            status, why = await refused(busy, func, 5, SYMBOL, key=key)
            assert (role, func, status, why["code"]) == (role, func, 403, code)


@pytest.mark.parametrize(
    ("func", "args", "status", "code", "ccxt_class"),
    [
        ("create_order", [SYMBOL, "market", "buy"], 422, "validation_error", "InvalidOrder"),
        ("create_order", [SYMBOL, "limit", "buy", 1], 422, "validation_error", "InvalidOrder"),
        ("create_order", [SYMBOL, "market", "up", 1], 422, "validation_error", "InvalidOrder"),
        ("create_order", [SYMBOL, "market", "buy", 1e-9], 422, "qty_below_minimum", "InvalidOrder"),
        (
            *("create_order", ["NO/SUCH", "market", "buy", 1], 422),
            *("instrument_not_supported", "InvalidOrder"),
        ),
        (
            *("create_order", [SYMBOL, "market", "buy", 900000], 502),
            *("insufficient_funds", "InsufficientFunds"),
        ),
        ("create_twap_order", [SYMBOL, "buy", 1, 60], 422, "unsupported_func", "NotSupported"),
        ("cancel_all_orders_after", [1000], 422, "unsupported_func", "NotSupported"),
        ("fetch_greeks", [SYMBOL], 422, "unsupported_func", "NotSupported"),
        ("withdraw", ["BTC", 1, "x"], 403, "ccxt_method_not_allowed", "PermissionDenied"),
        ("close", [], 403, "ccxt_method_not_allowed", "PermissionDenied"),
        ("create_order_ws", [], 422, "unsupported_func", "BadRequest"),
        ("cancel_order", ["o77"], 404, "order_not_found", "OrderNotFound"),
        ("set_position_mode", [True], 502, "position_mode_mismatch", "ExchangeError"),
    ],
)
async def test_invalid_calls_are_refused(
    busy: InProcessGateway, func: str, args: list[Any], status: int, code: str, ccxt_class: str
) -> None:
    result, why = await refused(busy, func, *args)
    assert (result, why["code"], why["ccxt_class"]) == (status, code, ccxt_class)


async def test_exchange_settings_are_passed_through(busy: InProcessGateway) -> None:
    assert (await call(busy, "set_leverage", 7, SYMBOL))["longLeverage"] == 7
    assert (await call(busy, "fetch_leverage", SYMBOL))["shortLeverage"] == 7
    assert (await call(busy, "setMarginMode", "isolated", SYMBOL))["marginMode"] == "isolated"
    assert (await call(busy, "fetch_margin_mode", SYMBOL))["marginMode"] == "isolated"
    assert (await call(busy, "set_position_mode", False))["hedged"] is False
    assert (await call(busy, "fetch_position_mode"))["hedged"] is False


async def test_account_setting_allows_an_unclassified_method(busy: InProcessGateway) -> None:
    config = '{"oms":{"paper":{"source":"manual"},"ccxt_allow":["withdraw"]}}'
    allowing = await busy.add_account(extra=config)
    key = await busy.add_key("caller", KEY, grants={allowing: TRADER, busy.account_id: TRADER})
    body = {"args": ["USDT", 1, "somewhere"]}
    answer = await busy.client("POST", f"/ccxt/{allowing}/withdraw", body, key=key)
    assert (answer.status, answer.detail["ccxt_class"]) == (422, "NotSupported")
    answer = await busy.client("POST", f"/ccxt/{busy.account_id}/withdraw", body, key=key)
    assert (answer.status, answer.detail["code"]) == (403, "ccxt_method_not_allowed")
    robot = await busy.add_key("robot", "oms_robot-key-tests", "robot", grants={allowing: TRADER})
    answer = await busy.client("POST", f"/ccxt/{allowing}/withdraw", body, key=robot)
    assert (answer.status, answer.detail["code"]) == (403, "permission_denied")
    path = f"/admin/accounts/{allowing}"
    for name in ("close", "_x", "set_sandbox_mode", "create_order", "fetch_ticker"):
        change = {"extra_config_json": {"oms": {"ccxt_allow": [name]}}}
        response = await busy.client("PATCH", path, change, key=ADMIN_KEY)
        assert (response.status, response.detail["code"]) == (422, "extra_config_refused")


async def test_core_methods_take_keywords(busy: InProcessGateway) -> None:
    core = f"/ccxt/core/{busy.account_id}"
    order = {"symbol": SYMBOL, "side": "buy", "type": "limit", "amount": "0.01", "price": "40000"}
    made = await busy.client("POST", f"{core}/create_order", order)
    assert made.status == 200, made.body
    order_id = made.json()["result"]["id"]
    found = await busy.client("POST", f"{core}/fetch_open_orders", {"limit": 5})
    assert [row["id"] for row in found.json()["result"]] == [order_id]
    one = {"id": order_id, "symbol": SYMBOL}
    assert (await busy.client("POST", f"{core}/fetchOrder", one)).json()["result"]["id"] == order_id
    canceled = await busy.client("POST", f"{core}/cancel_order", one)
    assert canceled.json()["result"]["status"] == "canceled"
    for func, body in (
        ("create_order", {"symbol": SYMBOL}),
        ("create_order", order | {"price": None}),
        ("create_order", order | {"amount": 0}),
        ("cancel_order", {}),
        ("fetch_open_orders", {"limit": 1001}),
        ("fetch_open_orders", {"since": -1}),
    ):
        wrong = await busy.client("POST", f"{core}/{func}", body)
        assert (wrong.status, wrong.detail["code"]) == (422, "validation_error")
        assert wrong.detail["errors"]
    other = await busy.client("POST", f"{core}/edit_order", {})
    assert (other.status, other.detail["code"]) == (422, "unsupported_func")


async def test_list_of_calls_always_returns_200(busy: InProcessGateway) -> None:
    account = busy.account_id
    body = [
        {"account_id": account, "func": "fetchTicker", "args": [SYMBOL]},
        {"account_id": account, "func": "create_order", "args": [SYMBOL, "market", "buy", 0.01]},
        {"account_id": account, "func": "withdraw"},
        {"account_id": 999, "func": "fetch_ticker", "args": [SYMBOL]},
        {"func": "fetch_ticker"},
        {"account_id": account, "func": "create_order", "args": ["NO/SUCH", "market", "buy", 1]},
        "nothing",
        {"account_id": account, "func": "fetch_positions"},
    ]
    for query in ("", "?parallel=true", "?request_timeout_seconds=20"):
        answer = await busy.client("POST", f"/ccxt/commands{query}", body)
        assert answer.status == 200, answer.body
        results = answer.json()["results"]
        assert [row["index"] for row in results] == list(range(8))
        assert [row["ok"] for row in results] == [True, True, *[False] * 5, True]
        codes = [row["error"]["code"] for row in results if not row["ok"]]
        assert codes == [
            "ccxt_method_not_allowed",
            "account_not_found",
            "missing_account_id",
            "instrument_not_supported",
            "validation_error",
        ]
        if "parallel" not in query:
            assert results[7]["result"][0]["contracts"] > 0
    assert (await busy.client("POST", "/ccxt/commands", [])).json() == {"results": []}


async def test_hedge_account_opens_one_position_per_order(busy: InProcessGateway) -> None:
    account = await busy.add_account("hedge", MANUAL)
    key = await busy.add_key("caller", KEY, grants={account: TRADER})
    price = {"account_id": account, "symbol": SYMBOL, "price": "50000"}
    assert (await busy.client("POST", "/paper/price", price, key=key)).status == 200
    for side in ("buy", "sell", "buy"):
        body = {"args": [SYMBOL, "market", side, 0.01]}
        answer = await busy.client("POST", f"/ccxt/{account}/create_order", body, key=key)
        assert answer.status == 200, answer.body
    path = f"/oms/positions/open?account_ids={account}"
    held = (await busy.client.get(path, key=key))["items"]
    assert sorted(row["side"] for row in held) == ["buy", "buy", "sell"]
    answer = await busy.client("POST", f"/ccxt/{account}/close_all_positions", {}, key=key)
    assert [row["status"] for row in answer.json()["result"]] == ["closed", "closed"]
    assert (await busy.client.get(path, key=key))["items"] == []


async def test_reduce_only_parameter_needs_a_position(busy: InProcessGateway) -> None:
    await call(busy, "create_order", SYMBOL, "market", "buy", 0.01)
    body = {"allow_new_positions": False, "comment": "a test"}
    path = f"/oms/risk/{busy.account_id}/allow_new_positions"
    assert (await busy.client("POST", path, body, key=ADMIN_KEY)).status == 200
    reduce = {"reduceOnly": True}
    for side, amount in (("buy", 0.01), ("sell", 0.02)):
        status, why = await refused(
            busy, "create_order", SYMBOL, "market", side, amount, None, reduce
        )
        assert (status, why["reason"]) == (409, "new_positions_disabled")
    sold = await call(busy, "create_order", SYMBOL, "market", "sell", 0.01, None, reduce)
    assert sold["status"] == "closed"


async def test_notional_limits_apply_to_ccxt_calls(busy: InProcessGateway) -> None:
    key = await busy.add_key("capped", KEY)
    listed = await busy.api_context.administer.people.keys()
    path = f"/user/api-keys/{listed[-1].id}"
    change = {"status": "active", "restrictions": {"max_order_notional": "600"}}
    assert (await busy.client("PATCH", path, change, key=key)).status == 200
    status, why = await refused(busy, "create_order", SYMBOL, "market", "buy", 0.02, key=key)
    assert (status, why["code"], why["reason"]) == (409, "risk_blocked", "key_order_notional")
    orders = [{"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 1, "price": 700}]
    status, why = await refused(busy, "create_orders", orders, key=key)
    assert (status, why["code"]) == (409, "risk_blocked")
    args = {"args": [SYMBOL, "market", "buy", 0.01]}
    answer = await busy.client("POST", f"/ccxt/{busy.account_id}/create_order", args, key=key)
    assert answer.status == 200, answer.body


async def test_day_limit_counts_earlier_ccxt_orders(busy: InProcessGateway) -> None:
    key = await busy.add_key("capped", KEY)
    listed = await busy.api_context.administer.people.keys()
    change = {"status": "active", "restrictions": {"max_day_notional": "1200"}}
    path = f"/user/api-keys/{listed[-1].id}"
    assert (await busy.client("PATCH", path, change, key=key)).status == 200
    args = {"args": [SYMBOL, "market", "buy", 0.01]}
    path = f"/ccxt/{busy.account_id}/create_order"
    for _ in range(2):
        assert (await busy.client("POST", path, args, key=key)).status == 200
    (notional_limits,) = [busy.worker.processor.execute.place.notional_limits]
    assert notional_limits is not None
    notional_limits._day_totals.clear()  # as in a new worker
    status, why = await refused(busy, "create_order", SYMBOL, "market", "buy", 0.01, key=key)
    assert (status, why["reason"]) == (409, "key_day_notional")
    assert float(why["value"]) == 1500


async def test_one_refused_order_of_a_batch(busy: InProcessGateway) -> None:
    one = {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.01, "price": 40000}
    made = await call(busy, "create_orders", [one, one | {"amount": 1e-9}, one])
    assert [order["status"] for order in made] == ["open", "rejected", "open"]
    assert made[1]["info"]["code"] == "qty_below_minimum"
    ids = [made[0]["id"], made[2]["id"]]
    edits = [{"id": name, "symbol": SYMBOL, "price": 41000} for name in ids]
    assert [o["price"] for o in await call(busy, "edit_orders", edits)] == [41000, 41000]
    canceled = await call(busy, "cancel_orders", ids, SYMBOL)
    assert [order["status"] for order in canceled] == ["canceled", "canceled"]
    assert await call(busy, "cancel_all_orders") == []


async def test_oco_exits_cancel_each_other(busy: InProcessGateway) -> None:
    await call(busy, "create_order", SYMBOL, "market", "buy", 0.01)
    exits = {"stopLossPrice": 45000, "takeProfitPrice": 55000, "reduceOnly": True}
    await call(busy, "create_order", SYMBOL, "market", "sell", 0.01, None, exits)
    resting = await call(busy, "fetch_open_orders", SYMBOL)
    assert sorted((o["type"], o["price"], o["triggerPrice"]) for o in resting) == [
        ("limit", 55000, None),
        ("stop_market", None, 45000),
    ]
    price = {"account_id": busy.account_id, "symbol": SYMBOL, "price": "55000"}
    assert (await busy.client("POST", "/paper/price", price)).status == 200
    price["price"] = "56000"
    assert (await busy.client("POST", "/paper/price", price)).status == 200
    assert await call(busy, "fetch_open_orders", SYMBOL) == []
    assert await call(busy, "fetch_positions") == []
    states = {row["order_type"]: row["state"] for row in await rows(busy, "orders/history")}
    assert states == {"market": "FILLED", "limit": "FILLED", "stop_market": "CANCELED"}


async def test_order_types(busy: InProcessGateway) -> None:
    stop = await call(busy, "create_stop_market_order", SYMBOL, "sell", 0.01, 45000)
    assert (stop["type"], stop["triggerPrice"]) == ("stop_market", 45000)
    gain = await call(busy, "createTakeProfitOrder", SYMBOL, "limit", "sell", 0.01, 56000, 55000)
    assert (gain["type"], gain["price"], gain["triggerPrice"]) == (
        "take_profit_limit",
        56000,
        55000,
    )
    dip = await call(busy, "create_trigger_order", SYMBOL, "market", "buy", 0.01, None, 45000)
    assert dip["type"] == "take_profit_market"
    trail = await call(
        busy, "create_trailing_percent_order", SYMBOL, "market", "sell", 0.01, None, 2
    )
    assert trail["type"] == "trailing_stop"
    post = await call(busy, "create_post_only_order", SYMBOL, "limit", "buy", 0.01, 40000)
    assert (post["postOnly"], post["timeInForce"]) == (True, "PO")
    status, why = await refused(busy, "create_post_only_order", SYMBOL, "limit", "buy", 0.01, 60000)
    assert (status, why["code"]) == (502, "post_only_would_take")
    fast = {"timeInForce": "IOC"}
    ioc = await call(busy, "create_limit_order", SYMBOL, "buy", 0.01, 40000, fast)
    assert ioc["status"] == "canceled"
    args = (SYMBOL, "market", "buy", 0.01, None, 55000, 45000)
    both = await call(busy, "create_order_with_take_profit_and_stop_loss", *args)
    assert (both["takeProfitPrice"], both["stopLossPrice"]) == (55000, 45000)
    price = {"account_id": busy.account_id, "symbol": "BTC/USDT", "price": "50000"}
    assert (await busy.client("POST", "/paper/price", price)).status == 200
    spot = await call(busy, "create_market_buy_order_with_cost", "BTC/USDT", 505)
    assert spot["filled"] == 0.0101 and spot["cost"] == 505
    assert len(await call(busy, "cancel_all_orders", SYMBOL)) == 7
