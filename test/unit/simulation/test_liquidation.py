"""Liquidation: when, in which order, what it costs, and who pays what is missing."""

from datetime import timedelta
from decimal import Decimal

import pytest

from kit.exchanges.simulation_harness import (
    INVERSE,
    LINEAR,
    SPOT,
    SimulationHarness,
    fact_kinds,
    fills,
    rates,
    some_settings,
    trades,
)
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.order import Side
from oms.simulation.account.margin import liquidation_price
from oms.simulation.events import Canceled, InsurancePaid, PaperEvent
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.state.paper_order import Leg, OrderSource

BTC = "BTC/USDT:USDT"
FEES = {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates("0.0002", "0.0005")}


def a_desk(usdt: str, **changes: object) -> SimulationHarness:
    desk = SimulationHarness(some_settings(**changes), USDT=usdt)
    for symbol in (LINEAR, BTC, SPOT):
        desk.quote("100", "100", symbol)
    return desk


def insured(events: tuple[PaperEvent, ...]) -> Decimal:
    return sum((f.amount for f in events if isinstance(f, InsurancePaid)), Decimal(0))


def test_a_cross_position_is_closed_when_the_wallet_no_longer_carries_it() -> None:
    desk = a_desk("150")
    desk.buy("10", symbol=LINEAR)
    # 150 + 10 · (p − 100) = 10 · p · 0.5 %
    price = liquidation_price(desk.state, desk.settings, LINEAR, Leg.BOTH)
    assert price == Decimal("85.427135678391959799")
    assert desk.quote("85.43", "85.43", LINEAR) == ()
    events = desk.quote("85.42", "85.42", LINEAR)
    assert fact_kinds(events) == ["Accepted", "Filled"]
    assert fills(events) == ["10 @ 85.42"]
    assert desk.total() == "4.2"  # 150 − 145.8
    assert not desk.state.positions


def test_the_order_that_closes_is_the_exchanges_own() -> None:
    desk = a_desk("150", fees=FEES)
    desk.buy("10", symbol=LINEAR)  # fee 0.5
    (trade,) = trades(desk.quote("85", "85", LINEAR))
    assert (trade.client_id, trade.source, trade.side) == ("", OrderSource.LIQUIDATION, Side.SELL)
    assert not trade.maker
    assert trade.fee == Decimal("0.425")  # 10 · 85 · 0.0005
    # 150 − 0.5 − 150 − 0.425 is owed
    assert insured(desk.last.events if desk.last else ()) == Decimal("0.925")
    assert desk.total() == "0"


def test_contract_orders_are_canceled_first_and_spot_orders_stay() -> None:
    desk = a_desk("170")
    desk.buy("10", symbol=LINEAR)
    desk.buy("1", "50", symbol=LINEAR)
    desk.sell("1", "200", symbol=BTC, reduce_only=False)
    desk.buy("0.01", "10")
    events = desk.quote("83.3", "83.3", LINEAR)
    assert fact_kinds(events) == ["Canceled", "Canceled", "Accepted", "Filled"]
    assert [f.reason for f in events if isinstance(f, Canceled)] == ["liquidation"] * 2
    assert desk.open_orders == ["o4"]
    assert desk.balance("USDT") == ("2.9", "0.1")


def test_what_is_owed_is_paid_by_the_insurance_and_orders_promise_nothing() -> None:
    desk = a_desk("170")
    desk.buy("10", symbol=LINEAR)
    desk.buy("0.01", "10")
    events = desk.quote("80", "80", LINEAR)
    assert fact_kinds(events) == ["Accepted", "Filled", "Canceled", "InsurancePaid"]
    assert insured(events) == 30  # 170 − 200
    assert desk.balance("USDT") == ("0", "0")


