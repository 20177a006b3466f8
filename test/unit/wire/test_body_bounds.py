"""Bounds of what one body may cost: numbers, values, depth, keys, text."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from oms.wire.commands.command_requests import read_ccxt_call, read_commands
from oms.wire.field_types import FREE_VALUES_MAX, read_accounts, read_amount, read_ids
from oms.wire.field_validation import KEYS_MAX
from oms.wire.json import NotJson, canonical_json, loads
from oms.wire.market_subscription import read_market_subscription
from oms.wire.request_body import DEPTH_MAX, VALUES_MAX, Malformed, load_body

HUGE = ["1E+999999999", "1E-999999999", "-1e99999", "0E+999999999", "1e401", "1e-401"]


@pytest.mark.parametrize("number", HUGE)
@pytest.mark.parametrize("shape", ["%s", "[%s]", '{"a":"\\u0041","b":%s}', '{"a":[{"b":%s}]}'])
def test_huge_exponents_are_refused(number: str, shape: str) -> None:
    text = shape.replace("%s", number)
    with pytest.raises(Malformed) as refused:
        load_body(text.encode())
    assert refused.value.errors[0]["type"] == "json_invalid"
    with pytest.raises(NotJson):
        loads(text)


@pytest.mark.parametrize("number", ["1e308", "5e-324", "1e400", "-2.5E-400", "1E+18"])
def test_every_double_is_read(number: str) -> None:
    assert loads(number) == Decimal(number)
    assert load_body(number.encode()) == Decimal(number)
    assert len(canonical_json({"a": loads(number)})) < 500


@pytest.mark.parametrize("number", ["1" * 65, "-" + "1" * 64, "1." + "1" * 63, "0." + "0" * 5000])
def test_long_numbers_are_refused(number: str) -> None:
    with pytest.raises(Malformed):
        load_body(f'{{"a":{number}}}'.encode())


@pytest.mark.parametrize("number", ["1" * 64, "1." + "1" * 62])
def test_numbers_of_64_characters_are_read(number: str) -> None:
    assert load_body(number.encode()) == Decimal(number)


@pytest.mark.parametrize("text", ['{"qty":1,"qty":2}', '[{"a":{"b":1,"b":1}}]', '{"":1,"":2}'])
def test_repeated_keys_are_refused(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        load_body(text.encode())
    assert "same key twice" in str(refused.value)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_depth(opening: str) -> None:
    closing = "".join({"[": "]", "{": "}"}[mark] for mark in reversed(opening) if mark in "[{")
    marks = len(closing)
    allowed, refused = DEPTH_MAX // marks, DEPTH_MAX // marks + 1
    assert load_body((opening * allowed + "1" + closing * allowed).encode())
    with pytest.raises(Malformed) as error:
        load_body((opening * refused + "1" + closing * refused).encode())
    assert "nested too deeply" in str(error.value)


def test_number_of_values() -> None:
    assert load_body(b"[" + b",".join([b"1"] * VALUES_MAX) + b"]")
    with pytest.raises(Malformed) as refused:
        load_body(b"[" + b",".join([b"1"] * (VALUES_MAX + 1)) + b"]")
    assert refused.value.errors[0]["type"] == "too_long"


def test_a_full_batch_is_read() -> None:
    order = {"symbol": "BTC/USDT", "side": "buy", "order_type": "limit", "qty": "1", "price": "2"}
    more = {"time_in_force": "GTC", "comment": "c", "strategy_id": 1, "position_id": 2}
    params = {"postOnly": True, "clientId": "x"}
    command = {"account_id": 1, "command": "send_order", "request_id": "r"}
    batch = [command | {"payload": order | more | {"params": params}}] * 1000
    assert len(read_commands(load_body(json.dumps(batch).encode()), 1000)) == 1000


@pytest.mark.parametrize(
    "text",
    ['["\\ud800"]', '{"\\ud800":1}', '{"a":["x","\\udc00"]}', '["\\u0000"]', '{"\\u0000":1}'],
)
def test_text_that_cannot_be_stored_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        load_body(text.encode())


def test_escaped_pairs_and_backslashes_are_read() -> None:
    assert load_body(b'["\\ud83d\\ude00","\\\\ud800","\\\\u0000"]') == ["😀", "\\ud800", "\\u0000"]


def test_unknown_keys_are_not_listed_without_bound() -> None:
    payload = {f"k{i}": 1 for i in range(KEYS_MAX + 1)}
    with pytest.raises(Malformed) as refused:
        read_commands({"account_id": 1, "command": "send_order", "payload": payload}, 1)
    assert [error["loc"] for error in refused.value.errors] == [[0, "payload"]]


def test_free_values_are_bounded() -> None:
    assert read_ccxt_call("f", {"args": [1] * (FREE_VALUES_MAX - 1)}).args
    for values in ([1] * FREE_VALUES_MAX, [[]] * FREE_VALUES_MAX, [{"a": [1] * FREE_VALUES_MAX}]):
        with pytest.raises(Malformed) as refused:
            read_ccxt_call("f", {"args": values})
        assert refused.value.errors[0]["loc"] == ["args"]


@pytest.mark.parametrize("read", [read_ids, read_accounts])
def test_long_lists_of_ids_are_refused(read: Any) -> None:
    with pytest.raises(PydanticCustomError):
        read("1," * 100_000)


@pytest.mark.parametrize(
    "amount", ["-123456789012345678.123456789012345678", "-0.000000000000000001"]
)
def test_negative_amounts_are_exact(amount: str) -> None:
    assert read_amount(amount) == read_amount(Decimal(amount)) == Decimal(amount)


@pytest.mark.parametrize("key", ["depth", "limit", "poll_interval_ms", "account_id"])
@pytest.mark.parametrize("number", ["1e400", "1" * 64, "1e-400"])
def test_numbers_of_market_subscriptions(key: str, number: str) -> None:
    payload = {"account_id": 1, "symbol": "BTC/USDT"} | {key: load_body(number.encode())}
    try:
        subscription = read_market_subscription(payload)
    except Malformed as refused:
        assert refused.errors[0]["loc"] == [key]
    else:
        assert key == "poll_interval_ms"
        assert 250 <= subscription.poll_ms <= 10_000
