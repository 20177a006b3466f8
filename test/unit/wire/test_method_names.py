"""Names of ccxt methods in both notations."""

import pytest

from oms.domain.ccxt_methods import READ_METHODS
from oms.wire.ccxt.method_names import snake_case


@pytest.mark.parametrize(
    ("func", "snake"),
    [
        ("fetchTicker", "fetch_ticker"),
        ("fetch_ticker", "fetch_ticker"),
        ("fetchOrderBook", "fetch_order_book"),
        ("fetchOHLCV", "fetch_ohlcv"),
        ("fetchL2OrderBook", "fetch_l2_order_book"),
        ("parse8601", "parse8601"),
        ("watchTicker", "watch_ticker"),
        ("createOrderWs", "create_order_ws"),
    ],
)
def test_camel_case(func: str, snake: str) -> None:
    assert snake_case(func) == snake


@pytest.mark.parametrize(
    "func", ["withdraw", "transfer", "create_order", "close", "__init__", "fetch2", "sign", ""]
)
def test_not_listed_is_never(func: str) -> None:
    assert func not in READ_METHODS
