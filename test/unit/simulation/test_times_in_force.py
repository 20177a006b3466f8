"""How long what is left of an order may wait; what is bought for a cost."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.simulation_harness import (
    SimulationHarness,
    fact_kinds,
    fills,
    only_rejection_code,
    some_settings,
    trades,
)
from oms.domain.orders.order import Side
from oms.simulation.events import Canceled, Expired
from oms.simulation.state.paper_order import OrderTerms, TimeInForce


def a_desk(**changes: object) -> SimulationHarness:
    desk = SimulationHarness(some_settings(**changes), USDT="100000", SOL="1000")
    desk.book(bids=("5 @ 99", "5 @ 98"), asks=("5 @ 100", "5 @ 101"))
    return desk


def until(kind: TimeInForce, **more: Any) -> OrderTerms:
    return OrderTerms(time_in_force=kind, **more)


def test_ioc_takes_what_is_there_and_cancels_the_rest() -> None:
    desk = a_desk()
    events = desk.buy("8", "100", terms=until(TimeInForce.IOC))
    assert fact_kinds(events) == ["Accepted", "Filled", "Canceled"]
    assert fills(events) == ["5 @ 100"]
    (canceled,) = [event for event in events if isinstance(event, Canceled)]
    assert (canceled.reason, canceled.order.filled) == ("ioc", 5)
    assert desk.open_orders == []
    assert desk.balance("USDT") == ("99500", "0")
    assert fact_kinds(desk.buy("8", "100", terms=until(TimeInForce.IOC))) == [
        "Accepted",
        "Canceled",
    ]


def test_fok_is_all_or_nothing() -> None:
    desk = a_desk()
    events = desk.buy("8", "100", terms=until(TimeInForce.FOK))
    assert fact_kinds(events) == ["Accepted", "Canceled"]
    assert desk.state.markets["SOL/USDT"].asks.levels[0] == (100, 5)
    events = desk.buy("8", "101", terms=until(TimeInForce.FOK))
    assert fills(events) == ["5 @ 100", "3 @ 101"]
    assert desk.open_orders == []


def test_gtd_expires_at_its_time_and_not_before() -> None:
    desk = a_desk()
    expires = desk.now + timedelta(seconds=10)
    desk.buy("1", "95", terms=until(TimeInForce.GTD, expires_at=expires))
    assert desk.advance(5) == ()
    events = desk.advance(60)
    assert fact_kinds(events) == ["Expired"]
    assert isinstance(events[0], Expired)
    assert desk.balance("USDT") == ("100000", "0")
    assert only_rejection_code(desk.cancel("o1")) == "order_not_open"


def test_what_has_expired_is_not_filled_by_the_news_that_come_after() -> None:
    desk = a_desk()
    expires = desk.now + timedelta(seconds=10)
    desk.buy("1", "95", terms=until(TimeInForce.GTD, expires_at=expires))
    desk.now += timedelta(seconds=20)
    assert fact_kinds(desk.quote("90", "90")) == ["Expired"]


def test_a_clock_set_back_expires_nothing_anew() -> None:
    desk = a_desk()
    desk.advance(60)
    late = desk.now
    desk.now -= timedelta(seconds=50)
    events = desk.buy("1", "95", terms=until(TimeInForce.GTD, expires_at=desk.now))
    assert only_rejection_code(events) == "exchange_rejected"
    desk.buy("1", "95")
    assert desk.order("o1").created_at == late - timedelta(seconds=1)


@pytest.mark.parametrize(
    "wish",
    [
        {"terms": until(TimeInForce.GTD)},
        {"terms": OrderTerms(expires_at=a_desk().now + timedelta(days=1))},
        {"terms": until(TimeInForce.IOC), "post_only": True},
        {"terms": until(TimeInForce.FOK), "post_only": True},
    ],
)
def test_wishes_that_contradict_themselves(wish: dict[str, Any]) -> None:
    assert only_rejection_code(a_desk().buy("1", "95", **wish)) == "exchange_rejected"


def test_a_released_stop_limit_keeps_its_time_in_force() -> None:
    desk = a_desk()
    terms = {"time_in_force": TimeInForce.IOC}
    desk.stop(Side.SELL, "8", "95", "94", terms=terms)
    assert desk.open_orders == ["o1"]
    events = desk.book(bids=("3 @ 94.5",), asks=("1 @ 95",))
    assert fact_kinds(events) == ["Triggered", "Filled", "Canceled"]
    assert fills(events) == ["3 @ 94.5"]


def test_a_buy_by_cost_fills_to_the_last_whole_step() -> None:
    desk = a_desk()
    events = desk.buy("0", cost=Decimal(700))
    # 5 · 100 and 200 ÷ 101 = 1.9801…, down to the step of 0.001
    assert fills(events) == ["5 @ 100", "1.98 @ 101"]
    assert only_rejection_code(desk.buy("0", cost=Decimal("0.05"))) == "exchange_rejected"
    assert only_rejection_code(desk.sell("0", cost=Decimal(700))) == "exchange_rejected"


def test_a_price_without_depth_slips() -> None:
    desk = SimulationHarness(some_settings(slippage=Decimal("0.001")), USDT="1000", SOL="10")
    desk.quote("100", "100.1")
    assert fills(desk.buy("1")) == ["1 @ 100.21"]  # 100.2001, up to the tick
    assert fills(desk.sell("1")) == ["1 @ 99.9"]
    assert fills(desk.buy("1", "101")) == ["1 @ 100.1"]  # a limit does not


def test_a_price_alone_gets_a_spread() -> None:
    desk = SimulationHarness(some_settings(spread_bps=Decimal(20)), USDT="1000", SOL="10")
    desk.quote("100", "100")
    assert fills(desk.buy("1")) == ["1 @ 100.1"]
    assert fills(desk.sell("1")) == ["1 @ 99.9"]


def test_executions_can_be_split() -> None:
    desk = a_desk(partial_fill=Decimal("0.25"))
    events = desk.buy("2")
    assert fills(events) == ["0.5 @ 100", "1.5 @ 100"]
    assert len({trade.trade_id for trade in trades(events)}) == 2
    assert desk.open_orders == []


def test_chance_rejects_as_often_as_is_set() -> None:
    desk = a_desk(reject_rate=Decimal("0.5"))
    outcomes = [fact_kinds(desk.buy("0.001", "1")) for _ in range(200)]
    assert 60 < outcomes.count(["Rejected"]) < 140
    again = a_desk(reject_rate=Decimal("0.5"))
    assert [fact_kinds(again.buy("0.001", "1")) for _ in range(200)] == outcomes
