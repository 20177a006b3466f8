"""Linear contracts: profit, margin, legs, and reduce-only orders."""

from decimal import Decimal

from kit.exchanges.simulation_harness import (
    LINEAR,
    SimulationHarness,
    event_kinds,
    fills,
    only_rejection_code,
    rates,
    some_settings,
    trades,
)
from oms.domain.instrument import InstrumentKind
from oms.simulation.state.paper_order import Leg


def make_harness(**changes: object) -> SimulationHarness:
    harness = SimulationHarness(some_settings(**changes), USDT="1000")
    harness.quote("100", "100", LINEAR)
    return harness


def test_margin_is_locked_and_released() -> None:
    harness = make_harness()
    harness.buy("10", symbol=LINEAR)
    assert harness.balance("USDT") == ("900", "100")  # 10 · 100 ÷ 10
    harness.quote("110", "110", LINEAR)
    harness.sell("4", symbol=LINEAR)
    # profit 4 · (110 − 100) = 40; margin 6 · 100 ÷ 10
    assert harness.balance("USDT") == ("980", "60")
    harness.sell("6", symbol=LINEAR)
    assert harness.balance("USDT") == ("1100", "0")
    assert not harness.state.positions


def test_fees_are_paid_in_settle() -> None:
    fees = {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates("0.0002", "0.0005")}
    harness = make_harness(fees=fees)
    (trade,) = trades(harness.buy("1.5", symbol=LINEAR))
    assert (trade.fee, trade.fee_currency) == (Decimal("0.075"), "USDT")  # 150 · 0.0005
    assert not trade.maker
    harness.sell("1.5", "104", symbol=LINEAR)
    (trade,) = trades(harness.quote("104", "105", LINEAR))
    assert trade.fee == Decimal("0.0312")  # 1.5 · 104 · 0.0002
    assert trade.maker
    assert harness.balance("USDT") == ("1005.8938", "0")  # 1000 − 0.075 + 6 − 0.0312


def test_a_partial_close_realises_its_share_at_18_places() -> None:
    harness = make_harness(leverage=50)
    harness.quote("150", "150", LINEAR)
    harness.buy("10", symbol=LINEAR)
    harness.quote("160", "160", LINEAR)
    harness.buy("5", symbol=LINEAR)
    harness.quote("170", "170", LINEAR)
    (trade,) = trades(harness.sell("5", symbol=LINEAR))
    # 5 · 170 − (5/15) · 2300
    assert trade.realised == Decimal("83.333333333333333333")
    assert harness.position_qty() == 10


def test_a_flip_closes_all_and_opens_the_rest_at_the_same_price() -> None:
    harness = make_harness()
    harness.buy("10", symbol=LINEAR)
    harness.quote("110", "110", LINEAR)
    (trade,) = trades(harness.sell("15", symbol=LINEAR))
    assert trade.realised == 100
    position = harness.state.positions[LINEAR, Leg.BOTH]
    assert (position.qty, position.cost, position.margin) == (-5, -550, 55)
    assert harness.balance("USDT") == ("1045", "55")


def test_a_short_gains_when_the_price_falls() -> None:
    harness = make_harness()
    harness.sell("3", symbol=LINEAR)
    harness.quote("90", "90", LINEAR)
    (trade,) = trades(harness.buy("2", symbol=LINEAR))
    assert trade.realised == 20
    assert harness.position_qty() == -1


def test_margin_and_fee_must_be_available() -> None:
    fees = {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates("0.001", "0.001")}
    harness = make_harness(fees=fees)
    assert (
        only_rejection_code(harness.buy("100", symbol=LINEAR)) == "insufficient_funds"
    )  # 1000 + 10 of fee
    harness.buy("99", symbol=LINEAR)  # 990 + 9.9
    assert harness.balance("USDT") == ("0.1", "990")
    # locked margin never prevents a close, nor a flip that the close funds
    assert event_kinds(harness.sell("198", symbol=LINEAR)) == ["Rejected"]
    assert event_kinds(harness.sell("100", symbol=LINEAR)) == ["Accepted", "Filled"]


def test_leverage_is_bounded_by_the_instrument() -> None:
    harness = make_harness(leverage=500)
    harness.buy("10", symbol=LINEAR)
    assert harness.balance("USDT")[1] == "10"  # 1000 ÷ 100


def test_a_resting_order_reserves_margin_for_its_opening_part() -> None:
    harness = make_harness()
    harness.buy("2", symbol=LINEAR)
    harness.sell("3", "120", symbol=LINEAR)
    assert harness.balance("USDT")[1] == "32"  # 2 · 100 ÷ 10 + 1 · 120 ÷ 10
    harness.cancel("o2", LINEAR)
    assert harness.balance("USDT")[1] == "20"


def test_reduce_only_is_reduced_at_arrival_and_never_flips() -> None:
    harness = make_harness()
    assert (
        only_rejection_code(harness.sell("1", symbol=LINEAR, reduce_only=True))
        == "exchange_rejected"
    )
    harness.buy("2", symbol=LINEAR)
    assert (
        only_rejection_code(harness.buy("1", symbol=LINEAR, reduce_only=True))
        == "exchange_rejected"
    )
    events = harness.sell("5", symbol=LINEAR, reduce_only=True)
    assert event_kinds(events) == ["Accepted", "Changed", "Filled"]
    assert fills(events) == ["2 @ 100"]
    assert harness.position_qty() == 0


def test_a_resting_reduce_only_order_is_reduced_when_reached() -> None:
    harness = make_harness()
    harness.buy("3", symbol=LINEAR)
    harness.sell("3", "110", symbol=LINEAR, reduce_only=True)
    harness.sell("2", symbol=LINEAR)
    events = harness.quote("110", "111", LINEAR)
    assert event_kinds(events) == ["Changed", "Filled"]
    assert fills(events) == ["1 @ 110"]
    assert harness.position_qty() == 0
    assert not harness.state.orders


def test_a_resting_reduce_only_order_with_nothing_left_is_canceled() -> None:
    harness = make_harness()
    harness.buy("3", symbol=LINEAR)
    harness.sell("3", "110", symbol=LINEAR, reduce_only=True)
    harness.sell("3", symbol=LINEAR)
    assert event_kinds(harness.quote("110", "111", LINEAR)) == ["Canceled"]
    assert not harness.state.orders


def test_a_hedge_account_has_two_legs() -> None:
    harness = make_harness(hedge=True)
    harness.buy("2", symbol=LINEAR)
    harness.sell("1", symbol=LINEAR)
    assert harness.position_qty(leg=Leg.LONG) == 2
    assert harness.position_qty(leg=Leg.SHORT) == -1
    assert harness.balance("USDT")[1] == "30"  # both legs lock
    events = harness.buy("5", symbol=LINEAR, reduce_only=True)
    assert fills(events) == ["1 @ 100"]  # short flat, nothing flipped
    assert harness.position_qty(leg=Leg.LONG) == 2
    assert harness.position_qty(leg=Leg.SHORT) == 0
    harness.sell("2", symbol=LINEAR, reduce_only=True)
    assert not harness.state.positions
