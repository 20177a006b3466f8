"""Requests and answers take their time; the market is taken when a request arrives."""

from datetime import timedelta
from decimal import Decimal

from kit.paper import PaperDesk, fills, some_settings, trades, words
from oms.domain.order import Side
from oms.simulation.facts import Outcome
from oms.simulation.inputs import Ask, Clock
from oms.simulation.memory import Terms, TimeInForce
from oms.simulation.passage import next_due
from oms.simulation.settings import Latency

MS = timedelta(milliseconds=1)
LIVE = Latency(decision=50 * MS, ack=30 * MS, stream=20 * MS)


def a_desk(latency: Latency = LIVE) -> PaperDesk:
    desk = PaperDesk(some_settings(latency=latency), USDT="1000", SOL="10")
    desk.quote("100", "100")
    desk.wait(1)
    return desk


def after(desk: PaperDesk, milliseconds: int) -> list[str]:
    """What is told so long after the last input."""
    desk.now += milliseconds * MS - timedelta(seconds=1)
    desk.put(Clock(at=desk.now))
    assert desk.last is not None
    return words(desk.last.told)


def test_a_request_arrives_later_and_its_answers_come_back_later_still() -> None:
    desk = a_desk()
    assert desk.buy("1") == ()
    assert desk.last is not None
    assert desk.last.answer.outcome is Outcome.PENDING
    assert desk.last.answer.due == desk.now - timedelta(seconds=1) + 80 * MS
    assert next_due(desk.memory) == desk.now - timedelta(seconds=1) + 50 * MS
    assert after(desk, 49) == []
    assert desk.memory.trades_made == 0
    assert after(desk, 1) == []
    assert desk.memory.trades_made == 1  # done, and not told yet
    desk.now -= timedelta(seconds=1)
    assert after(desk, 20 + 1000) == ["Filled"]
    assert after(desk, 10) == ["Accepted"]
    assert next_due(desk.memory) is None


def test_the_market_is_that_of_the_arrival() -> None:
    desk = a_desk()
    desk.buy("1")
    desk.now += -timedelta(seconds=1) + 40 * MS
    desk.quote("110", "110")  # seen before the order arrives
    desk.now += -timedelta(seconds=1) + 20 * MS
    facts = desk.quote("120", "120")  # and after it
    assert fills(facts) == ["1 @ 110"]
    assert trades(facts)[0].executed_at == desk.now - timedelta(seconds=1) - 10 * MS


def test_a_cancel_races_the_fill() -> None:
    desk = a_desk()
    desk.buy("1", "95")
    desk.wait(5)
    desk.cancel("o1")
    desk.now += -timedelta(seconds=1) + 49 * MS
    assert fills(desk.quote("94", "94")) == ["1 @ 95"]
    desk.wait(1)
    assert desk.last is not None
    assert [fact.code for fact in desk.last.facts if words((fact,)) == ["Rejected"]] == [
        "order_not_open"
    ]
    desk.buy("1", "93")
    desk.wait(5)
    desk.cancel("o2")
    desk.now += -timedelta(seconds=1) + 50 * MS
    assert words(desk.quote("90", "90")) == ["Canceled"]


def test_jitter_comes_from_the_seed() -> None:
    def dues(seed: int) -> list[str]:
        latency = Latency(decision=50 * MS, jitter=40 * MS)
        desk = PaperDesk(some_settings(latency=latency, seed=seed), USDT="1000")
        told = []
        for _ in range(20):
            desk.buy("0.1", "50")
            due = next_due(desk.memory)
            assert due is not None
            told.append(str(due))
            desk.wait(1)
        return told

    assert dues(1) == dues(1)
    assert dues(1) != dues(2)


def test_who_is_quicker_arrives_first() -> None:
    overtaken = 0
    for seed in range(20):
        latency = Latency(decision=50 * MS, jitter=40 * MS)
        desk = PaperDesk(some_settings(latency=latency, seed=seed), USDT="1000")
        for _ in range(2):
            desk.buy("0.1", "50")
            desk.now += MS - timedelta(seconds=1)
        assert desk.memory.line is not None
        first, second = desk.memory.line.arrivals
        assert first.due <= second.due
        overtaken += first.number > second.number
        desk.wait(1)
        assert desk.order("o1").client_id == ("2" if first.number > second.number else "1")
    assert 0 < overtaken < 20


def test_an_order_expires_between_what_comes_before_and_after_it() -> None:
    desk = a_desk()
    expires = desk.now + 500 * MS
    terms = Terms(time_in_force=TimeInForce.GTD, expires_at=expires)
    desk.buy("1", "95", terms=terms)
    desk.now += 4 * timedelta(seconds=1)
    facts = desk.quote("90", "90")
    assert words(facts) == ["Accepted", "Expired"]


def test_whoever_asks_is_told_at_once() -> None:
    desk = a_desk(Latency(ack=timedelta(minutes=1), stream=timedelta(minutes=2)))
    desk.wait(300)  # the money has been told of
    wish = desk.wish(Side.BUY, "1", None)
    desk.put(wish)
    assert desk.last is not None
    assert desk.last.told == ()
    desk.put(Ask(client_id="other", at=desk.now))
    assert desk.last.told == ()
    desk.put(Ask(client_id=wish.client_id, at=desk.now))
    assert words(desk.last.told) == ["Accepted", "Filled"]
    desk.wait(600)
    assert desk.last.told == ()


def test_nothing_under_way_is_nothing_in_the_memory() -> None:
    desk = PaperDesk(some_settings(), USDT="1000")
    desk.quote("100", "100")
    desk.buy("1")
    assert desk.memory.line is None
    assert desk.memory.special == {}
    assert desk.last is not None
    assert desk.last.told == desk.last.facts
    assert sum(trade.qty for trade in trades(desk.last.told)) == Decimal(1)