def test_the_largest_maintenance_goes_first_until_there_is_enough() -> None:
    desk = a_desk("150")
    desk.buy("1", symbol=BTC)
    desk.buy("10", symbol=LINEAR)
    # 150 − 140 = 10 > 4.3 + 0.4
    assert desk.quote("86", "86", LINEAR) == ()
    # 150 − 146 = 4 < 4.27 + 0.4; without the larger one 4 > 0.4
    events = desk.quote("85.4", "85.4", LINEAR)
    assert [trade.symbol for trade in trades(events)] == [LINEAR]
    assert desk.position_qty(BTC) == 1
    assert desk.total() == "4"


def test_gains_of_one_position_carry_the_losses_of_another() -> None:
    desk = a_desk("250")
    desk.buy("10", symbol=LINEAR)
    desk.sell("10", symbol=BTC)
    desk.quote("80", "80", BTC)
    assert desk.quote("70", "70", LINEAR) == ()  # 250 − 300 + 200
    assert desk.quote("93", "93", BTC) == ()  # 250 − 300 + 70 > 3.5 + 3.72
    events = desk.quote("95.5", "95.5", BTC)  # 250 − 300 + 45
    assert [trade.symbol for trade in trades(events)] == [BTC, LINEAR]  # 3.82 before 3.5
    assert insured(events) == 5


def test_both_legs_of_a_hedge_stand_in_one_wallet() -> None:
    desk = a_desk("100", hedge=True)
    desk.buy("5", symbol=LINEAR)
    desk.sell("5", symbol=LINEAR)
    assert desk.quote("50", "50", LINEAR) == ()
    # both lose nothing together: only the maintenance of both can end it
    events = desk.quote("3000", "3000", LINEAR)
    assert len(trades(events)) == 1
    assert desk.position_qty(leg=Leg.LONG) + desk.position_qty(leg=Leg.SHORT) in (5, -5)


@pytest.mark.parametrize(
    ("price", "rest", "paid"),
    # 999.5 − 95.5 − 0.45225; or the margin is all that is lost, 200.4 less 100.4
    [("90.45", "903.54775", "0"), ("80", "899.5", "100.4")],
)
def test_an_isolated_position_loses_its_margin_at_most(price: str, rest: str, paid: str) -> None:
    desk = a_desk("1000", fees=FEES, margin_mode=MarginMode.ISOLATED)
    desk.buy("10", symbol=LINEAR)  # margin 100, fee 0.5
    # 100 + 10 · (p − 100) = 10 · p · 0.5 %
    found = liquidation_price(desk.state, desk.settings, LINEAR, Leg.BOTH)
    assert found == Decimal("90.452261306532663317")
    assert desk.quote("90.46", "90.46", LINEAR) == ()
    desk.buy("1", "50", symbol=LINEAR)
    events = desk.quote(price, price, LINEAR)
    assert fact_kinds(events)[:3] == ["Canceled", "Accepted", "Filled"]
    assert desk.total() == rest
    assert insured(events) == Decimal(paid)


def test_an_isolated_position_takes_nothing_from_another() -> None:
    desk = a_desk("1000")
    desk.set_margin_mode(MarginMode.ISOLATED)
    desk.buy("10", symbol=LINEAR)
    desk.buy("10", symbol=BTC)
    desk.quote("50", "50", LINEAR)
    assert desk.position_qty() == 0
    assert desk.position_qty(BTC) == 10
    assert desk.total() == "900"


def test_a_short_is_closed_when_the_price_rises() -> None:
    desk = a_desk("150")
    desk.sell("10", symbol=LINEAR)
    # 150 − 10 · (p − 100) = 10 · p · 0.5 %: 1150 ÷ 10.05
    price = liquidation_price(desk.state, desk.settings, LINEAR, Leg.BOTH)
    assert price == Decimal("114.427860696517412935")
    assert desk.quote("114.42", "114.42", LINEAR) == ()
    assert fills(desk.quote("114.43", "114.43", LINEAR)) == ["10 @ 114.43"]


