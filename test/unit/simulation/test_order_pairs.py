"""Pairs and attached exits: the first fill of one cancels the other, before the next input."""

from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.simulation_harness import (
    LINEAR,
    SPOT,
    SimulationHarness,
    fact_kinds,
    fills,
    only_rejection_code,
    rates,
    some_settings,
    trades,
)
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.order import Side
from oms.simulation.events import Accepted, Canceled
from oms.simulation.state.paper_order import AttachedExit, Leg, OrderSource, OrderTerms


def a_desk(**changes: object) -> SimulationHarness:
    desk = SimulationHarness(some_settings(**changes), USDT="100000", SOL="10")
    desk.quote("100", "100")
    desk.quote("100", "100", LINEAR)
    return desk


def exits(gain: str | None = "110", loss: str | None = "95", **more: Any) -> OrderTerms:
    """A take profit and a stop loss at prices."""
    return OrderTerms(
        take_profit=None if gain is None else AttachedExit(price=Decimal(gain)),
        stop_loss=None if loss is None else AttachedExit(price=Decimal(loss)),
        **more,
    )


def test_the_first_fill_of_one_cancels_the_other_and_the_rest_goes_on() -> None:
    desk = a_desk()
    assert fact_kinds(desk.pair(Side.SELL, "4", "105", "95")) == ["Accepted", "Accepted"]
    assert desk.balance("SOL") == ("6", "4")  # locked once
    events = desk.book(bids=("1 @ 105",), asks=("1 @ 106",))
    assert fact_kinds(events) == ["Canceled", "Filled"]
    assert desk.open_orders == ["o1"]
    assert desk.order("o1").remaining == 3
    assert desk.balance("SOL") == ("6", "3")
    assert desk.quote("90", "90") == ()  # the stop is gone


def test_the_stop_of_a_pair_cancels_the_limit() -> None:
    desk = a_desk()
    desk.pair(Side.SELL, "4", "105", "95")
    events = desk.quote("95", "95")
    assert fact_kinds(events) == ["Triggered", "Canceled", "Filled"]
    assert fills(events) == ["4 @ 95"]
    assert desk.open_orders == []
    assert desk.balance("SOL") == ("6", "0")


def test_cancelling_one_cancels_both() -> None:
    desk = a_desk()
    desk.pair(Side.SELL, "4", "105", "95")
    events = desk.cancel("o2")
    assert [event.reason for event in events if isinstance(event, Canceled)] == ["", "oco"]
    assert desk.open_orders == []
    assert desk.balance("SOL") == ("10", "0")


def test_a_pair_locks_the_larger_of_both_and_only_once() -> None:
    desk = SimulationHarness(USDT="420")
    desk.quote("100", "100")
    desk.pair(Side.BUY, "4", "95", "105")
    assert desk.balance("USDT") == ("0", "420")
    assert fact_kinds(desk.change("o2", trigger="101")) == ["Changed"]
    assert desk.balance("USDT") == ("16", "404")
    desk.cancel("o1")
    assert desk.balance("USDT") == ("420", "0")
    assert code_of_both(desk.pair(Side.BUY, "4.001", "95", "105")) == "insufficient_funds"


def code_of_both(events: tuple[Any, ...]) -> str:
    first, second = events
    assert (first.code, first.client_id) != (second.code, second.client_id)
    assert only_rejection_code((first,)) == only_rejection_code((second,))
    return only_rejection_code((first,))


