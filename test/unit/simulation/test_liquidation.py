"""Liquidation: when, in which order, its cost, and the insurance fund."""

from datetime import timedelta
from decimal import Decimal

import pytest

from kit.exchanges.simulation_harness import (
    INVERSE,
    LINEAR,
    SPOT,
    SimulationHarness,
    event_kinds,
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


def make_harness(usdt: str, **changes: object) -> SimulationHarness:
    harness = SimulationHarness(some_settings(**changes), USDT=usdt)
    for symbol in (LINEAR, BTC, SPOT):
        harness.quote("100", "100", symbol)
    return harness


def insured(events: tuple[PaperEvent, ...]) -> Decimal:
    return sum((f.amount for f in events if isinstance(f, InsurancePaid)), Decimal(0))


def test_a_cross_position_is_liquidated_below_maintenance() -> None:
    harness = make_harness("150")
    harness.buy("10", symbol=LINEAR)
    # 150 + 10 · (p − 100) = 10 · p · 0.5 %
    price = liquidation_price(harness.state, harness.settings, LINEAR, Leg.BOTH)
    assert price == Decimal("85.427135678391959799")
    assert harness.quote("85.43", "85.43", LINEAR) == ()
    events = harness.quote("85.42", "85.42", LINEAR)
    assert event_kinds(events) == ["Accepted", "Filled"]
    assert fills(events) == ["10 @ 85.42"]
    assert harness.total() == "4.2"  # 150 − 145.8
    assert not harness.state.positions


def test_liquidation_orders_are_external() -> None:
    harness = make_harness("150", fees=FEES)
    harness.buy("10", symbol=LINEAR)  # fee 0.5
    (trade,) = trades(harness.quote("85", "85", LINEAR))
    assert (trade.client_id, trade.source, trade.side) == ("", OrderSource.LIQUIDATION, Side.SELL)
    assert not trade.maker
    assert trade.fee == Decimal("0.425")  # 10 · 85 · 0.0005
    # 150 − 0.5 − 150 − 0.425 is owed
    assert insured(harness.last.events if harness.last else ()) == Decimal("0.925")
    assert harness.total() == "0"


def test_contract_orders_are_canceled_first_and_spot_orders_stay() -> None:
    harness = make_harness("170")
    harness.buy("10", symbol=LINEAR)
    harness.buy("1", "50", symbol=LINEAR)
    harness.sell("1", "200", symbol=BTC, reduce_only=False)
    harness.buy("0.01", "10")
    events = harness.quote("83.3", "83.3", LINEAR)
    assert event_kinds(events) == ["Canceled", "Canceled", "Accepted", "Filled"]
    assert [f.reason for f in events if isinstance(f, Canceled)] == ["liquidation"] * 2
    assert harness.open_orders == ["o4"]
    assert harness.balance("USDT") == ("2.9", "0.1")


def test_debt_is_paid_by_insurance_and_locking_orders_are_canceled() -> None:
    harness = make_harness("170")
    harness.buy("10", symbol=LINEAR)
    harness.buy("0.01", "10")
    events = harness.quote("80", "80", LINEAR)
    assert event_kinds(events) == ["Accepted", "Filled", "Canceled", "InsurancePaid"]
    assert insured(events) == 30  # 170 − 200
    assert harness.balance("USDT") == ("0", "0")


def test_the_largest_maintenance_margin_is_liquidated_first() -> None:
    harness = make_harness("150")
    harness.buy("1", symbol=BTC)
    harness.buy("10", symbol=LINEAR)
    # 150 − 140 = 10 > 4.3 + 0.4
    assert harness.quote("86", "86", LINEAR) == ()
    # 150 − 146 = 4 < 4.27 + 0.4; without the larger one 4 > 0.4
    events = harness.quote("85.4", "85.4", LINEAR)
    assert [trade.symbol for trade in trades(events)] == [LINEAR]
    assert harness.position_qty(BTC) == 1
    assert harness.total() == "4"


def test_gains_of_one_position_cover_losses_of_another() -> None:
    harness = make_harness("250")
    harness.buy("10", symbol=LINEAR)
    harness.sell("10", symbol=BTC)
    harness.quote("80", "80", BTC)
    assert harness.quote("70", "70", LINEAR) == ()  # 250 − 300 + 200
    assert harness.quote("93", "93", BTC) == ()  # 250 − 300 + 70 > 3.5 + 3.72
    events = harness.quote("95.5", "95.5", BTC)  # 250 − 300 + 45
    assert [trade.symbol for trade in trades(events)] == [BTC, LINEAR]  # 3.82 before 3.5
    assert insured(events) == 5


def test_both_legs_of_a_hedge_share_a_wallet() -> None:
    harness = make_harness("100", hedge=True)
    harness.buy("5", symbol=LINEAR)
    harness.sell("5", symbol=LINEAR)
    assert harness.quote("50", "50", LINEAR) == ()
    # together they lose nothing: only the maintenance margin of both can liquidate them
    events = harness.quote("3000", "3000", LINEAR)
    assert len(trades(events)) == 1
    assert harness.position_qty(leg=Leg.LONG) + harness.position_qty(leg=Leg.SHORT) in (5, -5)


@pytest.mark.parametrize(
    ("price", "rest", "paid"),
    # 999.5 − 95.5 − 0.45225; or at most the margin is lost, 200.4 less 100.4
    [("90.45", "903.54775", "0"), ("80", "899.5", "100.4")],
)
def test_an_isolated_position_loses_its_margin_at_most(price: str, rest: str, paid: str) -> None:
    harness = make_harness("1000", fees=FEES, margin_mode=MarginMode.ISOLATED)
    harness.buy("10", symbol=LINEAR)  # margin 100, fee 0.5
    # 100 + 10 · (p − 100) = 10 · p · 0.5 %
    found = liquidation_price(harness.state, harness.settings, LINEAR, Leg.BOTH)
    assert found == Decimal("90.452261306532663317")
    assert harness.quote("90.46", "90.46", LINEAR) == ()
    harness.buy("1", "50", symbol=LINEAR)
    events = harness.quote(price, price, LINEAR)
    assert event_kinds(events)[:3] == ["Canceled", "Accepted", "Filled"]
    assert harness.total() == rest
    assert insured(events) == Decimal(paid)


def test_an_isolated_position_takes_nothing_from_another() -> None:
    harness = make_harness("1000")
    harness.set_margin_mode(MarginMode.ISOLATED)
    harness.buy("10", symbol=LINEAR)
    harness.buy("10", symbol=BTC)
    harness.quote("50", "50", LINEAR)
    assert harness.position_qty() == 0
    assert harness.position_qty(BTC) == 10
    assert harness.total() == "900"


def test_a_short_is_closed_when_the_price_rises() -> None:
    harness = make_harness("150")
    harness.sell("10", symbol=LINEAR)
    # 150 − 10 · (p − 100) = 10 · p · 0.5 %: 1150 ÷ 10.05
    price = liquidation_price(harness.state, harness.settings, LINEAR, Leg.BOTH)
    assert price == Decimal("114.427860696517412935")
    assert harness.quote("114.42", "114.42", LINEAR) == ()
    assert fills(harness.quote("114.43", "114.43", LINEAR)) == ["10 @ 114.43"]


def test_no_position_no_price() -> None:
    harness = make_harness("150")
    assert liquidation_price(harness.state, harness.settings, LINEAR, Leg.BOTH) is None
    harness.buy("1", symbol=LINEAR)  # it can lose no more than 100
    assert liquidation_price(harness.state, harness.settings, LINEAR, Leg.BOTH) is None


def test_attached_exits_end_with_their_position() -> None:
    harness = make_harness("150")
    harness.buy("10", symbol=LINEAR)
    harness.stop(Side.SELL, "10", "60", symbol=LINEAR, reduce_only=True)
    harness.quote("80", "80", LINEAR)
    assert harness.open_orders == []
    assert harness.state.orders_with_terms == {}


def test_an_old_price_liquidates_nothing() -> None:
    harness = make_harness("150", max_price_age=timedelta(seconds=5))
    harness.quote("100", "100", LINEAR)
    harness.buy("10", symbol=LINEAR)
    harness.advance(10)
    harness.quote("90", "90", LINEAR)
    harness.advance(10)
    harness.deposit("1")
    assert harness.position_qty() == 10
    harness.quote("80", "80", LINEAR)
    assert harness.position_qty() == 0


def test_a_mark_alone_liquidates() -> None:
    harness = make_harness("150")
    harness.buy("10", symbol=LINEAR)
    assert fills(harness.mark("85")) == ["10 @ 85"]


def test_a_realised_loss_beyond_the_wallet_is_insured() -> None:
    harness = make_harness("100")
    harness.buy("10", symbol=LINEAR)
    harness.book(
        bids=("10 @ 85",), asks=("10 @ 115",), symbol=LINEAR
    )  # the mid price does not move
    events = harness.sell("10", symbol=LINEAR)
    assert event_kinds(events) == ["Accepted", "Filled", "InsurancePaid"]
    assert insured(events) == 50
    assert harness.total() == "0"


@pytest.mark.parametrize(
    ("side", "price", "kept", "gone"),
    [
        # 0.01 + 4000 · (1/50000 − 1/p) = 4000 · 0.4 % ÷ p
        (Side.BUY, "44622.222222222222222222", "44623", "44622"),
        # 0.01 − 4000 · (1/50000 − 1/p) = 4000 · 0.4 % ÷ p
        (Side.SELL, "56914.285714285714285714", "56914", "56915"),
    ],
)
def test_an_inverse_position_is_liquidated_in_base(
    side: Side, price: str, kept: str, gone: str
) -> None:
    harness = SimulationHarness(BTC="0.01")
    harness.quote("50000", "50000", INVERSE)
    (harness.buy if side is Side.BUY else harness.sell)("40", symbol=INVERSE)
    assert liquidation_price(harness.state, harness.settings, INVERSE, Leg.BOTH) == Decimal(price)
    assert harness.quote(kept, kept, INVERSE) == ()
    assert fills(harness.quote(gone, gone, INVERSE)) == [f"40 @ {gone}"]


def test_an_inverse_loss_beyond_the_wallet_is_paid_in_base() -> None:
    harness = SimulationHarness(BTC="0.01")
    harness.quote("50000", "50000", INVERSE)
    harness.buy("40", symbol=INVERSE)
    events = harness.quote("40000", "40000", INVERSE)
    assert insured(events) == Decimal("0.01")  # 0.01 − 0.02
    assert harness.total("BTC") == "0"


def test_the_liquidation_price_of_the_acceptance_page() -> None:
    """9,000 ÷ 0.995 = 9,045.226…: no liquidation a tick above it, one a tick below."""
    harness = make_harness("1000")
    harness.quote("10000", "10000", LINEAR)
    harness.buy("1", symbol=LINEAR)
    assert harness.quote("9045.3", "9045.3", LINEAR) == ()
    events = harness.quote("9045.2", "9045.2", LINEAR)
    assert fills(events) == ["1 @ 9045.2"]
    assert [trade.source for trade in trades(events)] == [OrderSource.LIQUIDATION]
