"""Inverse contracts: dollars a contract, profit and margin in base, harmonic averages."""

from decimal import Decimal

from kit.exchanges.simulation_harness import (
    INVERSE,
    SimulationHarness,
    fact_kinds,
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


def a_desk(btc: str = "1", **changes: object) -> SimulationHarness:
    desk = SimulationHarness(some_settings(**changes), BTC=btc)
    desk.quote("50000", "50000", INVERSE)
    return desk


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
    desk = a_desk()
    desk.buy("10", symbol=INVERSE)
    desk.quote("40000", "40000", INVERSE)
    (trade,) = trades(desk.sell("10", symbol=INVERSE))
    # (1/50000 − 1/40000) · 1000
    assert trade.realised == Decimal("-0.005")
    assert desk.total("BTC") == "0.995"


def test_the_average_is_harmonic() -> None:
    desk = SimulationHarness(of_one_dollar(leverage=100), BTC="20")
    desk.quote("10000", "10000", INVERSE)
    desk.buy("100000", symbol=INVERSE)
    desk.quote("20000", "20000", INVERSE)
    desk.buy("100000", symbol=INVERSE)
    position = desk.state.positions[INVERSE, Leg.BOTH]
    average = entry_price(desk.settings.instruments[INVERSE], position)
    assert average == Decimal("13333.333333333333333333")
    (trade,) = trades(desk.sell("200000", symbol=INVERSE))
    assert trade.realised == 5
    assert desk.total("BTC") == "25"


def test_margin_and_fees_are_in_base() -> None:
    desk = a_desk(
        fees={InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates("0.0002", "0.0005")}
    )
    (trade,) = trades(desk.buy("10", symbol=INVERSE))
    assert (trade.fee, trade.fee_currency) == (Decimal("0.00001"), "BTC")  # 0.02 · 0.0005
    assert desk.balance("BTC") == ("0.99799", "0.002")  # 1000 ÷ 50000 ÷ 10
    desk.buy("10", "40000", symbol=INVERSE)
    # 1000 ÷ 40000 = 0.025: a tenth, and a fee of 0.0005
    assert desk.balance("BTC") == ("0.9954775", "0.0045125")


def test_a_fee_that_has_no_end_is_told_at_18_places() -> None:
    desk = a_desk(fees={InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates(taker="0.0005")})
    desk.quote("30000", "30000", INVERSE)
    (trade,) = trades(desk.buy("1", symbol=INVERSE))
    assert trade.fee == Decimal("0.000001666666666667")  # 100 ÷ 30000 · 0.0005


def test_a_sell_is_dearest_where_it_is_lowest() -> None:
    desk = a_desk("0.002")
    # 1000 ÷ 50000 ÷ 10 is all there is; a limit below the market could cost more
    assert only_rejection_code(desk.sell("10", "49000", symbol=INVERSE)) == "insufficient_funds"
    assert fact_kinds(desk.sell("10", "51000", symbol=INVERSE)) == ["Accepted"]
    desk.cancel("o1", INVERSE)
    assert fact_kinds(desk.sell("10", symbol=INVERSE)) == ["Accepted", "Filled"]


def test_a_short_gains_when_the_price_falls_and_a_flip_begins_anew() -> None:
    desk = a_desk()
    desk.sell("10", symbol=INVERSE)
    desk.quote("40000", "40000", INVERSE)
    (trade,) = trades(desk.buy("14", symbol=INVERSE))
    assert trade.realised == Decimal("0.005")
    position = desk.state.positions[INVERSE, Leg.BOTH]
    assert (position.qty, position.cost) == (4, Decimal("-0.01"))
    assert position.margin == Decimal("0.001")


def test_both_legs_of_a_hedge() -> None:
    desk = a_desk(hedge=True)
    desk.buy("10", symbol=INVERSE)
    desk.sell("4", symbol=INVERSE)
    assert desk.position_qty(INVERSE, Leg.LONG) == 10
    assert desk.position_qty(INVERSE, Leg.SHORT) == -4
    assert desk.balance("BTC")[1] == "0.0028"


def test_base_that_contracts_need_is_not_sold() -> None:
    desk = a_desk("0.01", allow_spot_short=True)
    desk.quote("50000", "50000", "BTC/USDT")
    desk.buy("40", symbol=INVERSE)  # 0.008
    assert only_rejection_code(desk.sell("0.00201", symbol="BTC/USDT")) == "insufficient_funds"
    assert fact_kinds(desk.sell("0.002", symbol="BTC/USDT")) == ["Accepted", "Filled"]
    assert desk.wallet("BTC").available == 0
