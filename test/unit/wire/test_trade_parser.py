"""Trading calls of ccxt: every method is normalized, by position and by keyword, or refused."""

import inspect
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from oms.domain.ccxt_methods import TRADE_METHODS
from oms.domain.errors import Invalid
from oms.domain.orders.order import Side
from oms.wire.ccxt.trade_parser import _SIGNATURES, PARSED_METHODS, read_trade
from oms.wire.ccxt.trade_requests import (
    ORDERS_MAX,
    CancelAllRequest,
    CancelOrders,
    CancelRequest,
    CloseRequest,
    CreateOrders,
    CreateRequest,
    EditOrders,
    SettingRequest,
)

SYMBOL = "BTC/USDT"
ORDER = {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 1, "price": 2}


def created(func: str, *args: object, **kwargs: object) -> CreateRequest:
    """Return the one order of a call."""
    trade = read_trade(func, args, kwargs)
    assert isinstance(trade, CreateOrders)
    (order,) = trade.orders
    return order


@pytest.mark.parametrize("func", sorted(PARSED_METHODS))
def test_arguments_are_ordered_as_in_ccxt(func: str) -> None:
    theirs = list(inspect.signature(getattr(ccxt.Exchange, func)).parameters)
    ours = _SIGNATURES[func].replace("|", " ").split()
    assert theirs[1:] == ours


def test_methods_without_a_parser() -> None:
    assert {
        *("create_twap_order", "cancel_all_orders_after", "set_margin", "add_margin"),
        "reduce_margin",
    } == TRADE_METHODS - PARSED_METHODS
    assert read_trade("create_twap_order", (), {}) is None


@pytest.mark.parametrize(
    ("func", "args", "side", "order_type"),
    [
        ("create_order", (SYMBOL, "limit", "buy", 1, 2), Side.BUY, "limit"),
        ("create_limit_order", (SYMBOL, "sell", 1, 2), Side.SELL, "limit"),
        ("create_market_order", (SYMBOL, "sell", 1), Side.SELL, "market"),
        ("create_limit_buy_order", (SYMBOL, 1, 2), Side.BUY, "limit"),
        ("create_limit_sell_order", (SYMBOL, 1, 2), Side.SELL, "limit"),
        ("create_market_buy_order", (SYMBOL, 1), Side.BUY, "market"),
        ("create_market_sell_order", (SYMBOL, 1), Side.SELL, "market"),
        ("create_stop_limit_order", (SYMBOL, "buy", 1, 2, 3), Side.BUY, "limit"),
        ("create_stop_market_order", (SYMBOL, "buy", 1, 3), Side.BUY, "market"),
        ("create_stop_order", (SYMBOL, "market", "buy", 1, None, 3), Side.BUY, "market"),
        ("create_reduce_only_order", (SYMBOL, "market", "buy", 1), Side.BUY, "market"),
    ],
)
def test_variants_are_normalized(
    func: str, args: tuple[object, ...], side: Side, order_type: str
) -> None:
    order = created(func, *args)
    assert (order.symbol, order.side, order.order_type) == (SYMBOL, side, order_type)
    assert order.amount == 1
    assert order.reduce_only is (func == "create_reduce_only_order")
    if "stop" in func:
        assert order.params == {"triggerPrice": 3}


def test_numbers_are_what_their_text_says() -> None:
    for value in (0.1, "0.1", Decimal("0.1"), "1e-1"):
        assert created("create_market_buy_order", SYMBOL, value).amount == Decimal("0.1")


def test_a_cost_takes_the_place_of_an_amount() -> None:
    order = created("create_market_buy_order_with_cost", SYMBOL, 50)
    assert (order.amount, order.cost) == (None, Decimal(50))


