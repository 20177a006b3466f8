"""Funding: when, how much, and once each time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from kit.exchanges.simulation_harness import (
    INVERSE,
    LINEAR,
    SimulationHarness,
    fact_kinds,
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


def a_desk(**changes: object) -> SimulationHarness:
    desk = SimulationHarness(some_settings(**changes), USDT="1000", BTC="1")
    desk.now = at(12)
    desk.quote("100", "100", LINEAR)
    desk.quote("50000", "50000", INVERSE)
    return desk


def paid(events: tuple[PaperEvent, ...]) -> list[FundingPaid]:
    return [event for event in events if isinstance(event, FundingPaid)]


def test_a_long_pays_when_the_rate_is_positive() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.quote("109", "111", LINEAR)
    assert next_due_at(desk.state) == at(16)
    assert desk.advance_to(at(15, 59)) == ()
    (event,) = paid(desk.advance_to(at(16)))
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
    assert desk.total() == "999.89"
    assert desk.advance_to(at(16)) == desk.advance_to(at(23, 59)) == ()
    assert next_due_at(desk.state) == at(0, day=1)


def test_a_short_is_paid_and_a_negative_rate_turns_it_around() -> None:
    desk = a_desk()
    desk.sell("10", symbol=LINEAR)
    assert [f.amount for f in paid(desk.advance_to(at(16)))] == [Decimal("0.1")]
    desk.apply(FundingRateUpdate(symbol=LINEAR, rate=Decimal("-0.0002"), at=desk.now))
    (event,) = paid(desk.advance_to(at(0, day=1)))
    assert (event.amount, event.rate) == (Decimal("-0.2"), Decimal("-0.0002"))


def test_every_time_that_was_missed_is_settled_once() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    events = paid(desk.advance_to(at(16, 30, day=3)))
    # the first day's last time, and three on each other day
    assert [event.at for event in events] == [at(16) + i * timedelta(hours=8) for i in range(10)]
    assert len({event.funding_id for event in events}) == 10
    assert desk.total() == "999"


def test_a_restart_forgets_no_time_and_repeats_none() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.advance_to(at(16))
    desk.state = decode_state(encode_state(desk.state))
    assert desk.advance_to(at(20)) == ()
    desk.state = decode_state(encode_state(desk.state))
    assert [event.at for event in paid(desk.advance_to(at(8, 1, day=1)))] == [
        at(0, day=1),
        at(8, day=1),
    ]


def test_without_a_price_it_waits_for_the_first() -> None:
    """As after a restart with prices that are not stored."""
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.buy("1", "95", symbol=LINEAR)
    desk.state = evolve(desk.state, markets={})
    assert desk.advance_to(at(17)) == ()
    assert next_due_at(desk.state) is None
    events = desk.quote("94", "94", LINEAR)
    assert fact_kinds(events) == ["FundingPaid", "Filled"]
    assert [f.amount for f in paid(events)] == [Decimal("-0.094")]  # before the order was filled
    assert desk.advance_to(at(18)) == ()


def test_whatever_comes_first_after_the_time_settles_it() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.now = at(16, 5)
    assert fact_kinds(desk.sell("10", symbol=LINEAR)) == ["FundingPaid", "Accepted", "Filled"]


def test_a_rejected_request_settles_nothing_yet() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.now = at(16, 5)
    before = desk.state
    assert fact_kinds(desk.cancel("o9", LINEAR)) == ["Rejected"]
    assert desk.state is before
    assert fact_kinds(desk.advance_to(at(16, 6))) == ["FundingPaid"]


def test_what_is_opened_at_the_time_does_not_pay_for_it() -> None:
    desk = a_desk()
    desk.now = at(16)
    desk.buy("10", symbol=LINEAR)
    assert desk.advance_to(at(23)) == ()


def test_a_flip_pays_from_its_own_time_on() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.advance_to(at(16))
    desk.now = at(17)
    desk.sell("15", symbol=LINEAR)
    assert [f.amount for f in paid(desk.advance_to(at(0, day=1)))] == [Decimal("0.05")]


def test_both_legs_pay_each_other() -> None:
    desk = a_desk(hedge=True)
    desk.buy("10", symbol=LINEAR)
    desk.sell("10", symbol=LINEAR)
    first, second = paid(desk.advance_to(at(16)))
    assert (first.leg, second.leg) == (Leg.LONG, Leg.SHORT)
    assert (first.amount, second.amount) == (Decimal("-0.1"), Decimal("0.1"))
    assert first.funding_id != second.funding_id


def test_inverse_is_paid_in_base() -> None:
    desk = a_desk()
    desk.buy("10", symbol=INVERSE)
    (event,) = paid(desk.advance_to(at(16)))
    assert (event.amount, event.currency) == (Decimal("-0.000002"), "BTC")  # 0.02 · 0.0001


def test_an_isolated_position_pays_from_its_margin() -> None:
    desk = a_desk(margin_mode=MarginMode.ISOLATED)
    desk.buy("10", symbol=LINEAR)
    desk.advance_to(at(16))
    assert desk.balance("USDT") == ("900", "99.9")


def test_what_funding_leaves_is_judged_at_once() -> None:
    desk = a_desk(funding_rate=Decimal("0.09"), margin_mode=MarginMode.ISOLATED)
    desk.buy("10", symbol=LINEAR)  # margin 100, maintenance 5
    assert fact_kinds(desk.advance_to(at(16))) == ["FundingPaid"]
    assert fact_kinds(desk.advance_to(at(0, day=1))) == ["FundingPaid", "Accepted", "Filled"]
    assert desk.total() == "820"


def test_a_rate_of_nothing_is_not_told() -> None:
    desk = a_desk(funding_rate=Decimal(0))
    desk.buy("10", symbol=LINEAR)
    assert desk.advance_to(at(16)) == ()
    assert next_due_at(desk.state) == at(0, day=1)
    desk.apply(FundingRateUpdate(symbol=LINEAR, rate=Decimal("0.01"), at=desk.now))
    assert len(paid(desk.advance_to(at(0, day=1)))) == 1


def test_each_position_pays_from_its_own_time_on() -> None:
    """One has no price yet and owes for longer than another."""
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.state = evolve(
        desk.state, markets={INVERSE: desk.state.markets[INVERSE]}
    )  # as after a restart
    desk.advance_to(at(20))
    desk.quote("50000", "50000", INVERSE)
    desk.buy("10", symbol=INVERSE)
    desk.now = at(1, day=1)
    events = paid(desk.quote("100", "100", LINEAR))
    assert [(event.symbol, event.at) for event in events] == [
        (LINEAR, at(16)),
        (INVERSE, at(0, day=1)),
        (LINEAR, at(0, day=1)),
    ]
