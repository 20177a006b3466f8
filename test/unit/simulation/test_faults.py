"""Fault injection: the state is right, the delivered events are not."""

from datetime import timedelta
from decimal import Decimal

import pytest

from kit.exchanges.simulation_harness import SimulationHarness, event_kinds, fills, trades
from oms.domain.errors import Invalid
from oms.domain.orders.order import Side
from oms.domain.value import evolve
from oms.simulation.events import PaperEvent, Rejected
from oms.simulation.inputs import CancelOrder, NewOrder, QueryOrder
from oms.simulation.state.state_json import decode_state, encode_state
from oms.simulation.step_result import ReplyOutcome
from oms.simulation.transport.faults import Fault, FaultKind, parse_fault


def make_harness() -> SimulationHarness:
    harness = SimulationHarness(USDT="100000", SOL="10")
    harness.book(bids=("5 @ 99", "5 @ 98"), asks=("5 @ 100", "5 @ 101"))
    return harness


def buy(
    harness: SimulationHarness, fault: str, qty: str = "1", price: str | None = None
) -> list[str]:
    """Returns the kinds of events delivered immediately for a buy with a fault."""
    harness.buy(qty, price, fault=parse_fault(fault))
    return delivered_kinds(harness)


def delivered_kinds(harness: SimulationHarness) -> list[str]:
    assert harness.last is not None
    return event_kinds(harness.last.delivered)


def outcome(harness: SimulationHarness) -> ReplyOutcome:
    assert harness.last is not None
    return harness.last.reply.outcome


@pytest.mark.parametrize(("text", "code"), [("reject", "exchange_rejected"), ("reject:x", "x")])
def test_reject(text: str, code: str) -> None:
    harness = make_harness()
    before = harness.state
    assert buy(harness, text) == ["Rejected"]
    assert harness.last is not None
    (event,) = harness.last.events
    assert isinstance(event, Rejected)
    assert (event.code, event.client_id) == (code, "1")
    assert (harness.state.orders_made, harness.state.balances) == (0, before.balances)


def test_timeout_processes_the_order_and_loses_the_reply() -> None:
    harness = make_harness()
    assert buy(harness, "timeout") == []
    assert outcome(harness) is ReplyOutcome.LOST
    assert harness.state.trades_made == 1
    harness.apply(QueryOrder(client_id="1", at=harness.now))
    assert delivered_kinds(harness) == ["Accepted", "Filled"]
    harness.advance(60)
    assert delivered_kinds(harness) == []


def test_after_a_lost_reply_the_stream_delivers_later() -> None:
    harness = make_harness()
    buy(harness, "timeout")
    harness.advance(5)
    assert delivered_kinds(harness) == ["Accepted", "Filled"]


def test_timeout_before_never_arrives() -> None:
    harness = make_harness()
    assert buy(harness, "timeout_before") == []
    assert outcome(harness) is ReplyOutcome.LOST
    assert harness.state.orders_made == 0
    harness.apply(QueryOrder(client_id="1", at=harness.now))
    harness.advance(600)
    assert delivered_kinds(harness) == []


def test_overload_processes_the_request_after_the_pause() -> None:
    harness = make_harness()
    request = harness.make_order(Side.BUY, "1", None, fault=parse_fault("overload:3"))
    harness.apply(request)
    assert harness.last is not None
    assert harness.last.reply.due == request.at + timedelta(seconds=3)
    for _ in range(2):
        harness.apply(_resend(request, harness))
        assert outcome(harness) is ReplyOutcome.OVERLOADED
        assert harness.state.orders_made == 0
    harness.apply(_resend(request, harness))
    assert delivered_kinds(harness) == ["Accepted", "Filled"]


def _resend(request: NewOrder, harness: SimulationHarness) -> NewOrder:
    return evolve(request, at=harness.now)


def test_partial_fills_a_share_on_arrival() -> None:
    harness = make_harness()
    harness.buy("2", "100", fault=parse_fault("partial:0.5"))
    assert harness.last is not None
    assert fills(harness.last.delivered) == ["1 @ 100"]
    assert harness.order("o1").remaining == 1
    harness.buy("3", fault=parse_fault("partial:0.3333"))
    assert fills(harness.last.delivered) == ["0.999 @ 100"]
    assert delivered_kinds(harness) == ["Accepted", "Filled", "Canceled"]
    harness.buy("0", cost=Decimal(100), fault=parse_fault("partial:0.5"))
    assert fills(harness.last.delivered) == ["0.5 @ 100"]
    assert buy(harness, "partial:0") == ["Accepted", "Canceled"]


