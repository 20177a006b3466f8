"""OCO pairs and attached exits: the first fill of one cancels the other within the same step."""

from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.simulation_harness import (
    LINEAR,
    SPOT,
    SimulationHarness,
    event_kinds,
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


def make_harness(**changes: object) -> SimulationHarness:
    harness = SimulationHarness(some_settings(**changes), USDT="100000", SOL="10")
    harness.quote("100", "100")
    harness.quote("100", "100", LINEAR)
    return harness


def exits(gain: str | None = "110", loss: str | None = "95", **more: Any) -> OrderTerms:
    """Terms with a take profit and a stop loss at absolute prices."""
    return OrderTerms(
        take_profit=None if gain is None else AttachedExit(price=Decimal(gain)),
        stop_loss=None if loss is None else AttachedExit(price=Decimal(loss)),
        **more,
    )


def test_the_first_fill_of_one_cancels_the_other() -> None:
    harness = make_harness()
    assert event_kinds(harness.pair(Side.SELL, "4", "105", "95")) == ["Accepted", "Accepted"]
    assert harness.balance("SOL") == ("6", "4")  # locked once
    events = harness.book(bids=("1 @ 105",), asks=("1 @ 106",))
    assert event_kinds(events) == ["Canceled", "Filled"]
    assert harness.open_orders == ["o1"]
    assert harness.order("o1").remaining == 3
    assert harness.balance("SOL") == ("6", "3")
    assert harness.quote("90", "90") == ()  # the stop is canceled


def test_the_stop_of_a_pair_cancels_the_limit() -> None:
    harness = make_harness()
    harness.pair(Side.SELL, "4", "105", "95")
    events = harness.quote("95", "95")
    assert event_kinds(events) == ["Triggered", "Canceled", "Filled"]
    assert fills(events) == ["4 @ 95"]
    assert harness.open_orders == []
    assert harness.balance("SOL") == ("6", "0")


def test_canceling_one_cancels_both() -> None:
    harness = make_harness()
    harness.pair(Side.SELL, "4", "105", "95")
    events = harness.cancel("o2")
    assert [event.reason for event in events if isinstance(event, Canceled)] == ["", "oco"]
    assert harness.open_orders == []
    assert harness.balance("SOL") == ("10", "0")


def test_a_pair_locks_the_larger_of_both_and_only_once() -> None:
    harness = SimulationHarness(USDT="420")
    harness.quote("100", "100")
    harness.pair(Side.BUY, "4", "95", "105")
    assert harness.balance("USDT") == ("0", "420")
    assert event_kinds(harness.change("o2", trigger="101")) == ["Changed"]
    assert harness.balance("USDT") == ("16", "404")
    harness.cancel("o1")
    assert harness.balance("USDT") == ("420", "0")
    assert code_of_both(harness.pair(Side.BUY, "4.001", "95", "105")) == "insufficient_funds"


def code_of_both(events: tuple[Any, ...]) -> str:
    first, second = events
    assert (first.code, first.client_id) != (second.code, second.client_id)
    assert only_rejection_code((first,)) == only_rejection_code((second,))
    return only_rejection_code((first,))


def test_a_pair_is_accepted_entirely_or_not_at_all() -> None:
    harness = make_harness()
    before = harness.state
    assert code_of_both(harness.pair(Side.SELL, "4", "105", "101")) == "exchange_rejected"
    assert harness.state is before
    events = harness.pair(Side.SELL, "4", "99", "95")  # the limit is filled immediately
    assert event_kinds(events) == ["Accepted", "Accepted", "Canceled", "Filled"]
    assert harness.open_orders == []


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
def test_exits_are_placed_with_the_first_fill(symbol: str) -> None:
    harness = make_harness()
    assert event_kinds(harness.buy("2", "98", symbol=symbol, terms=exits())) == ["Accepted"]
    assert harness.open_orders == ["o1"]
    events = harness.quote("97", "97", symbol)
    assert event_kinds(events) == ["Filled", "Accepted", "Accepted"]
    made = [event.order for event in events if isinstance(event, Accepted)]
    assert [order.order_type for order in made] == ["limit", "stop_market"]
    for order in made:
        assert (order.client_id, order.qty, order.reduce_only) == ("", 2, True)
        assert (order.terms.parent, order.terms.source) == ("o1", OrderSource.ATTACHED)
    events = harness.quote("110", "110", symbol)
    assert event_kinds(events) == ["Canceled", "Filled"]
    (trade,) = trades(events)
    assert (trade.client_id, trade.parent, trade.source) == ("", "o1", OrderSource.ATTACHED)
    assert harness.open_orders == []
    assert harness.position_qty() == 0


def test_the_stop_loss_of_a_short() -> None:
    harness = make_harness()
    harness.sell("2", symbol=LINEAR, terms=exits("90", "105"))
    assert harness.open_orders == ["o2", "o3"]
    events = harness.quote("106", "106", LINEAR)
    assert event_kinds(events) == ["Triggered", "Canceled", "Filled"]
    assert fills(events) == ["2 @ 106"]
    assert harness.position_qty() == 0


def test_exits_grow_with_each_fill_of_the_parent() -> None:
    harness = make_harness()
    harness.buy("5", "98", symbol=LINEAR, terms=exits())
    harness.book(bids=("9 @ 97",), asks=("2 @ 98",), symbol=LINEAR)
    assert [harness.order(name).qty for name in ("o2", "o3")] == [2, 2]
    harness.book(bids=("9 @ 97",), asks=("1 @ 98",), symbol=LINEAR)
    assert [harness.order(name).qty for name in ("o2", "o3")] == [3, 3]
    harness.cancel("o1", LINEAR)
    assert harness.open_orders == ["o2", "o3"]
    harness.quote("95", "95", LINEAR)
    assert harness.position_qty() == 0


def test_exits_are_reduced_and_end_with_the_position() -> None:
    harness = make_harness()
    harness.buy("5", symbol=LINEAR, terms=exits())
    events = harness.sell("2", symbol=LINEAR)
    assert event_kinds(events) == ["Accepted", "Filled", "Changed", "Changed"]
    assert harness.order("o2").remaining == harness.order("o3").remaining == 3
    events = harness.sell("3", symbol=LINEAR, reduce_only=True)
    assert event_kinds(events) == ["Accepted", "Filled", "Canceled", "Canceled"]
    assert harness.open_orders == []


def test_an_entry_canceled_unfilled_has_no_exits() -> None:
    harness = make_harness()
    harness.buy("5", "90", symbol=LINEAR, terms=exits("110", "85"))
    assert event_kinds(harness.cancel("o1", LINEAR)) == ["Canceled"]
    assert harness.quote("80", "80", LINEAR) == ()


def test_spot_exits_lock_nothing() -> None:
    fees = {InstrumentKind.SPOT: rates("0.001", "0.001"), InstrumentKind.LINEAR: rates()}
    harness = SimulationHarness(some_settings(fees=fees), USDT="1000")
    harness.quote("100", "100")
    harness.buy("3", terms=exits())
    assert harness.order("o2").qty == Decimal("2.997")
    assert harness.balance("SOL") == ("2.997", "0")
    events = harness.sell("2.997", reduce_only=True)
    assert event_kinds(events) == ["Accepted", "Filled", "Canceled", "Canceled"]


def test_exits_in_percent_follow_the_average_price() -> None:
    harness = make_harness()
    terms = OrderTerms(
        take_profit=AttachedExit(percent=Decimal("4.5")),
        stop_loss=AttachedExit(percent=Decimal("1.5")),
    )
    harness.quote("100.1", "100.1")
    harness.buy("1", terms=terms)
    assert harness.order("o2").price == Decimal("104.6")
    assert harness.order("o3").terms.trigger_price == Decimal("98.6")
    harness.quote("100", "100", LINEAR)
    harness.sell("1", symbol=LINEAR, terms=terms)
    assert harness.order("o5").price == Decimal("95.5")
    assert harness.order("o6").terms.trigger_price == Decimal("101.5")


def test_percent_exits_move_at_the_next_fill() -> None:
    harness = make_harness()
    terms = OrderTerms(stop_loss=AttachedExit(percent=Decimal(10)))
    harness.book(bids=("9 @ 99",), asks=("1 @ 100",), symbol=LINEAR)
    harness.buy("2", "110", symbol=LINEAR, terms=terms)
    assert harness.order("o2").terms.trigger_price == 90
    harness.book(bids=("9 @ 109",), asks=("1 @ 110",), symbol=LINEAR)
    assert harness.order("o2").terms.trigger_price == Decimal("94.5")  # 105 less 10 %
    assert harness.order("o2").qty == 2


def test_a_manually_moved_exit_keeps_its_price() -> None:
    harness = make_harness()
    harness.book(bids=("9 @ 99",), asks=("1 @ 100",), symbol=LINEAR)
    harness.buy("2", "100", symbol=LINEAR, terms=exits())
    harness.change("o2", price="120", symbol=LINEAR)
    harness.change("o3", trigger="80", symbol=LINEAR)
    harness.book(bids=("9 @ 99",), asks=("1 @ 100",), symbol=LINEAR)
    assert (harness.order("o2").price, harness.order("o2").qty) == (120, 2)
    assert (harness.order("o3").terms.trigger_price, harness.order("o3").qty) == (80, 2)


@pytest.mark.parametrize("levels", [("110", "105"), ("95", "90"), ("95", "110")])
def test_exits_on_the_wrong_side_are_rejected(levels: tuple[str, str]) -> None:
    assert (
        only_rejection_code(make_harness().buy("1", "100", terms=exits(*levels)))
        == "exchange_rejected"
    )


def test_a_stop_loss_with_a_limit() -> None:
    harness = make_harness()
    stop = AttachedExit(price=Decimal(95), limit_price=Decimal("94.5"))
    harness.buy("1", symbol=LINEAR, terms=OrderTerms(stop_loss=stop))
    assert harness.order("o2").order_type == "stop_limit"
    events = harness.quote("94", "94", LINEAR)
    assert event_kinds(events) == ["Triggered"]
    assert fills(harness.quote("94.5", "94.6", LINEAR)) == ["1 @ 94.5"]


def test_an_exit_already_passed_triggers_immediately() -> None:
    harness = make_harness()
    harness.buy("1", "100.5", symbol=LINEAR, terms=exits("110", "99.5", trigger_price=None))
    harness = make_harness()
    harness.buy("2", "96", symbol=LINEAR, terms=exits("110", "95"))
    events = harness.quote("94", "94", LINEAR)  # beyond entry and stop loss at the same time
    assert fills(events) == ["2 @ 96", "2 @ 94"]
    assert harness.position_qty() == 0
    assert harness.open_orders == []


def test_exits_of_a_hedge_account_close_their_own_leg() -> None:
    harness = make_harness(hedge=True)
    harness.sell("1", symbol=LINEAR)
    harness.buy("2", symbol=LINEAR, terms=exits())
    assert harness.order("o3").leg is Leg.LONG
    harness.quote("90", "90", LINEAR)
    assert harness.position_qty(leg=Leg.LONG) == 0
    assert harness.position_qty(leg=Leg.SHORT) == -1
