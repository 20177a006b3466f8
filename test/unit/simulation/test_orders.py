"""Arrival, resting, change and cancel; each rejection by name."""

from datetime import timedelta
from decimal import Decimal

import pytest

from kit.builders import NOON
from kit.exchanges.simulation_harness import (
    SPOT,
    SimulationHarness,
    fact_kinds,
    fills,
    only_rejection_code,
    some_settings,
    trades,
)
from oms.domain.orders.order import Side
from oms.simulation.inputs import NewOrder


def a_desk() -> SimulationHarness:
    desk = SimulationHarness(USDT="100000", SOL="1000")
    desk.book(bids=("5 @ 99", "5 @ 98"), asks=("5 @ 100", "5 @ 101"))
    return desk


def test_no_price_no_market_order_but_a_limit_waits() -> None:
    desk = SimulationHarness(USDT="1000")
    assert only_rejection_code(desk.buy("1")) == "no_price"
    assert fact_kinds(desk.buy("1", "100")) == ["Accepted"]
    assert fills(desk.quote("99", "100")) == ["1 @ 100"]
    desk.book(bids=("1 @ 99",))
    assert only_rejection_code(desk.buy("1")) == "no_price"
    desk.book(asks=("0 @ 99",))
    assert only_rejection_code(desk.buy("1")) == "no_price"


def test_a_limit_takes_what_crosses_and_rests_with_the_remainder() -> None:
    desk = a_desk()
    events = desk.buy("8", "100")
    assert fact_kinds(events) == ["Accepted", "Filled"]
    assert fills(events) == ["5 @ 100"]
    order = desk.state.orders[SPOT]["o1"]
    assert (order.filled, order.remaining, order.locked) == (5, 3, 300)


def test_a_resting_order_is_not_filled_by_depth_it_has_taken() -> None:
    desk = a_desk()
    desk.buy("8", "100")
    assert fills(desk.buy("1", "100")) == []  # nothing is left at 100
    events = desk.book(asks=("2 @ 100", "9 @ 101"))
    assert fills(events) == ["2 @ 100"]
    assert [trade.exchange_order_id for trade in trades(events)] == ["o1"]


def test_resting_orders_fill_at_their_own_price_as_makers() -> None:
    desk = a_desk()
    desk.buy("1", "95")
    (trade,) = trades(desk.quote("89", "90"))
    assert (trade.price, trade.maker) == (95, True)


def test_better_prices_are_served_first_then_the_first_to_come() -> None:
    desk = a_desk()
    for price in ("95", "96", "96", "97"):
        desk.buy("1", price)
    events = desk.book(asks=("3 @ 95",))
    assert [trade.exchange_order_id for trade in trades(events)] == ["o4", "o2", "o3"]
    desk = a_desk()
    for price in ("105", "104", "104"):
        desk.sell("1", price)
    events = desk.book(bids=("2.5 @ 105",))
    assert [trade.exchange_order_id for trade in trades(events)] == ["o2", "o3", "o1"]
    assert fills(events)[-1] == "0.5 @ 105"


def test_a_market_order_beyond_the_book_moves_the_last_price_against_itself() -> None:
    desk = SimulationHarness(some_settings(impact=Decimal("0.01")), USDT="100000")
    desk.book(asks=("1 @ 100", "3 @ 101"))
    events = desk.buy("8")
    # excess 4 over the 4 shown: 101 · (1 + 0.01 · √1) = 102.01
    assert fills(events) == ["1 @ 100", "3 @ 101", "4 @ 102.01"]
    assert [trade.extrapolated for trade in trades(events)] == [False, False, True]
    # excess 16 over 4: 101 · (1 + 0.01 · √4) = 103.02
    assert fills(desk.buy("12")) == ["12 @ 103.02"]


def test_a_sell_beyond_the_book_never_falls_below_a_tick() -> None:
    desk = SimulationHarness(some_settings(impact=Decimal(1)), SOL="1000")
    desk.book(bids=("1 @ 100",))
    assert fills(desk.sell("100")) == ["1 @ 100", "99 @ 0.01"]


def test_post_only_never_takes() -> None:
    desk = a_desk()
    assert only_rejection_code(desk.buy("1", "100", post_only=True)) == "post_only_would_take"
    assert only_rejection_code(desk.sell("1", "99", post_only=True)) == "post_only_would_take"
    assert fact_kinds(desk.buy("1", "99.99", post_only=True)) == ["Accepted"]
    assert only_rejection_code(desk.change("o1", price="100")) == "post_only_would_take"


def test_a_change_keeps_the_id_and_what_is_filled() -> None:
    desk = a_desk()
    desk.buy("8", "100")
    assert fact_kinds(desk.change("o1", qty="6")) == ["Changed"]
    order = desk.state.orders[SPOT]["o1"]
    assert (order.qty, order.filled, order.locked) == (6, 5, 100)
    assert only_rejection_code(desk.change("o1", qty="4.999")) == "too_late"
    assert fact_kinds(desk.change("o1", qty="5")) == ["Changed"]
    assert not desk.state.orders
    assert desk.balance("USDT") == ("99500", "0")


def test_a_change_that_crosses_takes() -> None:
    desk = a_desk()
    desk.buy("6", "95")
    events = desk.change("o1", price="101")
    assert fact_kinds(events) == ["Changed", "Filled", "Filled"]
    assert fills(events) == ["5 @ 100", "1 @ 101"]
    assert not any(trade.maker for trade in trades(events))


def test_a_change_beyond_the_money_leaves_the_order_as_it_was() -> None:
    desk = a_desk()
    desk.buy("6", "95")
    before = desk.state
    assert only_rejection_code(desk.change("o1", qty="2000")) == "insufficient_funds"
    assert desk.state is before


@pytest.mark.parametrize(
    ("change", "first"),
    [({"qty": "0.5"}, "o1"), ({"qty": "2"}, "o2"), ({"price": "94"}, "o2")],
)
def test_only_a_smaller_quantity_keeps_the_place(change: dict[str, str], first: str) -> None:
    desk = a_desk()
    desk.buy("1", "95")
    desk.buy("1", "95")
    desk.change("o1", **change)
    if "price" in change:
        desk.change("o1", price="95")
    events = desk.book(asks=("9 @ 95",))
    assert trades(events)[0].exchange_order_id == first


def test_cancel_tells_unknown_from_final() -> None:
    desk = a_desk()
    desk.buy("1", "95")
    assert fact_kinds(desk.cancel("o1")) == ["Canceled"]
    assert only_rejection_code(desk.cancel("o1")) == "order_not_open"
    assert only_rejection_code(desk.change("o1", qty="2")) == "order_not_open"
    for name in ("o2", "", "o", "o0", "1", "o-1", "o٣"):
        assert only_rejection_code(desk.cancel(name)) == "order_not_found"


def test_a_clock_set_back_makes_no_fill_older_than_its_order() -> None:
    desk = a_desk()
    late = desk.now
    desk.buy("1", "95")
    desk.now = NOON - timedelta(days=1)
    (trade,) = trades(desk.quote("89", "90"))
    assert trade.executed_at == late


def test_the_same_inputs_do_not_depend_on_the_object_that_is_given() -> None:
    desk = a_desk()
    before = desk.state
    wish = NewOrder(
        client_id="7",
        symbol=SPOT,
        side=Side.BUY,
        order_type="market",
        qty=Decimal(1),
        price=None,
        at=desk.now,
    )
    desk.apply(wish)
    first, desk.state = desk.state, before
    desk.apply(wish)
    assert desk.state == first