def test_a_pair_arrives_whole_or_not_at_all() -> None:
    desk = a_desk()
    before = desk.state
    assert code_of_both(desk.pair(Side.SELL, "4", "105", "101")) == "exchange_rejected"
    assert desk.state is before
    events = desk.pair(Side.SELL, "4", "99", "95")  # the limit takes at once
    assert fact_kinds(events) == ["Accepted", "Accepted", "Canceled", "Filled"]
    assert desk.open_orders == []


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
def test_exits_come_with_the_first_fill(symbol: str) -> None:
    desk = a_desk()
    assert fact_kinds(desk.buy("2", "98", symbol=symbol, terms=exits())) == ["Accepted"]
    assert desk.open_orders == ["o1"]
    events = desk.quote("97", "97", symbol)
    assert fact_kinds(events) == ["Filled", "Accepted", "Accepted"]
    made = [event.order for event in events if isinstance(event, Accepted)]
    assert [order.order_type for order in made] == ["limit", "stop_market"]
    for order in made:
        assert (order.client_id, order.qty, order.reduce_only) == ("", 2, True)
        assert (order.terms.parent, order.terms.source) == ("o1", OrderSource.ATTACHED)
    events = desk.quote("110", "110", symbol)
    assert fact_kinds(events) == ["Canceled", "Filled"]
    (trade,) = trades(events)
    assert (trade.client_id, trade.parent, trade.source) == ("", "o1", OrderSource.ATTACHED)
    assert desk.open_orders == []
    assert desk.position_qty() == 0


def test_the_stop_loss_of_a_short() -> None:
    desk = a_desk()
    desk.sell("2", symbol=LINEAR, terms=exits("90", "105"))
    assert desk.open_orders == ["o2", "o3"]
    events = desk.quote("106", "106", LINEAR)
    assert fact_kinds(events) == ["Triggered", "Canceled", "Filled"]
    assert fills(events) == ["2 @ 106"]
    assert desk.position_qty() == 0


def test_exits_grow_with_each_fill_of_the_parent() -> None:
    desk = a_desk()
    desk.buy("5", "98", symbol=LINEAR, terms=exits())
    desk.book(bids=("9 @ 97",), asks=("2 @ 98",), symbol=LINEAR)
    assert [desk.order(name).qty for name in ("o2", "o3")] == [2, 2]
    desk.book(bids=("9 @ 97",), asks=("1 @ 98",), symbol=LINEAR)
    assert [desk.order(name).qty for name in ("o2", "o3")] == [3, 3]
    desk.cancel("o1", LINEAR)
    assert desk.open_orders == ["o2", "o3"]
    desk.quote("95", "95", LINEAR)
    assert desk.position_qty() == 0


def test_exits_are_cut_with_the_position_and_end_with_it() -> None:
    desk = a_desk()
    desk.buy("5", symbol=LINEAR, terms=exits())
    events = desk.sell("2", symbol=LINEAR)
    assert fact_kinds(events) == ["Accepted", "Filled", "Changed", "Changed"]
    assert desk.order("o2").remaining == desk.order("o3").remaining == 3
    events = desk.sell("3", symbol=LINEAR, reduce_only=True)
    assert fact_kinds(events) == ["Accepted", "Filled", "Canceled", "Canceled"]
    assert desk.open_orders == []


def test_an_entry_canceled_unfilled_has_no_exits() -> None:
    desk = a_desk()
    desk.buy("5", "90", symbol=LINEAR, terms=exits("110", "85"))
    assert fact_kinds(desk.cancel("o1", LINEAR)) == ["Canceled"]
    assert desk.quote("80", "80", LINEAR) == ()


def test_spot_exits_leave_what_they_protect_free_to_be_sold() -> None:
    fees = {InstrumentKind.SPOT: rates("0.001", "0.001"), InstrumentKind.LINEAR: rates()}
    desk = SimulationHarness(some_settings(fees=fees), USDT="1000")
    desk.quote("100", "100")
    desk.buy("3", terms=exits())
    assert desk.order("o2").qty == Decimal("2.997")
    assert desk.balance("SOL") == ("2.997", "0")
    events = desk.sell("2.997", reduce_only=True)
    assert fact_kinds(events) == ["Accepted", "Filled", "Canceled", "Canceled"]


