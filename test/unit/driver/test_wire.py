"""Encoding of numbers and times, and names in two spellings."""

from decimal import Decimal
from typing import Any

import pytest

from ccxt_driver.naming import camel_case, is_trading, keyword_aliases, snake_case
from ccxt_driver.wire import Request, format_decimal, iso8601, json_bytes, parse_milliseconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1e-07, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (0.1 + 0.2, "0.30000000000000004"),
        (5, "5"),
        (100.0, "100"),
        ("1.500", "1.5"),
        ("  2e3 ", "2000"),
        (Decimal("1E-18"), "0.000000000000000001"),
        (Decimal("123456789012345678.123456789012345678"), "123456789012345678.123456789012345678"),
        ("-0.0", "0"),
        (100, "100"),
    ],
)
def test_a_number_becomes_plain_text(value: Any, text: str) -> None:
    assert format_decimal(value) == text


@pytest.mark.parametrize("value", ["NaN", float("inf"), "1e999999999", "", "ten", None, True, []])
def test_other_values_are_not_numbers(value: Any) -> None:
    with pytest.raises(ValueError, match=r"number|finite"):
        format_decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-25T20:00:00.123456Z",
        "2026-02-25T22:00:00.123+02:00",
        "2026-02-25T20:00:00.123",
        "2026-02-25 20:00:00.123",
    ],
)
def test_times_with_zone_and_without_are_read_as_utc(text: str) -> None:
    assert parse_milliseconds(text) == 1772049600123
    assert iso8601(parse_milliseconds(text)) == "2026-02-25T20:00:00.123Z"


@pytest.mark.parametrize("nothing", [None, "", "yesterday", 12])
def test_other_values_are_not_times(nothing: Any) -> None:
    assert parse_milliseconds(nothing) is None
    assert iso8601(None) is None


@pytest.mark.parametrize(
    ("camel", "snake"),
    [
        ("createOrder", "create_order"),
        ("fetchMyTrades", "fetch_my_trades"),
        ("fetchOHLCV", "fetch_ohlcv"),
        ("fetchMarkOHLCV", "fetch_mark_ohlcv"),
        ("fetchL2OrderBook", "fetch_l2_order_book"),
        ("callCcxt", "call_ccxt"),
        ("describe", "describe"),
    ],
)
def test_names_have_two_spellings(camel: str, snake: str) -> None:
    assert snake_case(camel) == snake
    assert camel_case(snake) == camel
    assert snake_case(snake) == snake


def test_trading_names() -> None:
    trading = ["create_x", "createX", "editX", "cancelAllOrdersAfter", "closeAllPositions"]
    assert all(map(is_trading, [*trading, "close_position", "CreateOrder", "createorder"]))
    assert not any(map(is_trading, ["fetch_order", "close", "set_leverage", "load_markets"]))


def test_a_keyword_and_its_alias_are_exclusive() -> None:
    @keyword_aliases(id="order_id")
    def method(id: int) -> int:
        return id

    assert method(order_id=5) == method(id=5) == method(5) == 5  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="the same"):
        method(id=5, order_id=5)  # type: ignore[call-arg]


def test_read_requests() -> None:
    def is_read(method: str, path: str) -> bool:
        return Request(method=method, path=path).is_read

    assert is_read("GET", "/oms/orders/1")
    assert is_read("POST", "/ccxt/1/fetch_ticker")
    assert is_read("POST", "/ccxt/core/1/fetch_balance")
    assert is_read("POST", "/ccxt/1/describe")
    assert not is_read("POST", "/oms/commands")
    assert not is_read("POST", "/ccxt/1/create_order")
    assert not is_read("POST", "/ccxt/1/withdraw")
    assert not is_read("POST", "/ccxt/1/fetch")


def test_decimals_are_sent_as_plain_text() -> None:
    assert json_bytes({"a": Decimal("1E-8")}) == b'{"a":"0.00000001"}'
