"""Contracts: available margin, leverage, and both margin modes."""

from decimal import Decimal

import pytest

from kit.exchanges.simulation_harness import (
    LINEAR,
    SPOT,
    SimulationHarness,
    event_kinds,
    fills,
    only_rejection_code,
    rates,
    some_settings,
)
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.order import Side
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.state.paper_order import Leg

FEES = {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates("0.0002", "0.0005")}


def make_harness(usdt: str = "1000", **changes: object) -> SimulationHarness:
    harness = SimulationHarness(some_settings(**changes), USDT=usdt)
    harness.quote("100", "100", LINEAR)
    harness.quote("100", "100", SPOT)
    return harness


def moved(harness: SimulationHarness, price: str) -> None:
    harness.quote(price, price, LINEAR)


def test_a_wallet_is_valued_at_the_mark_price() -> None:
    harness = make_harness(fees=FEES)
    harness.buy("10", symbol=LINEAR)  # fee 0.5
    moved(harness, "110")
    harness.buy("2", "90", symbol=LINEAR)
    wallet = harness.wallet()
    assert wallet.total == Decimal("999.5")
    assert wallet.unrealised == 100  # 10 · (110 − 100)
    assert wallet.initial == 110  # 10 · 110 ÷ 10
    assert wallet.maintenance == Decimal("5.5")  # 10 · 110 · 0.5 %
    assert wallet.reserved == Decimal("18.09")  # 2 · 90 ÷ 10 + 2 · 90 · 0.0005
    # 999.5 + 100 − 110 − 18.09
    assert wallet.available == Decimal("971.41")


def test_a_received_mark_overrides_the_mid_price() -> None:
    harness = make_harness()
    harness.buy("10", symbol=LINEAR)
    harness.quote("101", "104", LINEAR)
    assert harness.wallet().unrealised == 25  # 10 · (102.5 − 100)
    harness.mark("103")
    harness.quote("99", "100", LINEAR)
    assert harness.wallet().unrealised == 30


def test_unrealised_profit_is_available_as_margin() -> None:
    harness = make_harness("100")
    harness.buy("10", symbol=LINEAR)
    moved(harness, "150")
    assert harness.wallet().available == 450  # 100 + 500 − 150
    assert only_rejection_code(harness.buy("30.001", symbol=LINEAR)) == "insufficient_funds"
    assert event_kinds(harness.buy("30", symbol=LINEAR)) == ["Accepted", "Filled"]
    assert harness.wallet().available == 0


def test_unrealised_loss_reduces_available_margin() -> None:
    harness = make_harness("200")
    harness.buy("10", symbol=LINEAR)
    moved(harness, "95")
    assert harness.wallet().available == 55  # 200 − 50 − 95
    assert only_rejection_code(harness.buy("5.79", symbol=LINEAR)) == "insufficient_funds"
    assert event_kinds(harness.buy("5.789", symbol=LINEAR)) == ["Accepted", "Filled"]


def test_unrealised_profit_cannot_buy_spot() -> None:
    harness = make_harness()
    harness.buy("50", symbol=LINEAR)
    moved(harness, "110")
    assert harness.wallet().available == 950  # 1000 + 500 − 550
    assert only_rejection_code(harness.buy("5.001")) == "insufficient_funds"
    assert fills(harness.buy("5")) == ["5 @ 100"]  # 500 is free


def test_unrealised_loss_reduces_withdrawable_money() -> None:
    harness = make_harness()
    harness.buy("50", symbol=LINEAR)
    moved(harness, "95")
    # 1000 − 250 − 475
    assert only_rejection_code(harness.withdraw("275.01")) == "insufficient_funds"
    assert only_rejection_code(harness.buy("2.751")) == "insufficient_funds"
    assert event_kinds(harness.withdraw("275")) == ["Withdrawn"]
    assert harness.wallet().available == 0


def test_a_close_is_always_possible_and_funds_a_flip() -> None:
    harness = make_harness("100")
    harness.buy("10", symbol=LINEAR)
    moved(harness, "96")
    assert harness.wallet().available == -36  # 100 − 40 − 96
    assert only_rejection_code(harness.buy("0.001", symbol=LINEAR)) == "insufficient_funds"
    # after the close 60 are left: 6.25 · 96 ÷ 10
    assert only_rejection_code(harness.sell("16.251", symbol=LINEAR)) == "insufficient_funds"
    assert event_kinds(harness.sell("16.25", symbol=LINEAR)) == ["Accepted", "Filled"]
    assert harness.wallet().available == 0


def test_a_leverage_change_recomputes_margins_and_locks() -> None:
    harness = make_harness()
    harness.buy("10", symbol=LINEAR)
    harness.buy("2", "90", symbol=LINEAR)
    assert harness.balance("USDT") == ("882", "118")
    assert event_kinds(harness.set_leverage(20)) == ["LeverageSet"]
    assert harness.balance("USDT") == ("941", "59")
    assert event_kinds(harness.set_leverage(20)) == ["LeverageSet"]
    harness.cancel("o2", LINEAR)
    assert harness.balance("USDT") == ("950", "50")
    assert event_kinds(harness.set_leverage(1)) == ["LeverageSet"]
    assert harness.balance("USDT") == ("0", "1000")


