"""Contracts: profit, margin, legs, and orders that may only reduce."""

from decimal import Decimal

from kit.exchanges.simulation_harness import (
    LINEAR,
    SimulationHarness,
    fact_kinds,
    fills,
    only_rejection_code,
    rates,
    some_settings,
    trades,
)
from oms.domain.instrument import InstrumentKind
from oms.simulation.state.paper_order import Leg


def a_desk(**changes: object) -> SimulationHarness:
    desk = SimulationHarness(some_settings(**changes), USDT="1000")
    desk.quote("100", "100", LINEAR)
    return desk


def test_margin_is_locked_and_comes_back() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    assert desk.balance("USDT") == ("900", "100")  # 10 · 100 ÷ 10
    desk.quote("110", "110", LINEAR)
    desk.sell("4", symbol=LINEAR)
    # profit 4 · (110 − 100) = 40; margin 6 · 100 ÷ 10
    assert desk.balance("USDT") == ("980", "60")
    desk.sell("6", symbol=LINEAR)
    assert desk.balance("USDT") == ("1100", "0")
    assert not desk.state.positions


def test_fees_are_paid_in_settle() -> None:
    fees = {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates("0.0002", "0.0005")}
    desk = a_desk(fees=fees)
    (trade,) = trades(desk.buy("1.5", symbol=LINEAR))
    assert (trade.fee, trade.fee_currency) == (Decimal("0.075"), "USDT")  # 150 · 0.0005
    assert not trade.maker
    desk.sell("1.5", "104", symbol=LINEAR)
    (trade,) = trades(desk.quote("104", "105", LINEAR))
    assert trade.fee == Decimal("0.0312")  # 1.5 · 104 · 0.0002
    assert trade.maker
    assert desk.balance("USDT") == ("1005.8938", "0")  # 1000 − 0.075 + 6 − 0.0312


def test_a_partial_close_realises_its_share_at_18_places() -> None:
    desk = a_desk(leverage=50)
    desk.quote("150", "150", LINEAR)
    desk.buy("10", symbol=LINEAR)
    desk.quote("160", "160", LINEAR)
    desk.buy("5", symbol=LINEAR)
    desk.quote("170", "170", LINEAR)
    (trade,) = trades(desk.sell("5", symbol=LINEAR))
    # 5 · 170 − (5/15) · 2300
    assert trade.realised == Decimal("83.333333333333333333")
    assert desk.position_qty() == 10


def test_a_flip_closes_all_and_opens_the_rest_at_the_same_price() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.quote("110", "110", LINEAR)
    (trade,) = trades(desk.sell("15", symbol=LINEAR))
    assert trade.realised == 100
    position = desk.state.positions[LINEAR, Leg.BOTH]
    assert (position.qty, position.cost, position.margin) == (-5, -550, 55)
    assert desk.balance("USDT") == ("1045", "55")


def test_a_short_gains_when_the_price_falls() -> None:
    desk = a_desk()
    desk.sell("3", symbol=LINEAR)
    desk.quote("90", "90", LINEAR)
    (trade,) = trades(desk.buy("2", symbol=LINEAR))
    assert trade.realised == 20
    assert desk.position_qty() == -1


def test_margin_and_fee_must_be_there() -> None:
    fees = {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates("0.001", "0.001")}
    desk = a_desk(fees=fees)
    assert (
        only_rejection_code(desk.buy("100", symbol=LINEAR)) == "insufficient_funds"
    )  # 1000 + 10 of fee
    desk.buy("99", symbol=LINEAR)  # 990 + 9.9
    assert desk.balance("USDT") == ("0.1", "990")
    # a full wallet never hinders a close, nor a flip of the size that the close frees
    assert fact_kinds(desk.sell("198", symbol=LINEAR)) == ["Rejected"]
    assert fact_kinds(desk.sell("100", symbol=LINEAR)) == ["Accepted", "Filled"]


def test_leverage_is_bounded_by_the_instrument() -> None:
    desk = a_desk(leverage=500)
    desk.buy("10", symbol=LINEAR)
    assert desk.balance("USDT")[1] == "10"  # 1000 ÷ 100


def test_a_resting_order_reserves_margin_for_what_it_would_open_alone() -> None:
    desk = a_desk()
    desk.buy("2", symbol=LINEAR)
    desk.sell("3", "120", symbol=LINEAR)
    assert desk.balance("USDT")[1] == "32"  # 2 · 100 ÷ 10 + 1 · 120 ÷ 10
    desk.cancel("o2", LINEAR)
    assert desk.balance("USDT")[1] == "20"


def test_reduce_only_is_cut_at_arrival_and_never_flips() -> None:
    desk = a_desk()
    assert (
        only_rejection_code(desk.sell("1", symbol=LINEAR, reduce_only=True)) == "exchange_rejected"
    )
    desk.buy("2", symbol=LINEAR)
    assert (
        only_rejection_code(desk.buy("1", symbol=LINEAR, reduce_only=True)) == "exchange_rejected"
    )
    events = desk.sell("5", symbol=LINEAR, reduce_only=True)
    assert fact_kinds(events) == ["Accepted", "Changed", "Filled"]
    assert fills(events) == ["2 @ 100"]
    assert desk.position_qty() == 0


def test_a_resting_reduce_only_order_is_cut_when_it_is_reached() -> None:
    desk = a_desk()
    desk.buy("3", symbol=LINEAR)
    desk.sell("3", "110", symbol=LINEAR, reduce_only=True)
    desk.sell("2", symbol=LINEAR)
    events = desk.quote("110", "111", LINEAR)
    assert fact_kinds(events) == ["Changed", "Filled"]
    assert fills(events) == ["1 @ 110"]
    assert desk.position_qty() == 0
    assert not desk.state.orders


def test_a_resting_reduce_only_order_with_nothing_left_is_canceled() -> None:
    desk = a_desk()
    desk.buy("3", symbol=LINEAR)
    desk.sell("3", "110", symbol=LINEAR, reduce_only=True)
    desk.sell("3", symbol=LINEAR)
    assert fact_kinds(desk.quote("110", "111", LINEAR)) == ["Canceled"]
    assert not desk.state.orders


def test_a_hedge_account_has_two_legs() -> None:
    desk = a_desk(hedge=True)
    desk.buy("2", symbol=LINEAR)
    desk.sell("1", symbol=LINEAR)
    assert desk.position_qty(leg=Leg.LONG) == 2
    assert desk.position_qty(leg=Leg.SHORT) == -1
    assert desk.balance("USDT")[1] == "30"  # both legs lock
    events = desk.buy("5", symbol=LINEAR, reduce_only=True)
    assert fills(events) == ["1 @ 100"]  # short flat, nothing flipped
    assert desk.position_qty(leg=Leg.LONG) == 2
    assert desk.position_qty(leg=Leg.SHORT) == 0
    desk.sell("2", symbol=LINEAR, reduce_only=True)
    assert not desk.state.positions
