"""No argument raises: a function fails with a code of ``last_error``, as in the package."""

import inspect
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

import mt5_driver as mt5

from .conftest import Connect
from .retcode_cases import DEAL, PENDING

ODD: list[Any] = [
    *(None, True, -1, 0, 10**12, 10**19, 10**400, 1.5, -0.0, 1e300, float("nan"), float("inf")),
    *("", "BTCUSD", "no such", "\x00", "*,!", b"bytes", (), [1], {"a": 1}, object(), np.int64(7)),
    *(datetime.min, datetime.max, datetime.min.replace(tzinfo=UTC), np.float32(0.1), np.nan),
]
ODD_VALUES = [
    *(-1, 10**12, 10**19, 10**400, 1e300, float("nan"), "no such", b"bytes", object()),
    *(datetime.min, datetime.max),
]
#: Arguments that are right, so that each odd one is reached.
RIGHT: dict[str, Any] = {
    "symbol": "BTCUSD",
    "timeframe": mt5.TIMEFRAME_H1,
    "date_from": 1_700_000_000,
    "date_to": 1_700_007_200,
    "count": 1,
    "start_pos": 0,
    "flags": mt5.COPY_TICKS_TRADE,
    "action": 0,
    "volume": 0.02,
    "price": 50000.0,
    "price_open": 50000.0,
    "price_close": 50001.0,
}
NAMES = [
    *("symbols_get", "symbol_info", "symbol_info_tick", "symbol_select", "market_book_add"),
    *("market_book_get", "market_book_release", "copy_rates_from", "copy_rates_from_pos"),
    *("copy_rates_range", "copy_ticks_from", "copy_ticks_range", "orders_get", "positions_get"),
    *("order_calc_margin", "order_calc_profit", "history_orders_total", "history_orders_get"),
    *("history_deals_total", "history_deals_get", "order_check", "order_send"),
]


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_argument_raises_nothing(name: str, connect: Connect) -> None:
    connect("netting")
    function = getattr(mt5, name)
    parameters = list(inspect.signature(function).parameters)
    right = {each: RIGHT[each] for each in parameters if each in RIGHT}
    for parameter in parameters:
        for odd in ODD:
            result = function(**right | {parameter: odd})
            code, text = mt5.last_error()
            assert (result is None or result is False) == (code != mt5.RES_S_OK), (parameter, odd)
            assert text


@pytest.mark.parametrize("field", mt5.TradeRequest._fields)
def test_an_odd_value_in_a_request_raises_nothing(field: str, connect: Connect) -> None:
    connect("netting")
    for request in (DEAL, PENDING | {"type_time": mt5.ORDER_TIME_SPECIFIED}):
        for odd in ODD_VALUES:
            result = mt5.order_check(request | {field: odd})
            assert (result is None) == (mt5.last_error()[0] != mt5.RES_S_OK), odd
    for request in ({"action": 6}, {"action": 7}, {"action": 8}, {"action": 10}):
        for odd in (10**12, 10**400, -1, float("nan")):
            result = mt5.order_send(request | {field: odd})
            assert result is None or result.retcode not in (10008, 10009), (request, odd)


def test_a_connection_with_odd_arguments_raises_nothing(connect: Connect) -> None:
    for function in (mt5.initialize, mt5.login):
        connect("netting")
        for parameter in ("login", "password", "server", "timeout"):
            for odd in ODD:
                done = function(**{"login": 1} | {parameter: odd})  # type: ignore[operator]
                assert done is (mt5.last_error()[0] == mt5.RES_S_OK)
