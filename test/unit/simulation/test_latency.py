"""Requests and answers take their time; the market is taken when a request arrives."""

from datetime import timedelta
from decimal import Decimal

from kit.exchanges.simulation_harness import (
    SimulationHarness,
    fact_kinds,
    fills,
    some_settings,
    trades,
)
from oms.domain.orders.order import Side
from oms.simulation.inputs import QueryOrder, TimeUpdate
from oms.simulation.settings import Latency
from oms.simulation.state.paper_order import OrderTerms, TimeInForce
from oms.simulation.step_result import ReplyOutcome
from oms.simulation.transport.latency import next_due_at

MS = timedelta(milliseconds=1)
LIVE = Latency(decision=50 * MS, ack=30 * MS, stream=20 * MS)


def a_desk(latency: Latency = LIVE) -> SimulationHarness:
    desk = SimulationHarness(some_settings(latency=latency), USDT="1000", SOL="10")
    desk.quote("100", "100")
    desk.advance(1)
    return desk


def after(desk: SimulationHarness, milliseconds: int) -> list[str]:
    """What is told so long after the last input."""
    desk.now += milliseconds * MS - timedelta(seconds=1)
    desk.apply(TimeUpdate(at=desk.now))
    assert desk.last is not None
    return fact_kinds(desk.last.delivered)


def test_a_request_arrives_later_and_its_answers_come_back_later_still() -> None:
    desk = a_desk()
    assert desk.buy("1") == ()
    assert desk.last is not None
    assert desk.last.reply.outcome is ReplyOutcome.PENDING
    assert desk.last.reply.due == desk.now - timedelta(seconds=1) + 80 * MS
    assert next_due_at(desk.state) == desk.now - timedelta(seconds=1) + 50 * MS
    assert after(desk, 49) == []
    assert desk.state.trades_made == 0
    assert after(desk, 1) == []
    assert desk.state.trades_made == 1  # done, and not told yet
    desk.now -= timedelta(seconds=1)
    assert after(desk, 20 + 1000) == ["Filled"]
    assert after(desk, 10) == ["Accepted"]
    assert next_due_at(desk.state) is None


def test_the_market_is_that_of_the_arrival() -> None:
    desk = a_desk()
    desk.buy("1")
    desk.now += -timedelta(seconds=1) + 40 * MS
    desk.quote("110", "110")  # seen before the order arrives
    desk.now += -timedelta(seconds=1) + 20 * MS
    events = desk.quote("120", "120")  # and after it
    assert fills(events) == ["1 @ 110"]
    assert trades(events)[0].executed_at == desk.now - timedelta(seconds=1) - 10 * MS


def test_a_cancel_races_the_fill() -> None:
    desk = a_desk()
    desk.buy("1", "95")
    desk.advance(5)
    desk.cancel("o1")
    desk.now += -timedelta(seconds=1) + 49 * MS
    assert fills(desk.quote("94", "94")) == ["1 @ 95"]
    desk.advance(1)
    assert desk.last is not None
    assert [event.code for event in desk.last.events if fact_kinds((event,)) == ["Rejected"]] == [
        "order_not_open"
    ]
    desk.buy("1", "93")
    desk.advance(5)
    desk.cancel("o2")
    desk.now += -timedelta(seconds=1) + 50 * MS
    assert fact_kinds(desk.quote("90", "90")) == ["Canceled"]


def test_jitter_comes_from_the_seed() -> None:
    def dues(seed: int) -> list[str]:
        latency = Latency(decision=50 * MS, jitter=40 * MS)
        desk = SimulationHarness(some_settings(latency=latency, seed=seed), USDT="1000")
        told = []
        for _ in range(20):
            desk.buy("0.1", "50")
            due = next_due_at(desk.state)
            assert due is not None
            told.append(str(due))
            desk.advance(1)
        return told

    assert dues(1) == dues(1)
    assert dues(1) != dues(2)


def test_who_is_quicker_arrives_first() -> None:
    overtaken = 0
    for seed in range(20):
        latency = Latency(decision=50 * MS, jitter=40 * MS)
        desk = SimulationHarness(some_settings(latency=latency, seed=seed), USDT="1000")
        for _ in range(2):
            desk.buy("0.1", "50")
            desk.now += MS - timedelta(seconds=1)
        assert desk.state.in_flight is not None
        first, second = desk.state.in_flight.arrivals
        assert first.due <= second.due
        overtaken += first.number > second.number
        desk.advance(1)
        assert desk.order("o1").client_id == ("2" if first.number > second.number else "1")
    assert 0 < overtaken < 20


def test_an_order_expires_between_what_comes_before_and_after_it() -> None:
    desk = a_desk()
    expires = desk.now + 500 * MS
    terms = OrderTerms(time_in_force=TimeInForce.GTD, expires_at=expires)
    desk.buy("1", "95", terms=terms)
    desk.now += 4 * timedelta(seconds=1)
    events = desk.quote("90", "90")
    assert fact_kinds(events) == ["Accepted", "Expired"]


def test_whoever_asks_is_told_at_once() -> None:
    desk = a_desk(Latency(ack=timedelta(minutes=1), stream=timedelta(minutes=2)))
    desk.advance(300)  # the money has been told of
    wish = desk.make_order(Side.BUY, "1", None)
    desk.apply(wish)
    assert desk.last is not None
    assert desk.last.delivered == ()
    desk.apply(QueryOrder(client_id="other", at=desk.now))
    assert desk.last.delivered == ()
    desk.apply(QueryOrder(client_id=wish.client_id, at=desk.now))
    assert fact_kinds(desk.last.delivered) == ["Accepted", "Filled"]
    desk.advance(600)
    assert desk.last.delivered == ()


def test_nothing_under_way_is_nothing_in_the_memory() -> None:
    desk = SimulationHarness(some_settings(), USDT="1000")
    desk.quote("100", "100")
    desk.buy("1")
    assert desk.state.in_flight is None
    assert desk.state.orders_with_terms == {}
    assert desk.last is not None
    assert desk.last.delivered == desk.last.events
    assert sum(trade.qty for trade in trades(desk.last.delivered)) == Decimal(1)