def test_no_position_no_price() -> None:
    desk = a_desk("150")
    assert liquidation_price(desk.state, desk.settings, LINEAR, Leg.BOTH) is None
    desk.buy("1", symbol=LINEAR)  # it can lose no more than 100
    assert liquidation_price(desk.state, desk.settings, LINEAR, Leg.BOTH) is None


def test_attached_exits_end_with_their_position() -> None:
    desk = a_desk("150")
    desk.buy("10", symbol=LINEAR)
    desk.stop(Side.SELL, "10", "60", symbol=LINEAR, reduce_only=True)
    desk.quote("80", "80", LINEAR)
    assert desk.open_orders == []
    assert desk.state.orders_with_terms == {}


def test_an_old_price_liquidates_nothing() -> None:
    desk = a_desk("150", max_price_age=timedelta(seconds=5))
    desk.quote("100", "100", LINEAR)
    desk.buy("10", symbol=LINEAR)
    desk.advance(10)
    desk.quote("90", "90", LINEAR)
    desk.advance(10)
    desk.deposit("1")
    assert desk.position_qty() == 10
    desk.quote("80", "80", LINEAR)
    assert desk.position_qty() == 0


def test_a_mark_alone_liquidates() -> None:
    desk = a_desk("150")
    desk.buy("10", symbol=LINEAR)
    assert fills(desk.mark("85")) == ["10 @ 85"]


def test_a_loss_beyond_the_wallet_is_made_good_without_a_liquidation_too() -> None:
    desk = a_desk("100")
    desk.buy("10", symbol=LINEAR)
    desk.book(bids=("10 @ 85",), asks=("10 @ 115",), symbol=LINEAR)  # the middle stands
    events = desk.sell("10", symbol=LINEAR)
    assert fact_kinds(events) == ["Accepted", "Filled", "InsurancePaid"]
    assert insured(events) == 50
    assert desk.total() == "0"


@pytest.mark.parametrize(
    ("side", "price", "kept", "gone"),
    [
        # 0.01 + 4000 · (1/50000 − 1/p) = 4000 · 0.4 % ÷ p
        (Side.BUY, "44622.222222222222222222", "44623", "44622"),
        # 0.01 − 4000 · (1/50000 − 1/p) = 4000 · 0.4 % ÷ p
        (Side.SELL, "56914.285714285714285714", "56914", "56915"),
    ],
)
def test_an_inverse_position_is_judged_in_base(
    side: Side, price: str, kept: str, gone: str
) -> None:
    desk = SimulationHarness(BTC="0.01")
    desk.quote("50000", "50000", INVERSE)
    (desk.buy if side is Side.BUY else desk.sell)("40", symbol=INVERSE)
    assert liquidation_price(desk.state, desk.settings, INVERSE, Leg.BOTH) == Decimal(price)
    assert desk.quote(kept, kept, INVERSE) == ()
    assert fills(desk.quote(gone, gone, INVERSE)) == [f"40 @ {gone}"]


def test_an_inverse_loss_beyond_the_wallet_is_paid_in_base() -> None:
    desk = SimulationHarness(BTC="0.01")
    desk.quote("50000", "50000", INVERSE)
    desk.buy("40", symbol=INVERSE)
    events = desk.quote("40000", "40000", INVERSE)
    assert insured(events) == Decimal("0.01")  # 0.01 − 0.02
    assert desk.total("BTC") == "0"


def test_the_bound_of_the_acceptance_page() -> None:
    """9,000 ÷ 0.995 = 9,045.226…: a tick above it lives, a tick below does not."""
    desk = a_desk("1000")
    desk.quote("10000", "10000", LINEAR)
    desk.buy("1", symbol=LINEAR)
    assert desk.quote("9045.3", "9045.3", LINEAR) == ()
    events = desk.quote("9045.2", "9045.2", LINEAR)
    assert fills(events) == ["1 @ 9045.2"]
    assert [trade.source for trade in trades(events)] == [OrderSource.LIQUIDATION]
