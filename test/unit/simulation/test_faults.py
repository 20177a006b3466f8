"""Faults on purpose: the books are right, what is heard of them is not."""

from datetime import timedelta
from decimal import Decimal

import pytest

from kit.exchanges.simulation_harness import SimulationHarness, fact_kinds, fills, trades
from oms.domain.errors import Invalid
from oms.domain.orders.order import Side
from oms.domain.value import evolve
from oms.simulation.events import PaperEvent, Rejected
from oms.simulation.inputs import CancelOrder, NewOrder, QueryOrder
from oms.simulation.state.state_json import decode_state, encode_state
from oms.simulation.step_result import ReplyOutcome
from oms.simulation.transport.faults import Fault, FaultKind, parse_fault


def a_desk() -> SimulationHarness:
    desk = SimulationHarness(USDT="100000", SOL="10")
    desk.book(bids=("5 @ 99", "5 @ 98"), asks=("5 @ 100", "5 @ 101"))
    return desk


def buy(desk: SimulationHarness, fault: str, qty: str = "1", price: str | None = None) -> list[str]:
    """What is told at once of a buy with a fault."""
    desk.buy(qty, price, fault=parse_fault(fault))
    return told(desk)


def told(desk: SimulationHarness) -> list[str]:
    assert desk.last is not None
    return fact_kinds(desk.last.delivered)


def outcome(desk: SimulationHarness) -> ReplyOutcome:
    assert desk.last is not None
    return desk.last.reply.outcome


@pytest.mark.parametrize(("text", "code"), [("reject", "exchange_rejected"), ("reject:x", "x")])
def test_reject(text: str, code: str) -> None:
    desk = a_desk()
    before = desk.state
    assert buy(desk, text) == ["Rejected"]
    assert desk.last is not None
    (event,) = desk.last.events
    assert isinstance(event, Rejected)
    assert (event.code, event.client_id) == (code, "1")
    assert (desk.state.orders_made, desk.state.balances) == (0, before.balances)


def test_timeout_carries_out_and_loses_the_answer() -> None:
    desk = a_desk()
    assert buy(desk, "timeout") == []
    assert outcome(desk) is ReplyOutcome.LOST
    assert desk.state.trades_made == 1
    desk.apply(QueryOrder(client_id="1", at=desk.now))
    assert told(desk) == ["Accepted", "Filled"]
    desk.advance(60)
    assert told(desk) == []


def test_after_a_lost_answer_the_stream_tells_in_the_end() -> None:
    desk = a_desk()
    buy(desk, "timeout")
    desk.advance(5)
    assert told(desk) == ["Accepted", "Filled"]


def test_timeout_before_never_arrives() -> None:
    desk = a_desk()
    assert buy(desk, "timeout_before") == []
    assert outcome(desk) is ReplyOutcome.LOST
    assert desk.state.orders_made == 0
    desk.apply(QueryOrder(client_id="1", at=desk.now))
    desk.advance(600)
    assert told(desk) == []


def test_overload_asks_for_a_pause_and_then_looks_at_the_request() -> None:
    desk = a_desk()
    wish = desk.make_order(Side.BUY, "1", None, fault=parse_fault("overload:3"))
    desk.apply(wish)
    assert desk.last is not None
    assert desk.last.reply.due == wish.at + timedelta(seconds=3)
    for _ in range(2):
        desk.apply(_again(wish, desk))
        assert outcome(desk) is ReplyOutcome.OVERLOADED
        assert desk.state.orders_made == 0
    desk.apply(_again(wish, desk))
    assert told(desk) == ["Accepted", "Filled"]


def _again(wish: NewOrder, desk: SimulationHarness) -> NewOrder:
    return evolve(wish, at=desk.now)


def test_partial_executes_a_share_at_once() -> None:
    desk = a_desk()
    desk.buy("2", "100", fault=parse_fault("partial:0.5"))
    assert desk.last is not None
    assert fills(desk.last.delivered) == ["1 @ 100"]
    assert desk.order("o1").remaining == 1
    desk.buy("3", fault=parse_fault("partial:0.3333"))
    assert fills(desk.last.delivered) == ["0.999 @ 100"]
    assert told(desk) == ["Accepted", "Filled", "Canceled"]
    desk.buy("0", cost=Decimal(100), fault=parse_fault("partial:0.5"))
    assert fills(desk.last.delivered) == ["0.5 @ 100"]
    assert buy(desk, "partial:0") == ["Accepted", "Canceled"]


