"""Invalid input: a clear error with a stable code, and nothing stored."""

import json
from typing import Any

import pytest

from kit.databases.sql import fetch_number
from kit.gateway.processes import Gateway
from kit.http.client import call

ORDER = {"symbol": "BTC/USDT", "side": "buy", "order_type": "market", "qty": "0.01"}


@pytest.fixture(autouse=True)
def tables_unchanged(gateway: Gateway) -> Any:
    """After each refusal the tables hold the same rows as before."""
    before = _counts(gateway.dsn)
    yield
    assert _counts(gateway.dsn) == before


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "validation_error"),
        (b"{", "validation_error"),
        (b"null", "validation_error"),
        (b'"send_order"', "validation_error"),
        (b"\xff\xfe", "validation_error"),
        (b"[" * 50_000, "validation_error"),
        (b'{"account_id":1,"command":"send_order","payload":{"qty":NaN}}', "validation_error"),
        (b"1" * 6000, "validation_error"),
    ],
    ids=["empty", "cut", "null", "text", "not-utf8", "deep", "nan", "long-number"],
)
def test_malformed_json(gateway: Gateway, text: bytes, code: str) -> None:
    status, body, _ = call(gateway, "POST", "/oms/commands", raw=text)
    assert (status, body["detail"]["code"]) == (422, code)
    assert body["detail"]["message"]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"qty": "NaN"}, "qty"),
        ({"qty": "-1"}, "qty"),
        ({"qty": "0"}, "qty"),
        ({"qty": True}, "qty"),
        ({"qty": ["1"]}, "qty"),
        ({"qty": "1e400"}, "qty"),
        ({"qty": "0.0000000000000000001"}, "qty"),
        ({"side": "long"}, "side"),
        ({"symbol": ""}, "symbol"),
        ({"symbol": 5}, "symbol"),
        ({"order_type": "limit"}, "price"),
        ({"order_type": "limit", "price": "Infinity"}, "price"),
        ({"strategy_id": "x"}, "strategy_id"),
        ({"comment": "c" * 256}, "comment"),
        ({"client_order_id": "with space"}, "client_order_id"),
        ({"lot_size": 3}, "lot_size"),
    ],
    ids=lambda value: json.dumps(value)[:30] if isinstance(value, dict) else None,
)
def test_wrong_fields_are_named(gateway: Gateway, changes: dict[str, object], where: str) -> None:
    command = _command(gateway, ORDER | changes)
    status, body, _ = call(gateway, "POST", "/oms/commands", [command])
    detail = body["detail"]
    assert (status, detail["code"]) == (422, "validation_error")
    assert any(error["loc"][0] == 0 and where in error["loc"] for error in detail["errors"])


def test_a_number_with_400_digits(gateway: Gateway) -> None:
    text = json.dumps(_command(gateway, ORDER | {"qty": "@"})).replace('"@"', "1" + "0" * 400)
    status, body, _ = call(gateway, "POST", "/oms/commands", raw=text.encode())
    assert (status, body["detail"]["code"]) == (422, "validation_error")


@pytest.mark.parametrize("key", ["lot", "accountId"])
def test_an_unknown_key_of_the_envelope(gateway: Gateway, key: str) -> None:
    status, body, _ = call(gateway, "POST", "/oms/commands", _command(gateway, ORDER) | {key: 1})
    assert (status, body["detail"]["code"]) == (422, "validation_error")
    assert any(key in error["loc"] for error in body["detail"]["errors"])


def test_an_unknown_command(gateway: Gateway) -> None:
    command = _command(gateway, ORDER) | {"command": "send_money"}
    status, body, _ = call(gateway, "POST", "/oms/commands", command)
    assert status == 422
    assert body["detail"]["code"] in ("unsupported_command", "validation_error")


def test_one_bad_item_refuses_the_whole_body(gateway: Gateway) -> None:
    good, bad = _command(gateway, ORDER), _command(gateway, ORDER | {"qty": "x"})
    status, body, _ = call(gateway, "POST", "/oms/commands", [good, bad])
    assert status == 422
    assert [error["loc"][0] for error in body["detail"]["errors"]] == [1]


def test_a_foreign_account(gateway: Gateway) -> None:
    command = _command(gateway, ORDER) | {"account_id": 2**40}
    status, body, _ = call(gateway, "POST", "/oms/commands", command)
    assert status in (403, 404)
    assert body["detail"]["code"] in ("permission_denied", "account_not_found")
    assert body["detail"]["results"][0]["command_id"] is None


@pytest.mark.parametrize("key", ["oms_wrong", "x", "tok_unknown"])
def test_a_wrong_key(gateway: Gateway, key: str) -> None:
    command = _command(gateway, ORDER)
    status, body, headers = call(gateway, "POST", "/oms/commands", command, key=key)
    assert (status, body["detail"]["code"]) == (401, "invalid_api_key")
    assert headers["www-authenticate"] == "Bearer"


def test_an_expired_key(gateway: Gateway) -> None:
    key = gateway.add_key(expires_at="2020-01-01T00:00:00Z")
    command = _command(gateway, ORDER)
    status, body, _ = call(gateway, "POST", "/oms/commands", command, key=key)
    assert (status, body["detail"]["code"]) == (401, "invalid_api_key")


def test_an_admin_does_not_trade(gateway: Gateway) -> None:
    command = _command(gateway, ORDER)
    status, body, _ = call(gateway, "POST", "/oms/commands", command, key=gateway.admin_api_key)
    assert (status, body["detail"]["code"]) == (403, "admin_read_only")


def test_more_than_a_thousand_items(gateway: Gateway) -> None:
    command = _command(gateway, ORDER)
    status, body, _ = call(gateway, "POST", "/oms/commands", [command] * 1001)
    assert (status, body["detail"]["code"]) == (422, "validation_error")
    status, body, _ = call(gateway, "POST", "/oms/commands", [command] * 10_000)
    assert (status, body["detail"]["code"]) == (422, "validation_error")


def test_more_than_eight_mebibytes(gateway: Gateway) -> None:
    text = b'{"pad":"' + b"x" * (8 * 1024 * 1024) + b'"}'
    status, body, _ = call(gateway, "POST", "/oms/commands", raw=text)
    assert (status, body["detail"]["code"]) == (413, "payload_too_large")


def test_an_unknown_route_answers_in_json(gateway: Gateway) -> None:
    status, body, _ = call(gateway, "GET", "/oms/nothing")
    assert (status, body["detail"]["code"]) == (404, "not_found")


def _command(gateway: Gateway, payload: dict[str, object]) -> dict[str, object]:
    account_id = gateway.netting_account_id
    return {"account_id": account_id, "command": "send_order", "payload": payload}


def _counts(dsn: str) -> dict[str, int]:
    tables = ("oms_commands", "oms_orders", "oms_deals", "oms_positions", "event_outbox")
    return {table: fetch_number(dsn, f"SELECT COUNT(*) FROM {table}") for table in tables}
