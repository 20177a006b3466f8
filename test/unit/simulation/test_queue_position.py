"""When a resting order is executed, by each fill model."""

from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.simulation_harness import (
    LINEAR,
    SimulationHarness,
    fills,
    rates,
    some_settings,
    trades,
)
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.order import Side
from oms.simulation.settings import FillModel


def a_desk(**changes: Any) -> SimulationHarness:
    """Five are shown at the bid of 100."""
    desk = SimulationHarness(some_settings(**changes), USDT="1000", SOL="10")
    desk.book(bids=("5 @ 100", "7 @ 99"), asks=("5 @ 101",))
    return desk


def test_trades_eat_what_is_ahead_and_then_the_order() -> None:
    fees = {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates(maker="-0.0001")}
    desk = SimulationHarness(some_settings(fees=fees), USDT="1000")
    desk.book(bids=("5 @ 100",), asks=("5 @ 101",), symbol=LINEAR)
    desk.buy("2", "100", symbol=LINEAR)
    assert desk.public_trade("100", "4", symbol=LINEAR) == ()
    events = [
        desk.public_trade("100", "2", symbol=LINEAR),
        desk.public_trade("100", "1", symbol=LINEAR),
    ]
    assert [fills(each) for each in events] == [["1 @ 100"], ["1 @ 100"]]
    assert all(trade.maker for each in events for trade in trades(each))
    assert sum(Decimal(part) for part in desk.balance("USDT")) == Decimal("1000.02")


def test_a_trade_of_a_buyer_eats_no_bids() -> None:
    desk = a_desk()
    desk.buy("2", "100")
    assert desk.public_trade("100", "50", Side.BUY) == ()
    assert fills(desk.public_trade("100", "50", Side.SELL)) == ["2 @ 100"]


@pytest.mark.parametrize("model", list(FillModel))
def test_a_trade_or_a_quote_through_the_price_fills_all(model: FillModel) -> None:
    desk = a_desk(fill=model)
    desk.buy("3", "100")
    assert fills(desk.public_trade("99.99", "0.001")) == ["3 @ 100"]
    desk.buy("3", "99")
    assert fills(desk.book(bids=("1 @ 98",), asks=("1 @ 98.5",))) == ["3 @ 99"]


def test_through_never_fills_at_the_price() -> None:
    desk = a_desk(fill=FillModel.THROUGH)
    desk.buy("3", "100")
    assert desk.public_trade("100", "500") == ()
    assert desk.book(bids=("1 @ 99",), asks=("50 @ 100",)) == ()


def test_touch_fills_all_at_the_price() -> None:
    desk = a_desk(fill=FillModel.TOUCH)
    desk.buy("3", "100")
    assert fills(desk.public_trade("100", "0.001", Side.SELL)) == ["3 @ 100"]
    desk.sell("3", "101")
    assert fills(desk.book(bids=("0.001 @ 101",), asks=("1 @ 102",))) == ["3 @ 101"]


def test_orders_at_one_price_are_served_in_turn() -> None:
    desk = a_desk()
    desk.buy("2", "100")
    desk.buy("2", "100")
    assert fills(desk.public_trade("100", "6")) == ["1 @ 100"]
    events = desk.public_trade("100", "2")
    assert [t.exchange_order_id for t in trades(events)] == ["o1", "o2"]
    assert fills(events) == ["1 @ 100", "1 @ 100"]


def test_beyond_what_is_shown_the_queue_is_what_stands_there_when_a_trade_comes() -> None:
    desk = a_desk()
    desk.buy("2", "98")
    assert desk.order("o1").queue is None
    desk.book(bids=("3 @ 98",), asks=("5 @ 99",))
    assert fills(desk.public_trade("98", "4")) == ["1 @ 98"]


def test_between_the_levels_nobody_is_ahead() -> None:
    desk = a_desk()
    desk.buy("2", "100.5")
    assert fills(desk.public_trade("100.5", "1")) == ["1 @ 100.5"]


def test_cancels_ahead_do_not_help_unless_it_is_wished() -> None:
    for prorata, filled in ((False, []), (True, ["1 @ 100"])):
        desk = a_desk(queue_prorata=prorata)
        desk.buy("2", "100")
        desk.public_trade("100", "1")  # 4 are left ahead, and 4 shown
        desk.book(bids=("1 @ 100",), asks=("5 @ 101",))  # 3 of 4 canceled: 1 ahead
        assert fills(desk.public_trade("100", "2")) == filled


def test_a_change_loses_the_place_unless_it_only_shrinks() -> None:
    desk = a_desk()
    desk.buy("2", "100")
    desk.public_trade("100", "4")
    desk.change("o1", qty="1")
    assert fills(desk.public_trade("100", "1.5")) == ["0.5 @ 100"]
    desk.change("o1", qty="2")
    queue = desk.order("o1").queue
    assert queue is not None
    assert queue.ahead == 5


def test_the_place_is_kept_over_a_partial_fill() -> None:
    desk = a_desk()
    desk.buy("2", "100")
    desk.public_trade("100", "5.5")
    assert fills(desk.public_trade("100", "0.5")) == ["0.5 @ 100"]
