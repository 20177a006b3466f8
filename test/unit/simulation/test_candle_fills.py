"""A bar is worked through: open, stops, then what gains, within its volume."""

from decimal import Decimal

from kit.exchanges.simulation_harness import (
    LINEAR,
    SimulationHarness,
    fact_kinds,
    fills,
    some_settings,
)
from oms.domain.orders.order import Side
from oms.simulation.state.paper_order import OrderTerms


def a_desk(**changes: object) -> SimulationHarness:
    desk = SimulationHarness(some_settings(**changes), USDT="100000", SOL="100")
    desk.candle("100", "100", "100", "100")
    return desk


def test_a_limit_fills_only_when_the_range_goes_beyond_it() -> None:
    desk = a_desk()
    desk.buy("1", "95")
    assert desk.candle("99", "99", "95", "98") == ()
    assert fills(desk.candle("98", "99", "94.99", "98")) == ["1 @ 95"]


def test_a_gap_fills_at_the_open() -> None:
    desk = a_desk()
    desk.buy("1", "95")
    desk.sell("1", "105")
    assert fills(desk.candle("90", "92", "89", "91")) == ["1 @ 90"]
    assert fills(desk.candle("110", "112", "109", "111")) == ["1 @ 110"]


def test_a_stop_fills_at_its_level_or_at_a_worse_open_with_slippage() -> None:
    desk = a_desk(slippage=Decimal("0.01"))
    desk.stop(Side.SELL, "1", "95")
    desk.stop(Side.SELL, "1", "90")
    events = desk.candle("99", "99", "94", "98")
    assert fact_kinds(events) == ["Triggered", "Filled"]
    assert fills(events) == ["1 @ 94.05"]  # 95 less 1 %
    assert fills(desk.candle("80", "99", "79", "98")) == ["1 @ 79.2"]


def test_both_reached_in_one_bar_means_the_stop() -> None:
    desk = a_desk()
    desk.pair(Side.SELL, "1", "105", "95")
    events = desk.candle("100", "110", "90", "100")
    assert fact_kinds(events) == ["Triggered", "Canceled", "Filled"]
    assert fills(events) == ["1 @ 95"]


def test_a_trailing_stop_is_judged_with_the_best_price_of_the_bars_before() -> None:
    desk = a_desk()
    terms = OrderTerms(trailing_amount=Decimal(5))
    desk.sell("1", order_type="trailing_stop", terms=terms)
    assert desk.candle("100", "120", "96", "110") == ()
    assert desk.order("o1").best == 120
    assert fills(desk.candle("116", "117", "114", "116")) == ["1 @ 115"]


def test_a_take_profit_fills_at_its_level_or_at_a_better_open() -> None:
    desk = a_desk()
    for level in ("105", "110"):
        desk.stop(Side.SELL, "1", level, order_type="take_profit")
    assert fills(desk.candle("100", "106", "100", "104")) == ["1 @ 105"]
    assert fills(desk.candle("112", "113", "111", "112")) == ["1 @ 112"]


def test_at_most_a_part_of_the_volume_is_filled() -> None:
    desk = a_desk(volume_cap_pct=Decimal(10))
    desk.buy("8", "95")
    desk.buy("8", "94")
    assert fills(desk.candle("99", "99", "90", "98", volume="100")) == ["8 @ 95", "2 @ 94"]


def test_afterwards_the_market_stands_at_the_close() -> None:
    desk = a_desk()
    desk.candle("100", "105", "95", "103")
    assert fills(desk.buy("1")) == ["1 @ 103"]


def test_reduce_only_holds_in_a_bar_too() -> None:
    desk = a_desk()
    desk.candle("100", "100", "100", "100", symbol=LINEAR)
    desk.buy("1", symbol=LINEAR)
    for price in ("104", "105"):
        desk.sell("1", price, symbol=LINEAR, reduce_only=True)
    events = desk.candle("100", "110", "100", "108", symbol=LINEAR)
    assert fills(events) == ["1 @ 104"]
    assert fact_kinds(events) == ["Filled", "Canceled"]
    assert desk.position_qty() == 0
