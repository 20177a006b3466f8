"""Funding: when, how much, and once per funding time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from kit.exchanges.simulation_harness import (
    INVERSE,
    LINEAR,
    SimulationHarness,
    event_kinds,
    some_settings,
)
from oms.domain.value import evolve
from oms.simulation.events import FundingPaid, PaperEvent
from oms.simulation.inputs import FundingRateUpdate
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.state.paper_order import Leg
from oms.simulation.state.state_json import decode_state, encode_state
from oms.simulation.transport.latency import next_due_at

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(hour: int, minute: int = 0, *, day: int = 0) -> datetime:
    return DAY + timedelta(days=day, hours=hour, minutes=minute)


def make_harness(**changes: object) -> SimulationHarness:
    harness = SimulationHarness(some_settings(**changes), USDT="1000", BTC="1")
    harness.now = at(12)
    harness.quote("100", "100", LINEAR)
    harness.quote("50000", "50000", INVERSE)
    return harness


def paid(events: tuple[PaperEvent, ...]) -> list[FundingPaid]:
    return [event for event in events if isinstance(event, FundingPaid)]


def test_a_long_pays_when_the_rate_is_positive() -> None:
    harness = make_harness()
    harness.buy("10", symbol=LINEAR)
    harness.quote("109", "111", LINEAR)
    assert next_due_at(harness.state) == at(16)
    assert harness.advance_to(at(15, 59)) == ()
    (event,) = paid(harness.advance_to(at(16)))
    assert event == FundingPaid(
        funding_id=f"f-{LINEAR}-both-20260302T16",
        symbol=LINEAR,
        leg=Leg.BOTH,
        amount=Decimal("-0.11"),  # 10 · 110 · 0.0001
        currency="USDT",
        rate=Decimal("0.0001"),
        mark=Decimal(110),
        at=at(16),
    )
    assert harness.total() == "999.89"
    assert harness.advance_to(at(16)) == harness.advance_to(at(23, 59)) == ()
    assert next_due_at(harness.state) == at(0, day=1)


def test_a_short_is_paid_and_a_negative_rate_reverses_it() -> None:
    harness = make_harness()
    harness.sell("10", symbol=LINEAR)
    assert [f.amount for f in paid(harness.advance_to(at(16)))] == [Decimal("0.1")]
    harness.apply(FundingRateUpdate(symbol=LINEAR, rate=Decimal("-0.0002"), at=harness.now))
    (event,) = paid(harness.advance_to(at(0, day=1)))
    assert (event.amount, event.rate) == (Decimal("-0.2"), Decimal("-0.0002"))


def test_missed_funding_times_are_settled_once() -> None:
    harness = make_harness()
    harness.buy("10", symbol=LINEAR)
    events = paid(harness.advance_to(at(16, 30, day=3)))
    # the first day's last time, and three on each other day
    assert [event.at for event in events] == [at(16) + i * timedelta(hours=8) for i in range(10)]
    assert len({event.funding_id for event in events}) == 10
    assert harness.total() == "999"


def test_a_restart_neither_loses_nor_repeats_funding() -> None:
    harness = make_harness()
    harness.buy("10", symbol=LINEAR)
    harness.advance_to(at(16))
    harness.state = decode_state(encode_state(harness.state))
    assert harness.advance_to(at(20)) == ()
    harness.state = decode_state(encode_state(harness.state))
    assert [event.at for event in paid(harness.advance_to(at(8, 1, day=1)))] == [
        at(0, day=1),
        at(8, day=1),
    ]


def test_funding_waits_for_the_first_price() -> None:
    """As after a restart, with prices that are not stored."""
    harness = make_harness()
    harness.buy("10", symbol=LINEAR)
    harness.buy("1", "95", symbol=LINEAR)
    harness.state = evolve(harness.state, markets={})
    assert harness.advance_to(at(17)) == ()
    assert next_due_at(harness.state) is None
    events = harness.quote("94", "94", LINEAR)
    assert event_kinds(events) == ["FundingPaid", "Filled"]
    assert [f.amount for f in paid(events)] == [Decimal("-0.094")]  # before the order was filled
    assert harness.advance_to(at(18)) == ()


def test_the_first_input_after_the_time_settles_funding() -> None:
    harness = make_harness()
    harness.buy("10", symbol=LINEAR)
    harness.now = at(16, 5)
    assert event_kinds(harness.sell("10", symbol=LINEAR)) == ["FundingPaid", "Accepted", "Filled"]


def test_a_rejected_request_settles_nothing_yet() -> None:
    harness = make_harness()
    harness.buy("10", symbol=LINEAR)
    harness.now = at(16, 5)
    before = harness.state
    assert event_kinds(harness.cancel("o9", LINEAR)) == ["Rejected"]
    assert harness.state is before
    assert event_kinds(harness.advance_to(at(16, 6))) == ["FundingPaid"]


def test_a_position_opened_at_the_funding_time_does_not_pay() -> None:
    harness = make_harness()
    harness.now = at(16)
    harness.buy("10", symbol=LINEAR)
    assert harness.advance_to(at(23)) == ()


def test_a_flipped_position_pays_from_the_flip_on() -> None:
    harness = make_harness()
    harness.buy("10", symbol=LINEAR)
    harness.advance_to(at(16))
    harness.now = at(17)
    harness.sell("15", symbol=LINEAR)
    assert [f.amount for f in paid(harness.advance_to(at(0, day=1)))] == [Decimal("0.05")]


def test_both_legs_pay_each_other() -> None:
    harness = make_harness(hedge=True)
    harness.buy("10", symbol=LINEAR)
    harness.sell("10", symbol=LINEAR)
    first, second = paid(harness.advance_to(at(16)))
    assert (first.leg, second.leg) == (Leg.LONG, Leg.SHORT)
    assert (first.amount, second.amount) == (Decimal("-0.1"), Decimal("0.1"))
    assert first.funding_id != second.funding_id


def test_inverse_is_paid_in_base() -> None:
    harness = make_harness()
    harness.buy("10", symbol=INVERSE)
    (event,) = paid(harness.advance_to(at(16)))
    assert (event.amount, event.currency) == (Decimal("-0.000002"), "BTC")  # 0.02 · 0.0001


def test_an_isolated_position_pays_from_its_margin() -> None:
    harness = make_harness(margin_mode=MarginMode.ISOLATED)
    harness.buy("10", symbol=LINEAR)
    harness.advance_to(at(16))
    assert harness.balance("USDT") == ("900", "99.9")


def test_funding_can_trigger_liquidation() -> None:
    harness = make_harness(funding_rate=Decimal("0.09"), margin_mode=MarginMode.ISOLATED)
    harness.buy("10", symbol=LINEAR)  # margin 100, maintenance 5
    assert event_kinds(harness.advance_to(at(16))) == ["FundingPaid"]
    assert event_kinds(harness.advance_to(at(0, day=1))) == ["FundingPaid", "Accepted", "Filled"]
    assert harness.total() == "820"


def test_a_zero_rate_has_no_event() -> None:
    harness = make_harness(funding_rate=Decimal(0))
    harness.buy("10", symbol=LINEAR)
    assert harness.advance_to(at(16)) == ()
    assert next_due_at(harness.state) == at(0, day=1)
    harness.apply(FundingRateUpdate(symbol=LINEAR, rate=Decimal("0.01"), at=harness.now))
    assert len(paid(harness.advance_to(at(0, day=1)))) == 1


def test_each_position_pays_from_its_opening_on() -> None:
    """One has no price yet and owes for longer than the other."""
    harness = make_harness()
    harness.buy("10", symbol=LINEAR)
    harness.state = evolve(
        harness.state, markets={INVERSE: harness.state.markets[INVERSE]}
    )  # as after a restart
    harness.advance_to(at(20))
    harness.quote("50000", "50000", INVERSE)
    harness.buy("10", symbol=INVERSE)
    harness.now = at(1, day=1)
    events = paid(harness.quote("100", "100", LINEAR))
    assert [(event.symbol, event.at) for event in events] == [
        (LINEAR, at(16)),
        (INVERSE, at(0, day=1)),
        (LINEAR, at(0, day=1)),
    ]
