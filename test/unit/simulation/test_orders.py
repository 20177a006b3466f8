"""Arrival, resting, change and cancel of orders, and the code of each rejection."""

from datetime import timedelta
from decimal import Decimal

import pytest

from kit.builders import NOON
from kit.exchanges.simulation_harness import (
    SPOT,
    SimulationHarness,
    event_kinds,
    fills,
    only_rejection_code,
    some_settings,
    trades,
)
from oms.domain.orders.order import Side
from oms.simulation.inputs import NewOrder


def make_harness() -> SimulationHarness:
    harness = SimulationHarness(USDT="100000", SOL="1000")
    harness.book(bids=("5 @ 99", "5 @ 98"), asks=("5 @ 100", "5 @ 101"))
    return harness


def test_without_a_price_only_limit_orders_are_accepted() -> None:
    harness = SimulationHarness(USDT="1000")
    assert only_rejection_code(harness.buy("1")) == "no_price"
    assert event_kinds(harness.buy("1", "100")) == ["Accepted"]
    assert fills(harness.quote("99", "100")) == ["1 @ 100"]
    harness.book(bids=("1 @ 99",))
    assert only_rejection_code(harness.buy("1")) == "no_price"
    harness.book(asks=("0 @ 99",))
    assert only_rejection_code(harness.buy("1")) == "no_price"


def test_a_limit_fills_what_crosses_and_rests_the_remainder() -> None:
    harness = make_harness()
    events = harness.buy("8", "100")
    assert event_kinds(events) == ["Accepted", "Filled"]
    assert fills(events) == ["5 @ 100"]
    order = harness.state.orders[SPOT]["o1"]
    assert (order.filled, order.remaining, order.locked) == (5, 3, 300)


def test_a_resting_order_is_not_filled_by_consumed_depth() -> None:
    harness = make_harness()
    harness.buy("8", "100")
    assert fills(harness.buy("1", "100")) == []  # nothing is left at 100
    events = harness.book(asks=("2 @ 100", "9 @ 101"))
    assert fills(events) == ["2 @ 100"]
    assert [trade.exchange_order_id for trade in trades(events)] == ["o1"]


def test_resting_orders_fill_at_their_own_price_as_makers() -> None:
    harness = make_harness()
    harness.buy("1", "95")
    (trade,) = trades(harness.quote("89", "90"))
    assert (trade.price, trade.maker) == (95, True)


def test_price_time_priority() -> None:
    harness = make_harness()
    for price in ("95", "96", "96", "97"):
        harness.buy("1", price)
    events = harness.book(asks=("3 @ 95",))
    assert [trade.exchange_order_id for trade in trades(events)] == ["o4", "o2", "o3"]
    harness = make_harness()
    for price in ("105", "104", "104"):
        harness.sell("1", price)
    events = harness.book(bids=("2.5 @ 105",))
    assert [trade.exchange_order_id for trade in trades(events)] == ["o2", "o3", "o1"]
    assert fills(events)[-1] == "0.5 @ 105"


def test_a_market_order_beyond_the_book_has_price_impact() -> None:
    harness = SimulationHarness(some_settings(impact=Decimal("0.01")), USDT="100000")
    harness.book(asks=("1 @ 100", "3 @ 101"))
    events = harness.buy("8")
    # excess 4 over the 4 shown: 101 · (1 + 0.01 · √1) = 102.01
    assert fills(events) == ["1 @ 100", "3 @ 101", "4 @ 102.01"]
    assert [trade.extrapolated for trade in trades(events)] == [False, False, True]
    # excess 16 over 4: 101 · (1 + 0.01 · √4) = 103.02
    assert fills(harness.buy("12")) == ["12 @ 103.02"]


def test_price_impact_never_falls_below_a_tick() -> None:
    harness = SimulationHarness(some_settings(impact=Decimal(1)), SOL="1000")
    harness.book(bids=("1 @ 100",))
    assert fills(harness.sell("100")) == ["1 @ 100", "99 @ 0.01"]


def test_post_only_is_rejected_if_marketable() -> None:
    harness = make_harness()
    assert only_rejection_code(harness.buy("1", "100", post_only=True)) == "post_only_would_take"
    assert only_rejection_code(harness.sell("1", "99", post_only=True)) == "post_only_would_take"
    assert event_kinds(harness.buy("1", "99.99", post_only=True)) == ["Accepted"]
    assert only_rejection_code(harness.change("o1", price="100")) == "post_only_would_take"


def test_a_change_keeps_id_and_fills() -> None:
    harness = make_harness()
    harness.buy("8", "100")
    assert event_kinds(harness.change("o1", qty="6")) == ["Changed"]
    order = harness.state.orders[SPOT]["o1"]
    assert (order.qty, order.filled, order.locked) == (6, 5, 100)
    assert only_rejection_code(harness.change("o1", qty="4.999")) == "too_late"
    assert event_kinds(harness.change("o1", qty="5")) == ["Changed"]
    assert not harness.state.orders
    assert harness.balance("USDT") == ("99500", "0")


def test_a_change_that_crosses_fills() -> None:
    harness = make_harness()
    harness.buy("6", "95")
    events = harness.change("o1", price="101")
    assert event_kinds(events) == ["Changed", "Filled", "Filled"]
    assert fills(events) == ["5 @ 100", "1 @ 101"]
    assert not any(trade.maker for trade in trades(events))


def test_an_unfunded_change_leaves_the_order_unchanged() -> None:
    harness = make_harness()
    harness.buy("6", "95")
    before = harness.state
    assert only_rejection_code(harness.change("o1", qty="2000")) == "insufficient_funds"
    assert harness.state is before


@pytest.mark.parametrize(
    ("change", "first"),
    [({"qty": "0.5"}, "o1"), ({"qty": "2"}, "o2"), ({"price": "94"}, "o2")],
)
def test_only_a_smaller_quantity_keeps_priority(change: dict[str, str], first: str) -> None:
    harness = make_harness()
    harness.buy("1", "95")
    harness.buy("1", "95")
    harness.change("o1", **change)
    if "price" in change:
        harness.change("o1", price="95")
    events = harness.book(asks=("9 @ 95",))
    assert trades(events)[0].exchange_order_id == first


def test_cancel_distinguishes_unknown_from_final_orders() -> None:
    harness = make_harness()
    harness.buy("1", "95")
    assert event_kinds(harness.cancel("o1")) == ["Canceled"]
    assert only_rejection_code(harness.cancel("o1")) == "order_not_open"
    assert only_rejection_code(harness.change("o1", qty="2")) == "order_not_open"
    for name in ("o2", "", "o", "o0", "1", "o-1", "o٣"):
        assert only_rejection_code(harness.cancel(name)) == "order_not_found"


def test_a_clock_set_back_makes_no_fill_older_than_its_order() -> None:
    harness = make_harness()
    late = harness.now
    harness.buy("1", "95")
    harness.now = NOON - timedelta(days=1)
    (trade,) = trades(harness.quote("89", "90"))
    assert trade.executed_at == late


def test_a_step_is_repeatable_from_the_same_state() -> None:
    harness = make_harness()
    before = harness.state
    request = NewOrder(
        client_id="7",
        symbol=SPOT,
        side=Side.BUY,
        order_type="market",
        qty=Decimal(1),
        price=None,
        at=harness.now,
    )
    harness.apply(request)
    first, harness.state = harness.state, before
    harness.apply(request)
    assert harness.state == first