def test_dup_fill_delivers_each_fill_twice() -> None:
    harness = make_harness()
    assert buy(harness, "dup_fill", "6", "100") == ["Accepted", "Filled", "Filled"]
    assert harness.last is not None
    first, second = trades(harness.last.delivered)
    assert first == second
    assert len(trades(harness.last.events)) == 1
    harness.quote("90", "90")
    assert delivered_kinds(harness) == ["Filled", "Filled"]
    assert harness.state.in_flight is None


@pytest.mark.parametrize(("qty", "price"), [("1", None), ("6", "100")])
def test_late_fill_is_delivered_after_the_cancel(qty: str, price: str | None) -> None:
    harness = make_harness()
    assert buy(harness, "late_fill", qty, price) == ["Accepted"]
    assert harness.state.trades_made == 1
    harness.apply(
        CancelOrder(client_id="1", exchange_order_id="o1", symbol="SOL/USDT", at=harness.now)
    )
    assert delivered_kinds(harness) == ["Canceled", "Filled"]
    assert harness.open_orders == []
    assert harness.state.in_flight is None


def test_a_late_fill_is_delivered_eventually() -> None:
    harness = make_harness()
    buy(harness, "late_fill")
    harness.advance(30)
    assert delivered_kinds(harness) == []
    harness.advance(60)
    assert delivered_kinds(harness) == ["Filled"]


def test_out_of_order_delivers_in_reverse() -> None:
    harness = make_harness()
    assert buy(harness, "out_of_order", "6") == ["Filled", "Filled", "Accepted"]
    assert harness.last is not None
    assert fills(harness.last.delivered) == ["1 @ 101", "5 @ 100"]


def test_slow_delivers_later() -> None:
    harness = make_harness()
    assert buy(harness, "slow:2500") == []
    assert outcome(harness) is ReplyOutcome.PENDING
    harness.advance(1)
    assert delivered_kinds(harness) == []
    harness.advance(1)
    assert delivered_kinds(harness) == ["Accepted", "Filled"]


def test_disconnect_delays_the_stream_but_not_the_reply() -> None:
    harness = make_harness()
    harness.buy("1", "95")
    assert buy(harness, "disconnect:10") == ["Accepted"]
    harness.quote("94", "94")
    assert delivered_kinds(harness) == []
    harness.advance(10)
    assert delivered_kinds(harness) == ["Filled", "Filled"]


def test_cancels_can_have_faults() -> None:
    harness = make_harness()
    harness.buy("1", "95")
    request = CancelOrder(
        client_id="1",
        exchange_order_id="o1",
        symbol="SOL/USDT",
        fault=parse_fault("timeout_before"),
        at=harness.now,
    )
    harness.apply(request)
    assert (outcome(harness), harness.open_orders) == (ReplyOutcome.LOST, ["o1"])


def test_held_fills_survive_a_restart() -> None:
    harness = make_harness()
    buy(harness, "late_fill", "6", "100")
    buy(harness, "slow:9000")
    buy(harness, "dup_fill", "1", "90")
    buy(harness, "overload:9")
    buy(harness, "disconnect:60")
    read = decode_state(encode_state(harness.state))
    assert read == harness.state
    harness.state = read
    harness.advance(120)
    delivered: tuple[PaperEvent, ...] = () if harness.last is None else harness.last.delivered
    assert event_kinds(delivered) == ["Accepted", "Filled", "Filled", "Filled"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("partial:0.5", Fault(kind=FaultKind.PARTIAL, amount=Decimal("0.5"))),
        ("overload:2", Fault(kind=FaultKind.OVERLOAD, amount=Decimal(2000))),
        ("slow:250", Fault(kind=FaultKind.SLOW, amount=Decimal(250))),
        ("late_fill", Fault(kind=FaultKind.LATE_FILL)),
    ],
)
def test_faults_are_parsed(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    "text",
    ["", "explode", "partial", "partial:1.1", "slow:-1", "slow:x", "timeout:3", "overload:9999999"],
)
def test_invalid_fault_texts_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_fault(text)