@pytest.mark.parametrize("leverage", [0, 101, -1])
def test_leverage_is_limited_by_the_contract(leverage: int) -> None:
    harness = make_harness()
    assert only_rejection_code(harness.set_leverage(leverage)) == "exchange_rejected"
    assert only_rejection_code(harness.set_leverage(2, SPOT)) == "exchange_rejected"


def test_leverage_without_enough_margin_is_rejected() -> None:
    harness = make_harness("999")
    harness.buy("10", symbol=LINEAR)
    before = harness.state
    assert only_rejection_code(harness.set_leverage(1)) == "insufficient_funds"
    assert harness.state is before
    assert event_kinds(harness.set_leverage(2)) == ["LeverageSet"]
    moved(harness, "50.1")
    assert harness.wallet().available == Decimal("249.5")  # 999 − 499 − 250.5
    assert only_rejection_code(harness.set_leverage(1)) == "insufficient_funds"


def test_more_leverage_is_accepted_without_available_margin() -> None:
    harness = make_harness("100")
    harness.buy("10", symbol=LINEAR)
    moved(harness, "95")
    assert harness.wallet().available == -45
    assert only_rejection_code(harness.set_leverage(9)) == "insufficient_funds"
    assert event_kinds(harness.set_leverage(50)) == ["LeverageSet"]
    assert harness.wallet().available == 31  # 100 − 50 − 19


def test_a_leverage_change_keeps_the_larger_lock_of_a_pair() -> None:
    harness = make_harness()
    harness.pair(Side.SELL, "1", "120", "90", symbol=LINEAR)
    assert harness.balance("USDT")[1] == "12"
    harness.set_leverage(20)
    assert harness.balance("USDT")[1] == "6"


def test_margin_mode_changes_only_where_nothing_is_open() -> None:
    harness = make_harness()
    harness.buy("1", "90", symbol=LINEAR)
    assert only_rejection_code(harness.set_margin_mode(MarginMode.ISOLATED)) == "exchange_rejected"
    assert event_kinds(harness.set_margin_mode(MarginMode.CROSS)) == ["MarginModeSet"]
    harness.cancel("o1", LINEAR)
    assert event_kinds(harness.set_margin_mode(MarginMode.ISOLATED)) == ["MarginModeSet"]
    harness.buy("1", symbol=LINEAR)
    assert only_rejection_code(harness.set_margin_mode(MarginMode.CROSS)) == "exchange_rejected"
    assert (
        only_rejection_code(harness.set_margin_mode(MarginMode.CROSS, SPOT)) == "exchange_rejected"
    )


def isolated(usdt: str = "1000", **changes: object) -> SimulationHarness:
    return make_harness(usdt, margin_mode=MarginMode.ISOLATED, **changes)


def test_an_isolated_position_uses_its_own_margin_only() -> None:
    harness = isolated()
    harness.buy("10", symbol=LINEAR)
    moved(harness, "95")
    wallet = harness.wallet()
    assert (wallet.unrealised, wallet.initial, wallet.isolated) == (0, 0, 100)
    assert wallet.available == 900
    assert event_kinds(harness.withdraw("900")) == ["Withdrawn"]
    assert harness.balance("USDT") == ("0", "100")


def test_isolated_margin_follows_fills_and_restarts_on_a_flip() -> None:
    harness = isolated()
    harness.buy("10", symbol=LINEAR)
    moved(harness, "110")
    harness.buy("10", symbol=LINEAR)
    assert harness.balance("USDT") == ("790", "210")  # 100 + 110
    harness.sell("5", symbol=LINEAR)
    # a quarter is released, with 5 · (110 − 105) of profit
    assert harness.balance("USDT") == ("867.5", "157.5")
    harness.sell("20", symbol=LINEAR)
    assert harness.state.positions[LINEAR, Leg.BOTH].margin == 55
    assert harness.balance("USDT") == ("1045", "55")


def test_isolated_margin_follows_the_leverage_unless_that_would_liquidate() -> None:
    harness = isolated()
    harness.buy("10", symbol=LINEAR)
    harness.set_leverage(5)
    assert harness.balance("USDT") == ("800", "200")
    moved(harness, "90")
    assert (
        only_rejection_code(harness.set_leverage(10)) == "exchange_rejected"
    )  # 100 − 100 is below 4.5
    assert event_kinds(harness.set_leverage(9)) == ["LeverageSet"]
    assert only_rejection_code(isolated("100").set_leverage(0)) == "exchange_rejected"


def test_an_order_on_the_opposite_leg_only_reduces_it() -> None:
    harness = make_harness(hedge=True)
    harness.buy("5", symbol=LINEAR)
    events = harness.sell("8", symbol=LINEAR, leg=Leg.LONG)
    assert event_kinds(events) == ["Accepted", "Changed", "Filled"]
    assert fills(events) == ["5 @ 100"]
    assert (
        only_rejection_code(harness.sell("1", symbol=LINEAR, leg=Leg.LONG)) == "exchange_rejected"
    )
    harness.sell("1", symbol=LINEAR, leg=Leg.SHORT)
    assert harness.position_qty(leg=Leg.SHORT) == -1
