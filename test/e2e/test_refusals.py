"""Refusals by the worker: checked against the ledger, and kept as REJECTED orders."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kit.gateway.processes import Gateway
from kit.http.client import call, get

LINEAR = "BTC/USDT:USDT"
ACCOUNTS = 14


@pytest.fixture(scope="module")
def unused_account_ids(gateway: Gateway) -> Iterator[int]:
    """New accounts, one for each test."""
    return iter(gateway.add_accounts(ACCOUNTS, position_mode="netting"))


def test_a_kill_switch_refuses_the_next_order(gateway: Gateway, account_id: int) -> None:
    """The worker knows of it by a notification: no command follows from these switches."""
    for symbol in ("ETH/USDT", "ETH/USDT:USDT", "SOL/USDT", "SOL/USDT:USDT"):
        order = {"symbol": symbol, "side": "buy", "order_type": "market", "qty": "1"}
        command = {"account_id": account_id, "command": "send_order", "payload": order}
        status, body, _ = call(gateway, "POST", "/oms/commands?wait_ms=9000", command)
        assert status == 200, body
        pull = {"scope": "symbol", "scope_id": symbol, "mode": "reduce_only", "comment": "test"}
        pull |= {"cancel_entries": False}
        status, body, _ = call(gateway, "POST", "/risk/kill", pull, key=gateway.admin_api_key)
        assert status == 200, body
        status, body, _ = call(gateway, "POST", "/oms/commands?wait_ms=9000", command)
        assert (status, body["detail"]["reason"]) == (409, "kill_switch"), body


def test_a_kill_switch_of_the_command_line_rules_the_next_order(
    gateway: Gateway, account_id: int
) -> None:
    """Without a key it is written to the database, and the workers are notified all the same."""
    words = ("--scope=symbol", "--id=XRP/USDT", "--comment=test")

    def send() -> tuple[int, Any]:
        order = {"symbol": "XRP/USDT", "side": "buy", "order_type": "market", "qty": "20"}
        command = {"account_id": account_id, "command": "send_order", "payload": order}
        status, body, _ = call(gateway, "POST", "/oms/commands?wait_ms=9000", command)
        return status, body

    def run(*verb: str) -> tuple[int, Any]:
        """The answer to the next order; the worker has read the switches just before."""
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(gateway.oms, *verb, *words)
            while not running.done():
                send()
        assert running.result()["through"] == "database"
        return send()

    assert send()[0] == 200
    status, body = run("kill", "on", "--mode=reduce_only")
    assert (status, body["detail"]["reason"]) == (409, "kill_switch"), body
    status, body = run("kill", "off", "--yes")
    assert status == 200, body


@pytest.fixture
def account_id(unused_account_ids: Iterator[int]) -> int:
    return next(unused_account_ids)


@pytest.mark.parametrize(
    ("payload", "status", "code"),
    [
        ({"symbol": "NOPE/USDT"}, 422, "instrument_not_supported"),
        (
            {"order_type": "limit", "price": "50000.01", "params": {"precision": "refuse"}},
            422,
            "precision_mismatch",
        ),
        ({"order_type": "limit", "price": "1000"}, 422, "notional_below_minimum"),
        ({"qty": "0.0105", "params": {"precision": "refuse"}}, 422, "precision_mismatch"),
        ({"qty": "0.0001"}, 422, "qty_below_minimum"),
        ({"qty": "900"}, 502, "insufficient_funds"),
        ({"strategy_id": 424242}, 422, "invalid_strategy_id"),
        ({"position_id": 424242}, 422, "invalid_position_id"),
        ({"reduce_only": True}, 422, "invalid_close_volume"),
        ({"time_in_force": "IOC", "post_only": True}, 422, "validation_error"),
    ],
)
def test_a_refused_order_says_why_and_is_kept(
    gateway: Gateway, account_id: int, payload: dict[str, object], status: int, code: str
) -> None:
    order = {"symbol": LINEAR, "side": "sell", "order_type": "market", "qty": "0.01"}
    command = {"account_id": account_id, "command": "send_order", "payload": order | payload}
    got, body, _ = call(gateway, "POST", "/oms/commands", command)
    detail = body["detail"]
    assert (got, detail["code"]) == (status, code)
    assert detail["message"]
    assert detail["ccxt_class"]
    (result,) = detail["results"]
    assert result["ok"] is False
    (row,) = get(gateway, f"/oms/orders/{result['order_id']}")["items"]
    assert row["status"] == "REJECTED"
    assert row["reject_code"] == code
    assert row["reject_source"] == ("exchange" if status == 502 else "oms")


def test_a_canceled_order_cannot_be_canceled_again(gateway: Gateway, account_id: int) -> None:
    payload = {
        "symbol": LINEAR,
        "side": "buy",
        "order_type": "limit",
        "qty": "0.01",
        "price": "20000",
    }
    command = {"account_id": account_id, "command": "send_order", "payload": payload}
    _, body, _ = call(gateway, "POST", "/oms/commands", command)
    order_id = body["results"][0]["order_id"]
    cancel = {"command": "cancel_order", "payload": {"order_id": order_id}}
    status, body, _ = call(gateway, "POST", "/oms/commands", cancel)
    assert (status, body["results"][0]["order_id"]) == (200, order_id)
    status, body, _ = call(gateway, "POST", "/oms/commands", cancel)
    assert (status, body["detail"]["code"]) == (409, "invalid_order_state")
    assert body["detail"]["reason"] == "order_not_open"


def test_some_good_some_bad_is_207(gateway: Gateway, account_id: int) -> None:
    payload = {"symbol": LINEAR, "side": "buy", "order_type": "market", "qty": "0.01"}
    good = {"account_id": account_id, "command": "send_order", "payload": payload}
    bad = {
        "account_id": account_id,
        "command": "send_order",
        "payload": payload | {"qty": "0.0001"},
    }
    status, body, _ = call(gateway, "POST", "/oms/commands", [bad, good, bad])
    assert status == 207
    assert [result["ok"] for result in body["results"]] == [False, True, False]
    assert [result["index"] for result in body["results"]] == [0, 1, 2]
