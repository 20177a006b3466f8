"""When a resting order is filled, by each fill model."""

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


def make_harness(**changes: Any) -> SimulationHarness:
    """The bid of 100 shows a quantity of five."""
    harness = SimulationHarness(some_settings(**changes), USDT="1000", SOL="10")
    harness.book(bids=("5 @ 100", "7 @ 99"), asks=("5 @ 101",))
    return harness


def test_trades_consume_the_queue_ahead_and_then_the_order() -> None:
    fees = {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates(maker="-0.0001")}
    harness = SimulationHarness(some_settings(fees=fees), USDT="1000")
    harness.book(bids=("5 @ 100",), asks=("5 @ 101",), symbol=LINEAR)
    harness.buy("2", "100", symbol=LINEAR)
    assert harness.public_trade("100", "4", symbol=LINEAR) == ()
    events = [
        harness.public_trade("100", "2", symbol=LINEAR),
        harness.public_trade("100", "1", symbol=LINEAR),
    ]
    assert [fills(each) for each in events] == [["1 @ 100"], ["1 @ 100"]]
    assert all(trade.maker for each in events for trade in trades(each))
    assert sum(Decimal(part) for part in harness.balance("USDT")) == Decimal("1000.02")


def test_buyer_trades_do_not_consume_bids() -> None:
    harness = make_harness()
    harness.buy("2", "100")
    assert harness.public_trade("100", "50", Side.BUY) == ()
    assert fills(harness.public_trade("100", "50", Side.SELL)) == ["2 @ 100"]


@pytest.mark.parametrize("model", list(FillModel))
def test_a_trade_or_quote_beyond_the_price_fills_entirely(model: FillModel) -> None:
    harness = make_harness(fill=model)
    harness.buy("3", "100")
    assert fills(harness.public_trade("99.99", "0.001")) == ["3 @ 100"]
    harness.buy("3", "99")
    assert fills(harness.book(bids=("1 @ 98",), asks=("1 @ 98.5",))) == ["3 @ 99"]


def test_through_never_fills_at_the_price() -> None:
    harness = make_harness(fill=FillModel.THROUGH)
    harness.buy("3", "100")
    assert harness.public_trade("100", "500") == ()
    assert harness.book(bids=("1 @ 99",), asks=("50 @ 100",)) == ()


def test_touch_fills_entirely_at_the_price() -> None:
    harness = make_harness(fill=FillModel.TOUCH)
    harness.buy("3", "100")
    assert fills(harness.public_trade("100", "0.001", Side.SELL)) == ["3 @ 100"]
    harness.sell("3", "101")
    assert fills(harness.book(bids=("0.001 @ 101",), asks=("1 @ 102",))) == ["3 @ 101"]


def test_orders_at_one_price_fill_in_time_order() -> None:
    harness = make_harness()
    harness.buy("2", "100")
    harness.buy("2", "100")
    assert fills(harness.public_trade("100", "6")) == ["1 @ 100"]
    events = harness.public_trade("100", "2")
    assert [t.exchange_order_id for t in trades(events)] == ["o1", "o2"]
    assert fills(events) == ["1 @ 100", "1 @ 100"]


def test_beyond_the_shown_levels_the_queue_is_set_by_the_first_trade() -> None:
    harness = make_harness()
    harness.buy("2", "98")
    assert harness.order("o1").queue is None
    harness.book(bids=("3 @ 98",), asks=("5 @ 99",))
    assert fills(harness.public_trade("98", "4")) == ["1 @ 98"]


def test_between_levels_the_queue_is_empty() -> None:
    harness = make_harness()
    harness.buy("2", "100.5")
    assert fills(harness.public_trade("100.5", "1")) == ["1 @ 100.5"]


def test_cancels_ahead_advance_the_queue_only_if_configured() -> None:
    for prorata, filled in ((False, []), (True, ["1 @ 100"])):
        harness = make_harness(queue_prorata=prorata)
        harness.buy("2", "100")
        harness.public_trade("100", "1")  # 4 are left ahead, and 4 shown
        harness.book(bids=("1 @ 100",), asks=("5 @ 101",))  # 3 of 4 canceled: 1 ahead
        assert fills(harness.public_trade("100", "2")) == filled


def test_a_change_loses_queue_position_unless_it_only_shrinks() -> None:
    harness = make_harness()
    harness.buy("2", "100")
    harness.public_trade("100", "4")
    harness.change("o1", qty="1")
    assert fills(harness.public_trade("100", "1.5")) == ["0.5 @ 100"]
    harness.change("o1", qty="2")
    queue = harness.order("o1").queue
    assert queue is not None
    assert queue.ahead == 5


def test_a_partial_fill_keeps_the_queue_position() -> None:
    harness = make_harness()
    harness.buy("2", "100")
    harness.public_trade("100", "5.5")
    assert fills(harness.public_trade("100", "0.5")) == ["0.5 @ 100"]
