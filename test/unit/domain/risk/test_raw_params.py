"""Raw parameters: which of them may change what an order trades."""

from typing import Any

import pytest

from oms.domain.ccxt_methods import may_open
from oms.domain.risk.raw_params import unjudged_param


@pytest.mark.parametrize(
    ("params", "opening", "exempt"),
    [
        ({}, None, None),
        ({"clientOrderId": "a", "reduceOnly": True, "timeInForce": "IOC"}, None, None),
        ({"trigger_price": 100, "stopLossPrice": 90}, None, None),
        ({"quantity": 9}, "quantity", "quantity"),
        ({"sz": "9"}, "sz", "sz"),
        ({"quoteOrderQty": 9}, "quoteOrderQty", "quoteOrderQty"),
        ({"priceMatch": "OPPONENT"}, "priceMatch", "priceMatch"),
        ({"createMarketBuyOrderRequiresPrice": False},)
        + ("createMarketBuyOrderRequiresPrice",) * 2,
        ({"positionSide": "SHORT"}, None, "positionSide"),
        ({"positionIdx": 0}, None, None),
        ({"posSide": "net"}, None, None),
        ({"stopLoss": {"triggerPrice": 90}}, None, None),
        ({"stopLoss": {"triggerPrice": 90, "amount": 9}}, "stopLoss", "stopLoss"),
        ({"stopLoss": "90"}, "stopLoss", "stopLoss"),
    ],
)
def test_only_known_parameters_leave_an_order_as_it_was_judged(
    params: dict[str, Any], opening: str | None, exempt: str | None
) -> None:
    assert unjudged_param(params, is_exempt=False) == opening
    assert unjudged_param(params, is_exempt=True) == exempt


@pytest.mark.parametrize(
    ("func", "expected"),
    [
        ("create_order", True),
        ("private_post_order", True),
        ("create_convert_trade", True),
        ("create_order_ws", True),
        ("cancel_order", False),
        ("fetch_balance", False),
        ("withdraw", False),
        ("fapi_private_get_position_side_dual", False),
        ("close_position", False),
    ],
)
def test_methods_that_are_not_known_to_do_something_else_may_open(
    func: str, expected: bool
) -> None:
    assert may_open(func) is expected
