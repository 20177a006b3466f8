"""Contracts: what a wallet can still pay for, leverage, and the two margin modes."""

from decimal import Decimal

import pytest

from kit.exchanges.simulation_harness import (
    LINEAR,
    SPOT,
    SimulationHarness,
    fact_kinds,
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


def a_desk(usdt: str = "1000", **changes: object) -> SimulationHarness:
    desk = SimulationHarness(some_settings(**changes), USDT=usdt)
    desk.quote("100", "100", LINEAR)
    desk.quote("100", "100", SPOT)
    return desk


def moved(desk: SimulationHarness, price: str) -> None:
    desk.quote(price, price, LINEAR)


def test_a_wallet_is_counted_at_the_mark() -> None:
    desk = a_desk(fees=FEES)
    desk.buy("10", symbol=LINEAR)  # fee 0.5
    moved(desk, "110")
    desk.buy("2", "90", symbol=LINEAR)
    wallet = desk.wallet()
    assert wallet.total == Decimal("999.5")
    assert wallet.unrealised == 100  # 10 · (110 − 100)
    assert wallet.initial == 110  # 10 · 110 ÷ 10
    assert wallet.maintenance == Decimal("5.5")  # 10 · 110 · 0.5 %
    assert wallet.reserved == Decimal("18.09")  # 2 · 90 ÷ 10 + 2 · 90 · 0.0005
    # 999.5 + 100 − 110 − 18.09
    assert wallet.available == Decimal("971.41")


def test_a_mark_that_is_told_stands_before_the_middle() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.quote("101", "104", LINEAR)
    assert desk.wallet().unrealised == 25  # 10 · (102.5 − 100)
    desk.mark("103")
    desk.quote("99", "100", LINEAR)
    assert desk.wallet().unrealised == 30


def test_profit_that_is_not_realised_opens_more() -> None:
    desk = a_desk("100")
    desk.buy("10", symbol=LINEAR)
    moved(desk, "150")
    assert desk.wallet().available == 450  # 100 + 500 − 150
    assert only_rejection_code(desk.buy("30.001", symbol=LINEAR)) == "insufficient_funds"
    assert fact_kinds(desk.buy("30", symbol=LINEAR)) == ["Accepted", "Filled"]
    assert desk.wallet().available == 0


def test_a_loss_that_is_not_realised_opens_less() -> None:
    desk = a_desk("200")
    desk.buy("10", symbol=LINEAR)
    moved(desk, "95")
    assert desk.wallet().available == 55  # 200 − 50 − 95
    assert only_rejection_code(desk.buy("5.79", symbol=LINEAR)) == "insufficient_funds"
    assert fact_kinds(desk.buy("5.789", symbol=LINEAR)) == ["Accepted", "Filled"]


def test_profit_that_is_not_realised_buys_no_spot() -> None:
    desk = a_desk()
    desk.buy("50", symbol=LINEAR)
    moved(desk, "110")
    assert desk.wallet().available == 950  # 1000 + 500 − 550
    assert only_rejection_code(desk.buy("5.001")) == "insufficient_funds"
    assert fills(desk.buy("5")) == ["5 @ 100"]  # 500 is free


def test_a_loss_that_is_not_realised_binds_money() -> None:
    desk = a_desk()
    desk.buy("50", symbol=LINEAR)
    moved(desk, "95")
    # 1000 − 250 − 475
    assert only_rejection_code(desk.withdraw("275.01")) == "insufficient_funds"
    assert only_rejection_code(desk.buy("2.751")) == "insufficient_funds"
    assert fact_kinds(desk.withdraw("275")) == ["Withdrawn"]
    assert desk.wallet().available == 0


def test_a_close_is_never_hindered_and_frees_what_a_flip_needs() -> None:
    desk = a_desk("100")
    desk.buy("10", symbol=LINEAR)
    moved(desk, "96")
    assert desk.wallet().available == -36  # 100 − 40 − 96
    assert only_rejection_code(desk.buy("0.001", symbol=LINEAR)) == "insufficient_funds"
    # after the close 60 are left: 6.25 · 96 ÷ 10
    assert only_rejection_code(desk.sell("16.251", symbol=LINEAR)) == "insufficient_funds"
    assert fact_kinds(desk.sell("16.25", symbol=LINEAR)) == ["Accepted", "Filled"]
    assert desk.wallet().available == 0


def test_another_leverage_counts_margins_and_reserves_anew() -> None:
    desk = a_desk()
    desk.buy("10", symbol=LINEAR)
    desk.buy("2", "90", symbol=LINEAR)
    assert desk.balance("USDT") == ("882", "118")
    assert fact_kinds(desk.set_leverage(20)) == ["LeverageSet"]
    assert desk.balance("USDT") == ("941", "59")
    assert fact_kinds(desk.set_leverage(20)) == ["LeverageSet"]
    desk.cancel("o2", LINEAR)
    assert desk.balance("USDT") == ("950", "50")
    assert fact_kinds(desk.set_leverage(1)) == ["LeverageSet"]
    assert desk.balance("USDT") == ("0", "1000")


@pytest.mark.parametrize("leverage", [0, 101, -1])
def test_leverage_is_what_the_contract_allows(leverage: int) -> None:
    desk = a_desk()
    assert only_rejection_code(desk.set_leverage(leverage)) == "exchange_rejected"
    assert only_rejection_code(desk.set_leverage(2, SPOT)) == "exchange_rejected"


def test_leverage_that_the_wallet_cannot_bear_is_refused() -> None:
    desk = a_desk("999")
    desk.buy("10", symbol=LINEAR)
    before = desk.state
    assert only_rejection_code(desk.set_leverage(1)) == "insufficient_funds"
    assert desk.state is before
    assert fact_kinds(desk.set_leverage(2)) == ["LeverageSet"]
    moved(desk, "50.1")
    assert desk.wallet().available == Decimal("249.5")  # 999 − 499 − 250.5
    assert only_rejection_code(desk.set_leverage(1)) == "insufficient_funds"


def test_more_leverage_is_welcome_where_too_little_is_left() -> None:
    desk = a_desk("100")
    desk.buy("10", symbol=LINEAR)
    moved(desk, "95")
    assert desk.wallet().available == -45
    assert only_rejection_code(desk.set_leverage(9)) == "insufficient_funds"
    assert fact_kinds(desk.set_leverage(50)) == ["LeverageSet"]
    assert desk.wallet().available == 31  # 100 − 50 − 19


def test_the_larger_of_a_pair_is_held_under_another_leverage_too() -> None:
    desk = a_desk()
    desk.pair(Side.SELL, "1", "120", "90", symbol=LINEAR)
    assert desk.balance("USDT")[1] == "12"
    desk.set_leverage(20)
    assert desk.balance("USDT")[1] == "6"


def test_margin_mode_changes_only_where_nothing_is_open() -> None:
    desk = a_desk()
    desk.buy("1", "90", symbol=LINEAR)
    assert only_rejection_code(desk.set_margin_mode(MarginMode.ISOLATED)) == "exchange_rejected"
    assert fact_kinds(desk.set_margin_mode(MarginMode.CROSS)) == ["MarginModeSet"]
    desk.cancel("o1", LINEAR)
    assert fact_kinds(desk.set_margin_mode(MarginMode.ISOLATED)) == ["MarginModeSet"]
    desk.buy("1", symbol=LINEAR)
    assert only_rejection_code(desk.set_margin_mode(MarginMode.CROSS)) == "exchange_rejected"
    assert only_rejection_code(desk.set_margin_mode(MarginMode.CROSS, SPOT)) == "exchange_rejected"


def isolated(usdt: str = "1000", **changes: object) -> SimulationHarness:
    return a_desk(usdt, margin_mode=MarginMode.ISOLATED, **changes)


def test_an_isolated_position_binds_its_margin_alone() -> None:
    desk = isolated()
    desk.buy("10", symbol=LINEAR)
    moved(desk, "95")
    wallet = desk.wallet()
    assert (wallet.unrealised, wallet.initial, wallet.isolated) == (0, 0, 100)
    assert wallet.available == 900
    assert fact_kinds(desk.withdraw("900")) == ["Withdrawn"]
    assert desk.balance("USDT") == ("0", "100")


def test_isolated_margin_grows_shrinks_and_begins_anew_on_a_flip() -> None:
    desk = isolated()
    desk.buy("10", symbol=LINEAR)
    moved(desk, "110")
    desk.buy("10", symbol=LINEAR)
    assert desk.balance("USDT") == ("790", "210")  # 100 + 110
    desk.sell("5", symbol=LINEAR)
    # a quarter comes back, with 5 · (110 − 105) of profit
    assert desk.balance("USDT") == ("867.5", "157.5")
    desk.sell("20", symbol=LINEAR)
    assert desk.state.positions[LINEAR, Leg.BOTH].margin == 55
    assert desk.balance("USDT") == ("1045", "55")


def test_isolated_margin_follows_the_leverage_unless_that_would_liquidate() -> None:
    desk = isolated()
    desk.buy("10", symbol=LINEAR)
    desk.set_leverage(5)
    assert desk.balance("USDT") == ("800", "200")
    moved(desk, "90")
    assert (
        only_rejection_code(desk.set_leverage(10)) == "exchange_rejected"
    )  # 100 − 100 is below 4.5
    assert fact_kinds(desk.set_leverage(9)) == ["LeverageSet"]
    assert only_rejection_code(isolated("100").set_leverage(0)) == "exchange_rejected"


def test_an_order_told_the_other_leg_only_reduces_it() -> None:
    desk = a_desk(hedge=True)
    desk.buy("5", symbol=LINEAR)
    events = desk.sell("8", symbol=LINEAR, leg=Leg.LONG)
    assert fact_kinds(events) == ["Accepted", "Changed", "Filled"]
    assert fills(events) == ["5 @ 100"]
    assert only_rejection_code(desk.sell("1", symbol=LINEAR, leg=Leg.LONG)) == "exchange_rejected"
    desk.sell("1", symbol=LINEAR, leg=Leg.SHORT)
    assert desk.position_qty(leg=Leg.SHORT) == -1
