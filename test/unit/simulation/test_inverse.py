"""Inverse contracts: a contract is worth dollars, profit and margin are in base."""

from decimal import Decimal

from kit.exchanges.simulation_harness import (
    INVERSE,
    SimulationHarness,
    event_kinds,
    only_rejection_code,
    rates,
    some_settings,
    trades,
)
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.value import evolve
from oms.simulation.account.margin import entry_price
from oms.simulation.market.instruments import instruments_of
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.paper_order import Leg

ETH = "ETH/USD:ETH"


def make_harness(btc: str = "1", **changes: object) -> SimulationHarness:
    harness = SimulationHarness(some_settings(**changes), BTC=btc)
    harness.quote("50000", "50000", INVERSE)
    return harness


def of_one_dollar(**changes: object) -> SimulationSettings:
    table = instruments_of("binance")
    row: Instrument = evolve(table[INVERSE], contract_size=Decimal(1))
    return some_settings(instruments={**table, INVERSE: row}, **changes)


def test_the_built_in_rows() -> None:
    btc, eth = instruments_of("generic")[INVERSE], instruments_of("binance")[ETH]
    assert (btc.kind, btc.settle, btc.contract_size, btc.tick) == (
        InstrumentKind.INVERSE,
        "BTC",
        100,
        Decimal("0.1"),
    )
    assert (eth.settle, eth.contract_size, eth.step, eth.max_leverage) == ("ETH", 10, 1, 100)
    assert btc.notional(Decimal(3), Decimal(50000)) == 300


def test_profit_is_in_base() -> None:
    harness = make_harness()
    harness.buy("10", symbol=INVERSE)
    harness.quote("40000", "40000", INVERSE)
    (trade,) = trades(harness.sell("10", symbol=INVERSE))
    # (1/50000 − 1/40000) · 1000
    assert trade.realised == Decimal("-0.005")
    assert harness.total("BTC") == "0.995"


def test_the_average_is_harmonic() -> None:
    harness = SimulationHarness(of_one_dollar(leverage=100), BTC="20")
    harness.quote("10000", "10000", INVERSE)
    harness.buy("100000", symbol=INVERSE)
    harness.quote("20000", "20000", INVERSE)
    harness.buy("100000", symbol=INVERSE)
    position = harness.state.positions[INVERSE, Leg.BOTH]
    average = entry_price(harness.settings.instruments[INVERSE], position)
    assert average == Decimal("13333.333333333333333333")
    (trade,) = trades(harness.sell("200000", symbol=INVERSE))
    assert trade.realised == 5
    assert harness.total("BTC") == "25"


def test_margin_and_fees_are_in_base() -> None:
    harness = make_harness(
        fees={InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates("0.0002", "0.0005")}
    )
    (trade,) = trades(harness.buy("10", symbol=INVERSE))
    assert (trade.fee, trade.fee_currency) == (Decimal("0.00001"), "BTC")  # 0.02 · 0.0005
    assert harness.balance("BTC") == ("0.99799", "0.002")  # 1000 ÷ 50000 ÷ 10
    harness.buy("10", "40000", symbol=INVERSE)
    # 1000 ÷ 40000 = 0.025: a tenth, and a fee of 0.0005
    assert harness.balance("BTC") == ("0.9954775", "0.0045125")


def test_a_non_terminating_fee_is_rounded_to_18_places() -> None:
    harness = make_harness(
        fees={InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates(taker="0.0005")}
    )
    harness.quote("30000", "30000", INVERSE)
    (trade,) = trades(harness.buy("1", symbol=INVERSE))
    assert trade.fee == Decimal("0.000001666666666667")  # 100 ÷ 30000 · 0.0005


def test_a_sell_needs_most_margin_at_its_lowest_price() -> None:
    harness = make_harness("0.002")
    # 1000 ÷ 50000 ÷ 10 is all that is free; a limit below the market could cost more
    assert only_rejection_code(harness.sell("10", "49000", symbol=INVERSE)) == "insufficient_funds"
    assert event_kinds(harness.sell("10", "51000", symbol=INVERSE)) == ["Accepted"]
    harness.cancel("o1", INVERSE)
    assert event_kinds(harness.sell("10", symbol=INVERSE)) == ["Accepted", "Filled"]


def test_a_short_gains_when_the_price_falls_and_can_flip() -> None:
    harness = make_harness()
    harness.sell("10", symbol=INVERSE)
    harness.quote("40000", "40000", INVERSE)
    (trade,) = trades(harness.buy("14", symbol=INVERSE))
    assert trade.realised == Decimal("0.005")
    position = harness.state.positions[INVERSE, Leg.BOTH]
    assert (position.qty, position.cost) == (4, Decimal("-0.01"))
    assert position.margin == Decimal("0.001")


def test_both_legs_of_a_hedge() -> None:
    harness = make_harness(hedge=True)
    harness.buy("10", symbol=INVERSE)
    harness.sell("4", symbol=INVERSE)
    assert harness.position_qty(INVERSE, Leg.LONG) == 10
    assert harness.position_qty(INVERSE, Leg.SHORT) == -4
    assert harness.balance("BTC")[1] == "0.0028"


def test_base_bound_by_contracts_cannot_be_sold() -> None:
    harness = make_harness("0.01", allow_spot_short=True)
    harness.quote("50000", "50000", "BTC/USDT")
    harness.buy("40", symbol=INVERSE)  # 0.008
    assert only_rejection_code(harness.sell("0.00201", symbol="BTC/USDT")) == "insufficient_funds"
    assert event_kinds(harness.sell("0.002", symbol="BTC/USDT")) == ["Accepted", "Filled"]
    assert harness.wallet("BTC").available == 0
