"""Times in force, and market buys by cost."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.simulation_harness import (
    SimulationHarness,
    event_kinds,
    fills,
    only_rejection_code,
    some_settings,
    trades,
)
from oms.domain.orders.order import Side
from oms.simulation.events import Canceled, Expired
from oms.simulation.state.paper_order import PLAIN_TERMS, OrderTerms, TimeInForce


def make_harness(**changes: object) -> SimulationHarness:
    harness = SimulationHarness(some_settings(**changes), USDT="100000", SOL="1000")
    harness.book(bids=("5 @ 99", "5 @ 98"), asks=("5 @ 100", "5 @ 101"))
    return harness


def advance_to(kind: TimeInForce, **more: Any) -> OrderTerms:
    return OrderTerms(time_in_force=kind, **more)


def test_ioc_fills_what_it_can_and_cancels_the_rest() -> None:
    harness = make_harness()
    events = harness.buy("8", "100", terms=advance_to(TimeInForce.IOC))
    assert event_kinds(events) == ["Accepted", "Filled", "Canceled"]
    assert fills(events) == ["5 @ 100"]
    (canceled,) = [event for event in events if isinstance(event, Canceled)]
    assert (canceled.reason, canceled.order.filled) == ("ioc", 5)
    assert harness.open_orders == []
    assert harness.balance("USDT") == ("99500", "0")
    assert event_kinds(harness.buy("8", "100", terms=advance_to(TimeInForce.IOC))) == [
        "Accepted",
        "Canceled",
    ]


def test_fok_is_all_or_nothing() -> None:
    harness = make_harness()
    events = harness.buy("8", "100", terms=advance_to(TimeInForce.FOK))
    assert event_kinds(events) == ["Accepted", "Canceled"]
    assert harness.state.markets["SOL/USDT"].asks.levels[0] == (100, 5)
    events = harness.buy("8", "101", terms=advance_to(TimeInForce.FOK))
    assert fills(events) == ["5 @ 100", "3 @ 101"]
    assert harness.open_orders == []


def test_gtd_expires_at_its_exact_time() -> None:
    harness = make_harness()
    expires = harness.now + timedelta(seconds=10)
    harness.buy("1", "95", terms=advance_to(TimeInForce.GTD, expires_at=expires))
    assert harness.advance(5) == ()
    events = harness.advance(60)
    assert event_kinds(events) == ["Expired"]
    assert isinstance(events[0], Expired)
    assert harness.balance("USDT") == ("100000", "0")
    assert only_rejection_code(harness.cancel("o1")) == "order_not_open"


def test_an_expired_order_is_not_filled_by_later_updates() -> None:
    harness = make_harness()
    expires = harness.now + timedelta(seconds=10)
    harness.buy("1", "95", terms=advance_to(TimeInForce.GTD, expires_at=expires))
    harness.now += timedelta(seconds=20)
    assert event_kinds(harness.quote("90", "90")) == ["Expired"]


def test_an_expiry_can_be_moved_set_and_removed() -> None:
    harness = make_harness()
    start = harness.now
    harness.buy("1", "95")
    assert event_kinds(harness.change("o1", expires_at=start + timedelta(seconds=10))) == [
        "Changed"
    ]
    rank = harness.order("o1").rank
    harness.change("o1", expires_at=start + timedelta(seconds=30))
    assert harness.order("o1").rank == rank, "a new expiry keeps the priority"
    assert harness.advance(20) == ()
    past = harness.change("o1", expires_at=start)
    assert only_rejection_code(past) == "exchange_rejected"
    harness.change("o1", time_in_force=TimeInForce.GTC)
    assert harness.order("o1").terms is PLAIN_TERMS
    assert harness.advance(3600) == ()
    assert harness.open_orders == ["o1"]
    harness.change("o1", expires_at=harness.now + timedelta(seconds=1))
    assert event_kinds(harness.advance(5)) == ["Expired"]


def test_a_resting_order_cannot_become_immediate() -> None:
    harness = make_harness()
    harness.buy("1", "95")
    refused = harness.change("o1", time_in_force=TimeInForce.IOC)
    assert only_rejection_code(refused) == "exchange_rejected"


def test_a_clock_set_back_expires_nothing_twice() -> None:
    harness = make_harness()
    harness.advance(60)
    late = harness.now
    harness.now -= timedelta(seconds=50)
    events = harness.buy("1", "95", terms=advance_to(TimeInForce.GTD, expires_at=harness.now))
    assert only_rejection_code(events) == "exchange_rejected"
    harness.buy("1", "95")
    assert harness.order("o1").created_at == late - timedelta(seconds=1)


@pytest.mark.parametrize(
    "fields",
    [
        {"terms": advance_to(TimeInForce.GTD)},
        {"terms": OrderTerms(expires_at=make_harness().now + timedelta(days=1))},
        {"terms": advance_to(TimeInForce.IOC), "post_only": True},
        {"terms": advance_to(TimeInForce.FOK), "post_only": True},
    ],
)
def test_contradictory_orders_are_rejected(fields: dict[str, Any]) -> None:
    assert only_rejection_code(make_harness().buy("1", "95", **fields)) == "exchange_rejected"


def test_a_triggered_stop_limit_keeps_its_time_in_force() -> None:
    harness = make_harness()
    terms = {"time_in_force": TimeInForce.IOC}
    harness.stop(Side.SELL, "8", "95", "94", terms=terms)
    assert harness.open_orders == ["o1"]
    events = harness.book(bids=("3 @ 94.5",), asks=("1 @ 95",))
    assert event_kinds(events) == ["Triggered", "Filled", "Canceled"]
    assert fills(events) == ["3 @ 94.5"]


def test_a_buy_by_cost_fills_to_the_last_whole_step() -> None:
    harness = make_harness()
    events = harness.buy("0", cost=Decimal(700))
    # 5 · 100 and 200 ÷ 101 = 1.9801…, down to the step of 0.001
    assert fills(events) == ["5 @ 100", "1.98 @ 101"]
    assert only_rejection_code(harness.buy("0", cost=Decimal("0.05"))) == "exchange_rejected"
    assert only_rejection_code(harness.sell("0", cost=Decimal(700))) == "exchange_rejected"


def test_a_price_without_depth_has_slippage() -> None:
    harness = SimulationHarness(some_settings(slippage=Decimal("0.001")), USDT="1000", SOL="10")
    harness.quote("100", "100.1")
    assert fills(harness.buy("1")) == ["1 @ 100.21"]  # 100.2001, up to the tick
    assert fills(harness.sell("1")) == ["1 @ 99.9"]
    assert fills(harness.buy("1", "101")) == ["1 @ 100.1"]  # limit orders have no slippage


def test_a_single_price_gets_a_spread() -> None:
    harness = SimulationHarness(some_settings(spread_bps=Decimal(20)), USDT="1000", SOL="10")
    harness.quote("100", "100")
    assert fills(harness.buy("1")) == ["1 @ 100.1"]
    assert fills(harness.sell("1")) == ["1 @ 99.9"]


def test_fills_can_be_split() -> None:
    harness = make_harness(partial_fill=Decimal("0.25"))
    events = harness.buy("2")
    assert fills(events) == ["0.5 @ 100", "1.5 @ 100"]
    assert len({trade.trade_id for trade in trades(events)}) == 2
    assert harness.open_orders == []


def test_the_reject_rate_is_met() -> None:
    harness = make_harness(reject_rate=Decimal("0.5"))
    outcomes = [event_kinds(harness.buy("0.001", "1")) for _ in range(200)]
    assert 60 < outcomes.count(["Rejected"]) < 140
    again = make_harness(reject_rate=Decimal("0.5"))
    assert [event_kinds(again.buy("0.001", "1")) for _ in range(200)] == outcomes
