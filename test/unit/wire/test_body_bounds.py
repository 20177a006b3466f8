"""Bounds of what one body may cost: numbers, values, depth, keys, text."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from oms.wire.commands.command_requests import read_ccxt_call, read_commands
from oms.wire.field_types import FREE_VALUES_MAX, read_accounts, read_amount, read_ids
from oms.wire.field_validation import KEYS_MAX
from oms.wire.json import NotJson, canonical_json, canonical_json_steps, loads
from oms.wire.market_subscription import read_market_subscription
from oms.wire.request_body import (
    DEPTH_MAX,
    ITEM_CHARACTERS_MAX,
    VALUES_AT_ONCE_MAX,
    VALUES_MAX,
    Malformed,
    load_body,
    load_body_steps,
)
from oms.wire.steps import ITEMS_PER_STEP, run_steps

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


def load_large(raw: bytes) -> object:
    """As a route that takes lists does."""
    return run_steps(load_body_steps(raw))


@pytest.mark.parametrize(
    ("load", "values_max"), [(load_body, VALUES_AT_ONCE_MAX), (load_large, VALUES_MAX)]
)
def test_number_of_values(load: Any, values_max: int) -> None:
    assert len(load(b"[" + b",".join([b"1"] * values_max) + b"]")) == values_max
    with pytest.raises(Malformed) as refused:
        load(b"[" + b",".join([b"1"] * (values_max + 1)) + b"]")
    assert refused.value.errors[0]["type"] == "too_long"
    assert str(values_max) in refused.value.message


def test_what_is_not_a_list_has_fewer_values() -> None:
    long = b"[" + b",".join([b"1"] * (VALUES_AT_ONCE_MAX + 1)) + b"]"
    with pytest.raises(Malformed) as refused:
        load_large(b'{"a":' + long + b"}")
    assert str(VALUES_AT_ONCE_MAX) in refused.value.message
    item = b'"' + b"x" * ITEM_CHARACTERS_MAX + b'"'
    with pytest.raises(Malformed):
        load_large(long[:-1] + b"," + item + b"]")


LONG_LIST = ",".join(["[1,2.50]"] * VALUES_AT_ONCE_MAX)


@pytest.mark.parametrize("text", ["[%s]", " [ %s ] ", "[\n%s\t,\r\n{}]", '[%s,"a,b]",[[]],null]'])
def test_items_of_a_long_list_are_read_as_in_a_short_one(text: str) -> None:
    raw = text.replace("%s", LONG_LIST).encode()
    assert load_large(raw) == loads(raw)


@pytest.mark.parametrize(
    "text",
    [
        *("[%s", "[%s,", "[%s,]", "[%s]]", "[%s] 1", "[%s}", "[,%s]", "[%s 1]", "[%s;1]"),
        *("[%s,,1]", "[%s,{]", '[%s,"x]', "[%s,01]", "[%s,NaN]", "[%s,1e999]", "[%s,nul]"),
        *('[%s,{"a":1,"a":2}]', '[%s,"\\ud800"]', "[%s,\x001]", "\ufeff[%s]"),
        "[%s," + "[" * DEPTH_MAX + "]" * DEPTH_MAX + "]",
    ],
)
def test_a_malformed_long_list_is_refused(text: str) -> None:
    short = text.replace("%s", "1").encode()
    with pytest.raises(Malformed):
        load_large(short)
    with pytest.raises(Malformed):
        load_large(text.replace("%s", LONG_LIST).encode())


def test_canonical_text_in_steps_is_the_same() -> None:
    items = [{"b": Decimal("1.50"), "a": ["é", None]}] * (2 * ITEMS_PER_STEP + 1)
    for value in (items, {"x": 1, "b": items, "a": {}}, {}, [], 5, {"a": [1]}):
        assert run_steps(canonical_json_steps(value)) == canonical_json(value)


def test_a_full_batch_is_read() -> None:
    order = {"symbol": "BTC/USDT", "side": "buy", "order_type": "limit", "qty": "1", "price": "2"}
    more = {"time_in_force": "GTC", "comment": "c", "strategy_id": 1, "position_id": 2}
    params = {"postOnly": True, "clientId": "x"}
    command = {"account_id": 1, "command": "send_order", "request_id": "r"}
    batch = [command | {"payload": order | more | {"params": params}}] * 1000
    assert len(read_commands(load_large(json.dumps(batch).encode()), 1000)) == 1000


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