def test_edits_cancels_and_the_rest() -> None:
    edits = read_trade("edit_order", ("o1", SYMBOL, "limit", "buy", None, 5), {})
    assert (
        isinstance(edits, EditOrders) and edits.orders[0].price == 5 and not edits.orders[0].amount
    )
    named = read_trade("edit_order_with_client_order_id", ("me", SYMBOL), {"price": 5})
    assert isinstance(named, EditOrders) and named.orders[0].is_client_id
    one = CancelRequest(name="7", symbol=None)
    assert read_trade("cancel_order", (7,), {}) == CancelOrders(orders=(one,))
    assert read_trade("cancel_orders", (["7"],), {}) == CancelOrders(orders=(one,), is_list=True)
    assert read_trade("cancel_all_orders", (), {}) == CancelAllRequest(symbol=None)
    pairs = [{"id": "7", "symbol": SYMBOL}, {"clientOrderId": "x", "symbol": SYMBOL}]
    found = read_trade("cancel_orders_for_symbols", (pairs,), {})
    assert isinstance(found, CancelOrders)
    assert [order.is_client_id for order in found.orders] == [False, True]
    assert read_trade("close_position", (SYMBOL, "long"), {}) == CloseRequest(
        symbol=SYMBOL, side=Side.BUY
    )
    assert read_trade("close_all_positions", (), {}) == CloseRequest(symbol=None, side=None)
    value = read_trade("set_position_mode", (False,), {})
    assert value == SettingRequest(func="set_position_mode", value=False, symbol=None)


WRONG: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("create_order", (), {}),
    ("create_order", (SYMBOL, "limit", "buy", 1, 2, {}, 9), {}),
    ("create_order", (SYMBOL, "limit", "buy", 1), {}),
    ("create_order", (SYMBOL, "market", "buy", 1), {"symbol": SYMBOL}),
    ("create_order", (SYMBOL, "market", "buy", 1), {"other": 1}),
    ("create_order", (SYMBOL, "market", "buy", 1, None, []), {}),
    ("create_order", (1, "market", "buy", 1), {}),
    ("create_order", (SYMBOL, 5, "buy", 1), {}),
    ("create_order", (SYMBOL, "market", "up", 1), {}),
    ("create_order", (SYMBOL, "market", "buy", 0), {}),
    ("create_order", (SYMBOL, "market", "buy", -1), {}),
    ("create_order", (SYMBOL, "market", "buy", True), {}),
    ("create_order", (SYMBOL, "market", "buy", "much"), {}),
    ("create_order", (SYMBOL, "market", "buy", float("nan")), {}),
    ("create_order", (SYMBOL, "market", "buy", float("inf")), {}),
    ("create_order", (SYMBOL, "market", "buy", [1]), {}),
    ("create_orders", ([],), {}),
    ("create_orders", ({},), {}),
    ("create_orders", (["x"],), {}),
    ("create_orders", ([ORDER] * (ORDERS_MAX + 1),), {}),
    ("create_orders", ([ORDER | {"side": None}],), {}),
    ("create_trigger_order", (SYMBOL, "market", "buy", 1), {}),
    ("create_order_with_take_profit_and_stop_loss", (SYMBOL, "market", "buy", 1), {}),
    ("edit_order", ("o1",), {}),
    ("edit_order", ([], SYMBOL), {}),
    ("edit_orders", ([{"symbol": SYMBOL}],), {}),
    ("cancel_order", (), {}),
    ("cancel_order", ("",), {}),
    ("cancel_order", ("x" * 129,), {}),
    ("cancel_orders", ("o1",), {}),
    ("cancel_orders", (["o1"] * (ORDERS_MAX + 1),), {}),
    ("cancel_orders_for_symbols", ([{"id": "o1"}],), {}),
    ("close_position", (SYMBOL, "up"), {}),
    ("close_position", (), {}),
    ("set_leverage", (), {}),
]


@pytest.mark.parametrize(("func", "args", "kwargs"), WRONG)
def test_invalid_combinations(func: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        read_trade(func, args, kwargs)
    assert refused.value.code == "validation_error"
