"""Pairs of orders: how a request is split, and which order ends which."""

from decimal import Decimal
from typing import Any

import pytest

from kit.builders import an_order
from oms.domain.commands.command import SendOrder
from oms.domain.errors import Invalid
from oms.domain.orders.order import Order, OrderState
from oms.domain.orders.order_pair import ends_other, may_revive, split_pair
from oms.domain.side import Side


def a_pair(**changes: Any) -> SendOrder:
    values: dict[str, Any] = {
        "symbol": "BTC/USDT:USDT",
        "side": Side.SELL,
        "order_type": "limit",
        "qty": Decimal(4),
        "price": Decimal(105),
        "reduce_only": True,
        "client_order_id": "mine",
        "params": {"oco": {"triggerPrice": "95"}, "more": 1},
    }
    return SendOrder(**(values | changes))


def test_a_request_is_split_into_a_limit_order_and_a_stop() -> None:
    limit, stop = split_pair(a_pair())
    assert (limit.order_type, limit.price, limit.params) == ("limit", 105, {"more": 1})
    assert (stop.order_type, stop.price, stop.trigger_price) == ("stop_market", None, 95)
    assert (limit.client_order_id, stop.client_order_id, stop.reason) == ("mine", None, "sl")
    assert (stop.qty, stop.reduce_only, stop.params) == (4, True, {"more": 1})
    _, stop = split_pair(a_pair(params={"oco": {"triggerPrice": "95", "price": "94"}}))
    assert (stop.order_type, stop.price, stop.trigger_price) == ("stop_limit", 94, 95)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"order_type": "market", "price": None}, "goes with a limit order"),
        ({"params": {"oco": "95"}}, "is an object"),
        ({"params": {"oco": {}}}, "needs a triggerPrice"),
        ({"params": {"oco": {"triggerPrice": "95", "limit": "1"}}}, "has no key limit"),
        ({"params": {"oco": {"triggerPrice": "x"}}}, "has no valid triggerPrice"),
        ({"params": {"oco": {"triggerPrice": "95", "price": "-1"}}}, "has no valid price"),
        ({"params": {"oco": {"triggerPrice": "105"}}}, "lies below the price"),
        ({"side": Side.BUY}, "lies above the price"),
        ({"time_in_force": "IOC"}, "rests until it is canceled"),
    ],
)
def test_what_makes_no_pair_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(Invalid, match=problem) as refused:
        split_pair(a_pair(**changes))
    assert refused.value.code == "order_type_not_supported"


def an_open_order(**changes: Any) -> Order:
    return an_order(**({"state": OrderState.SUBMITTED, "group_id": 1} | changes))


FILLED_PART = {"state": OrderState.PARTIALLY_FILLED, "filled_qty": Decimal("0.1")}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({}, {}, False),
        (FILLED_PART, {}, True),
        (FILLED_PART, {"cancel_reason": "oco"}, False),
        (FILLED_PART | {"cancel_reason": "oco"}, FILLED_PART, False),
        ({"state": OrderState.CANCELED}, {}, True),
        ({"state": OrderState.REJECTED}, {}, True),
        ({"state": OrderState.CANCELED}, FILLED_PART, False),
        ({"state": OrderState.FILLED, "filled_qty": Decimal(1)}, {"state": "CANCELED"}, False),
    ],
)
def test_the_first_fill_or_the_end_of_one_ends_the_other(
    one: dict[str, Any], other: dict[str, Any], expected: bool
) -> None:
    if "state" in other:
        other = other | {"state": OrderState(other["state"])}
    assert ends_other(an_open_order(**one), an_open_order(**other)) is expected


def test_an_order_that_counts_as_not_placed_may_be_listed_later() -> None:
    assert may_revive(an_order(state=OrderState.REJECTED, reject_code="not_placed"))
    assert not may_revive(an_order(state=OrderState.REJECTED, reject_code="insufficient_funds"))
