"""Funding: when, how much, and once each time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from kit.paper import INVERSE, LINEAR, PaperDesk, some_settings, words
from oms.domain.value import evolve
from oms.simulation.canonical import memory_read, memory_text
from oms.simulation.contracts import MarginMode
from oms.simulation.facts import Fact, FundingPaid
from oms.simulation.inputs import FundingSeen
from oms.simulation.memory import Leg
from oms.simulation.passage import next_due

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(hour: int, minute: int = 0, *, day: int = 0) -> datetime:
    return DAY + timedelta(days=day, hours=hour, minutes=minute)


def a_desk(**changes: object) -> PaperDesk:
    desk = PaperDesk(some_settings(**changes), USDT="1000", BTC="1")
    desk.now = at(12)
    desk.quote("100", "100", LINEAR)
    desk.quote("50000", "50000", INVERSE)
    return desk


def paid(facts: tuple[Fact, ...]) -> list[FundingPaid]:
    return [fact for fact in facts if isinstance(fact, FundingPaid)]


def test_a_long_pays_when_the_rate_is_positive() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.quote("109", "111", LINEAR)
    assert next_due(desk.memory) == at(16)
    assert desk.until(at(15, 59)) == ()
    (fact,) = paid(desk.until(at(16)))
    assert fact == FundingPaid(
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
    assert desk.until(at(16)) == desk.until(at(23, 59)) == ()
    assert next_due(desk.memory) == at(0, day=1)


def test_a_short_is_paid_and_a_negative_rate_turns_it_around() -> None:
    desk = a_desk()
    desk.sell("10", symbol=LINEAR)
    assert [f.amount for f in paid(desk.until(at(16)))] == [Decimal("0.1")]
    desk.put(FundingSeen(symbol=LINEAR, rate=Decimal("-0.0002"), at=desk.now))
    (fact,) = paid(desk.until(at(0, day=1)))
    assert (fact.amount, fact.rate) == (Decimal("-0.2"), Decimal("-0.0002"))


def test_every_time_that_was_missed_is_settled_once() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    facts = paid(desk.until(at(16, 30, day=3)))
    # the first day's last time, and three on each other day
    assert [fact.at for fact in facts] == [at(16) + i * timedelta(hours=8) for i in range(10)]
    assert len({fact.funding_id for fact in facts}) == 10
    assert desk.total() == "999"


def test_a_restart_forgets_no_time_and_repeats_none() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.until(at(16))
    desk.memory = memory_read(memory_text(desk.memory))
    assert desk.until(at(20)) == ()
    desk.memory = memory_read(memory_text(desk.memory))
    assert [fact.at for fact in paid(desk.until(at(8, 1, day=1)))] == [at(0, day=1), at(8, day=1)]


def test_without_a_price_it_waits_for_the_first() -> None:
    """As after a restart with prices that are not stored."""
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.buy("1", "95", symbol=LINEAR)
    desk.memory = evolve(desk.memory, markets={})
    assert desk.until(at(17)) == ()
    assert next_due(desk.memory) is None
    facts = desk.quote("94", "94", LINEAR)
    assert words(facts) == ["FundingPaid", "Filled"]
    assert [f.amount for f in paid(facts)] == [Decimal("-0.094")]  # before the order was filled
    assert desk.until(at(18)) == ()


def test_whatever_comes_first_after_the_time_settles_it() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.now = at(16, 5)
    assert words(desk.sell("10", symbol=LINEAR)) == ["FundingPaid", "Accepted", "Filled"]


def test_a_rejected_request_settles_nothing_yet() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.now = at(16, 5)
    before = desk.memory
    assert words(desk.cancel("o9", LINEAR)) == ["Rejected"]
    assert desk.memory is before
    assert words(desk.until(at(16, 6))) == ["FundingPaid"]


def test_what_is_opened_at_the_time_does_not_pay_for_it() -> None:
    desk = a_desk()
    desk.now = at(16)
    desk.buy("10", symbol=LINEAR)
    assert desk.until(at(23)) == ()


def test_a_flip_pays_from_its_own_time_on() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.until(at(16))
    desk.now = at(17)
    desk.sell("15", symbol=LINEAR)
    assert [f.amount for f in paid(desk.until(at(0, day=1)))] == [Decimal("0.05")]


def test_both_legs_pay_each_other() -> None:
    desk = a_desk(hedge=True)
    desk.buy("10", symbol=LINEAR)
    desk.sell("10", symbol=LINEAR)
    first, second = paid(desk.until(at(16)))
    assert (first.leg, second.leg) == (Leg.LONG, Leg.SHORT)
    assert (first.amount, second.amount) == (Decimal("-0.1"), Decimal("0.1"))
    assert first.funding_id != second.funding_id


def test_inverse_is_paid_in_base() -> None:
    desk = a_desk()
    desk.buy("10", symbol=INVERSE)
    (fact,) = paid(desk.until(at(16)))
    assert (fact.amount, fact.currency) == (Decimal("-0.000002"), "BTC")  # 0.02 · 0.0001


def test_an_isolated_position_pays_from_its_margin() -> None:
    desk = a_desk(margin_mode=MarginMode.ISOLATED)
    desk.buy("10", symbol=LINEAR)
    desk.until(at(16))
    assert desk.balance("USDT") == ("900", "99.9")


def test_what_funding_leaves_is_judged_at_once() -> None:
    desk = a_desk(funding_rate=Decimal("0.09"), margin_mode=MarginMode.ISOLATED)
    desk.buy("10", symbol=LINEAR)  # margin 100, maintenance 5
    assert words(desk.until(at(16))) == ["FundingPaid"]
    assert words(desk.until(at(0, day=1))) == ["FundingPaid", "Accepted", "Filled"]
    assert desk.total() == "820"


def test_a_rate_of_nothing_is_not_told() -> None:
    desk = a_desk(funding_rate=Decimal(0))
    desk.buy("10", symbol=LINEAR)
    assert desk.until(at(16)) == ()
    assert next_due(desk.memory) == at(0, day=1)
    desk.put(FundingSeen(symbol=LINEAR, rate=Decimal("0.01"), at=desk.now))
    assert len(paid(desk.until(at(0, day=1)))) == 1


def test_each_position_pays_from_its_own_time_on() -> None:
    """One has no price yet and owes for longer than another."""
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.memory = evolve(
        desk.memory, markets={INVERSE: desk.memory.markets[INVERSE]}
    )  # as after a restart
    desk.until(at(20))
    desk.quote("50000", "50000", INVERSE)
    desk.buy("10", symbol=INVERSE)
    desk.now = at(1, day=1)
    facts = paid(desk.quote("100", "100", LINEAR))
    assert [(fact.symbol, fact.at) for fact in facts] == [
        (LINEAR, at(16)),
        (INVERSE, at(0, day=1)),
        (LINEAR, at(0, day=1)),
    ]
