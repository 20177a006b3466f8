"""Latency of requests and replies; an order is matched when it arrives."""

from datetime import timedelta
from decimal import Decimal

from kit.exchanges.simulation_harness import (
    SimulationHarness,
    event_kinds,
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


def make_harness(latency: Latency = LIVE) -> SimulationHarness:
    harness = SimulationHarness(some_settings(latency=latency), USDT="1000", SOL="10")
    harness.quote("100", "100")
    harness.advance(1)
    return harness


def after(harness: SimulationHarness, milliseconds: int) -> list[str]:
    """Returns the events delivered so long after the last input."""
    harness.now += milliseconds * MS - timedelta(seconds=1)
    harness.apply(TimeUpdate(at=harness.now))
    assert harness.last is not None
    return event_kinds(harness.last.delivered)


def test_requests_and_replies_are_delayed() -> None:
    harness = make_harness()
    assert harness.buy("1") == ()
    assert harness.last is not None
    assert harness.last.reply.outcome is ReplyOutcome.PENDING
    assert harness.last.reply.due == harness.now - timedelta(seconds=1) + 80 * MS
    assert next_due_at(harness.state) == harness.now - timedelta(seconds=1) + 50 * MS
    assert after(harness, 49) == []
    assert harness.state.trades_made == 0
    assert after(harness, 1) == []
    assert harness.state.trades_made == 1  # processed, but not delivered yet
    harness.now -= timedelta(seconds=1)
    assert after(harness, 20 + 1000) == ["Filled"]
    assert after(harness, 10) == ["Accepted"]
    assert next_due_at(harness.state) is None


def test_the_order_is_matched_at_arrival() -> None:
    harness = make_harness()
    harness.buy("1")
    harness.now += -timedelta(seconds=1) + 40 * MS
    harness.quote("110", "110")  # before the order arrives
    harness.now += -timedelta(seconds=1) + 20 * MS
    events = harness.quote("120", "120")  # and after it
    assert fills(events) == ["1 @ 110"]
    assert trades(events)[0].executed_at == harness.now - timedelta(seconds=1) - 10 * MS


def test_a_cancel_races_the_fill() -> None:
    harness = make_harness()
    harness.buy("1", "95")
    harness.advance(5)
    harness.cancel("o1")
    harness.now += -timedelta(seconds=1) + 49 * MS
    assert fills(harness.quote("94", "94")) == ["1 @ 95"]
    harness.advance(1)
    assert harness.last is not None
    assert [
        event.code for event in harness.last.events if event_kinds((event,)) == ["Rejected"]
    ] == ["order_not_open"]
    harness.buy("1", "93")
    harness.advance(5)
    harness.cancel("o2")
    harness.now += -timedelta(seconds=1) + 50 * MS
    assert event_kinds(harness.quote("90", "90")) == ["Canceled"]


def test_jitter_comes_from_the_seed() -> None:
    def next_due_times(seed: int) -> list[str]:
        latency = Latency(decision=50 * MS, jitter=40 * MS)
        harness = SimulationHarness(some_settings(latency=latency, seed=seed), USDT="1000")
        due_times = []
        for _ in range(20):
            harness.buy("0.1", "50")
            due = next_due_at(harness.state)
            assert due is not None
            due_times.append(str(due))
            harness.advance(1)
        return due_times

    assert next_due_times(1) == next_due_times(1)
    assert next_due_times(1) != next_due_times(2)


def test_requests_arrive_in_order_of_their_due_time() -> None:
    overtaken = 0
    for seed in range(20):
        latency = Latency(decision=50 * MS, jitter=40 * MS)
        harness = SimulationHarness(some_settings(latency=latency, seed=seed), USDT="1000")
        for _ in range(2):
            harness.buy("0.1", "50")
            harness.now += MS - timedelta(seconds=1)
        assert harness.state.in_flight is not None
        first, second = harness.state.in_flight.arrivals
        assert first.due <= second.due
        overtaken += first.number > second.number
        harness.advance(1)
        assert harness.order("o1").client_id == ("2" if first.number > second.number else "1")
    assert 0 < overtaken < 20


def test_an_order_expires_at_its_exact_time() -> None:
    harness = make_harness()
    expires = harness.now + 500 * MS
    terms = OrderTerms(time_in_force=TimeInForce.GTD, expires_at=expires)
    harness.buy("1", "95", terms=terms)
    harness.now += 4 * timedelta(seconds=1)
    events = harness.quote("90", "90")
    assert event_kinds(events) == ["Accepted", "Expired"]


def test_a_query_delivers_immediately() -> None:
    harness = make_harness(Latency(ack=timedelta(minutes=1), stream=timedelta(minutes=2)))
    harness.advance(300)  # the event of the deposit is delivered
    request = harness.make_order(Side.BUY, "1", None)
    harness.apply(request)
    assert harness.last is not None
    assert harness.last.delivered == ()
    harness.apply(QueryOrder(client_id="other", at=harness.now))
    assert harness.last.delivered == ()
    harness.apply(QueryOrder(client_id=request.client_id, at=harness.now))
    assert event_kinds(harness.last.delivered) == ["Accepted", "Filled"]
    harness.advance(600)
    assert harness.last.delivered == ()


def test_idle_state_has_no_messages_in_flight() -> None:
    harness = SimulationHarness(some_settings(), USDT="1000")
    harness.quote("100", "100")
    harness.buy("1")
    assert harness.state.in_flight is None
    assert harness.state.orders_with_terms == {}
    assert harness.last is not None
    assert harness.last.delivered == harness.last.events
    assert sum(trade.qty for trade in trades(harness.last.delivered)) == Decimal(1)