def test_dup_fill_tells_each_fill_twice() -> None:
    desk = a_desk()
    assert buy(desk, "dup_fill", "6", "100") == ["Accepted", "Filled", "Filled"]
    assert desk.last is not None
    first, second = trades(desk.last.delivered)
    assert first == second
    assert len(trades(desk.last.events)) == 1
    desk.quote("90", "90")
    assert told(desk) == ["Filled", "Filled"]
    assert desk.state.in_flight is None


@pytest.mark.parametrize(("qty", "price"), [("1", None), ("6", "100")])
def test_late_fill_is_told_after_the_cancel(qty: str, price: str | None) -> None:
    desk = a_desk()
    assert buy(desk, "late_fill", qty, price) == ["Accepted"]
    assert desk.state.trades_made == 1
    desk.apply(CancelOrder(client_id="1", exchange_order_id="o1", symbol="SOL/USDT", at=desk.now))
    assert told(desk) == ["Canceled", "Filled"]
    assert desk.open_orders == []
    assert desk.state.in_flight is None


def test_a_late_fill_is_told_in_the_end() -> None:
    desk = a_desk()
    buy(desk, "late_fill")
    desk.advance(30)
    assert told(desk) == []
    desk.advance(60)
    assert told(desk) == ["Filled"]


def test_out_of_order_tells_backwards() -> None:
    desk = a_desk()
    assert buy(desk, "out_of_order", "6") == ["Filled", "Filled", "Accepted"]
    assert desk.last is not None
    assert fills(desk.last.delivered) == ["1 @ 101", "5 @ 100"]


def test_slow_tells_later() -> None:
    desk = a_desk()
    assert buy(desk, "slow:2500") == []
    assert outcome(desk) is ReplyOutcome.PENDING
    desk.advance(1)
    assert told(desk) == []
    desk.advance(1)
    assert told(desk) == ["Accepted", "Filled"]


def test_disconnect_silences_the_stream_but_not_the_answer() -> None:
    desk = a_desk()
    desk.buy("1", "95")
    assert buy(desk, "disconnect:10") == ["Accepted"]
    desk.quote("94", "94")
    assert told(desk) == []
    desk.advance(10)
    assert told(desk) == ["Filled", "Filled"]


def test_the_cancel_can_fail_too() -> None:
    desk = a_desk()
    desk.buy("1", "95")
    wish = CancelOrder(
        client_id="1",
        exchange_order_id="o1",
        symbol="SOL/USDT",
        fault=parse_fault("timeout_before"),
        at=desk.now,
    )
    desk.apply(wish)
    assert (outcome(desk), desk.open_orders) == (ReplyOutcome.LOST, ["o1"])


def test_what_is_held_back_survives_a_restart() -> None:
    desk = a_desk()
    buy(desk, "late_fill", "6", "100")
    buy(desk, "slow:9000")
    buy(desk, "dup_fill", "1", "90")
    buy(desk, "overload:9")
    buy(desk, "disconnect:60")
    read = decode_state(encode_state(desk.state))
    assert read == desk.state
    desk.state = read
    desk.advance(120)
    heard: tuple[PaperEvent, ...] = () if desk.last is None else desk.last.delivered
    assert fact_kinds(heard) == ["Accepted", "Filled", "Filled", "Filled"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("partial:0.5", Fault(kind=FaultKind.PARTIAL, amount=Decimal("0.5"))),
        ("overload:2", Fault(kind=FaultKind.OVERLOAD, amount=Decimal(2000))),
        ("slow:250", Fault(kind=FaultKind.SLOW, amount=Decimal(250))),
        ("late_fill", Fault(kind=FaultKind.LATE_FILL)),
    ],
)
def test_a_fault_is_read_from_its_words(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    "text",
    ["", "explode", "partial", "partial:1.1", "slow:-1", "slow:x", "timeout:3", "overload:9999999"],
)
def test_other_words_are_no_fault(text: str) -> None:
    with pytest.raises(Invalid):
        parse_fault(text)