def test_exits_in_percent_follow_the_average_price() -> None:
    desk = a_desk()
    terms = OrderTerms(
        take_profit=AttachedExit(percent=Decimal("4.5")),
        stop_loss=AttachedExit(percent=Decimal("1.5")),
    )
    desk.quote("100.1", "100.1")
    desk.buy("1", terms=terms)
    assert desk.order("o2").price == Decimal("104.6")
    assert desk.order("o3").terms.trigger_price == Decimal("98.6")
    desk.quote("100", "100", LINEAR)
    desk.sell("1", symbol=LINEAR, terms=terms)
    assert desk.order("o5").price == Decimal("95.5")
    assert desk.order("o6").terms.trigger_price == Decimal("101.5")


def test_percent_exits_move_at_the_next_fill() -> None:
    desk = a_desk()
    terms = OrderTerms(stop_loss=AttachedExit(percent=Decimal(10)))
    desk.book(bids=("9 @ 99",), asks=("1 @ 100",), symbol=LINEAR)
    desk.buy("2", "110", symbol=LINEAR, terms=terms)
    assert desk.order("o2").terms.trigger_price == 90
    desk.book(bids=("9 @ 109",), asks=("1 @ 110",), symbol=LINEAR)
    assert desk.order("o2").terms.trigger_price == Decimal("94.5")  # 105 less 10 %
    assert desk.order("o2").qty == 2


def test_an_exit_that_was_moved_by_hand_stays_where_it_was_put() -> None:
    desk = a_desk()
    desk.book(bids=("9 @ 99",), asks=("1 @ 100",), symbol=LINEAR)
    desk.buy("2", "100", symbol=LINEAR, terms=exits())
    desk.change("o2", price="120", symbol=LINEAR)
    desk.change("o3", trigger="80", symbol=LINEAR)
    desk.book(bids=("9 @ 99",), asks=("1 @ 100",), symbol=LINEAR)
    assert (desk.order("o2").price, desk.order("o2").qty) == (120, 2)
    assert (desk.order("o3").terms.trigger_price, desk.order("o3").qty) == (80, 2)


@pytest.mark.parametrize("levels", [("110", "105"), ("95", "90"), ("95", "110")])
def test_exits_on_the_wrong_sides_are_rejected(levels: tuple[str, str]) -> None:
    assert (
        only_rejection_code(a_desk().buy("1", "100", terms=exits(*levels))) == "exchange_rejected"
    )


def test_a_stop_loss_with_a_limit() -> None:
    desk = a_desk()
    stop = AttachedExit(price=Decimal(95), limit_price=Decimal("94.5"))
    desk.buy("1", symbol=LINEAR, terms=OrderTerms(stop_loss=stop))
    assert desk.order("o2").order_type == "stop_limit"
    events = desk.quote("94", "94", LINEAR)
    assert fact_kinds(events) == ["Triggered"]
    assert fills(desk.quote("94.5", "94.6", LINEAR)) == ["1 @ 94.5"]


def test_an_exit_that_the_market_has_passed_already_acts_at_once() -> None:
    desk = a_desk()
    desk.buy("1", "100.5", symbol=LINEAR, terms=exits("110", "99.5", trigger_price=None))
    desk = a_desk()
    desk.buy("2", "96", symbol=LINEAR, terms=exits("110", "95"))
    events = desk.quote("94", "94", LINEAR)  # through entry and stop loss in one
    assert fills(events) == ["2 @ 96", "2 @ 94"]
    assert desk.position_qty() == 0
    assert desk.open_orders == []


def test_exits_of_a_hedge_account_close_their_own_leg() -> None:
    desk = a_desk(hedge=True)
    desk.sell("1", symbol=LINEAR)
    desk.buy("2", symbol=LINEAR, terms=exits())
    assert desk.order("o3").leg is Leg.LONG
    desk.quote("90", "90", LINEAR)
    assert desk.position_qty(leg=Leg.LONG) == 0
    assert desk.position_qty(leg=Leg.SHORT) == -1
