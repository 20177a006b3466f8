"""Fills of a candle: open, stops, take profits, within its volume."""

from decimal import Decimal

from kit.exchanges.simulation_harness import (
    LINEAR,
    SimulationHarness,
    event_kinds,
    fills,
    some_settings,
)
from oms.domain.orders.order import Side
from oms.simulation.state.paper_order import OrderTerms


def make_harness(**changes: object) -> SimulationHarness:
    harness = SimulationHarness(some_settings(**changes), USDT="100000", SOL="100")
    harness.candle("100", "100", "100", "100")
    return harness


def test_a_limit_fills_only_when_the_range_passes_it() -> None:
    harness = make_harness()
    harness.buy("1", "95")
    assert harness.candle("99", "99", "95", "98") == ()
    assert fills(harness.candle("98", "99", "94.99", "98")) == ["1 @ 95"]


def test_a_gap_fills_at_the_open() -> None:
    harness = make_harness()
    harness.buy("1", "95")
    harness.sell("1", "105")
    assert fills(harness.candle("90", "92", "89", "91")) == ["1 @ 90"]
    assert fills(harness.candle("110", "112", "109", "111")) == ["1 @ 110"]


def test_a_stop_fills_at_its_trigger_or_a_worse_open_with_slippage() -> None:
    harness = make_harness(slippage=Decimal("0.01"))
    harness.stop(Side.SELL, "1", "95")
    harness.stop(Side.SELL, "1", "90")
    events = harness.candle("99", "99", "94", "98")
    assert event_kinds(events) == ["Triggered", "Filled"]
    assert fills(events) == ["1 @ 94.05"]  # 95 less 1 %
    assert fills(harness.candle("80", "99", "79", "98")) == ["1 @ 79.2"]


def test_the_stop_wins_when_one_candle_reaches_both() -> None:
    harness = make_harness()
    harness.pair(Side.SELL, "1", "105", "95")
    events = harness.candle("100", "110", "90", "100")
    assert event_kinds(events) == ["Triggered", "Canceled", "Filled"]
    assert fills(events) == ["1 @ 95"]


def test_a_trailing_stop_uses_the_best_price_of_earlier_candles() -> None:
    harness = make_harness()
    terms = OrderTerms(trailing_amount=Decimal(5))
    harness.sell("1", order_type="trailing_stop", terms=terms)
    assert harness.candle("100", "120", "96", "110") == ()
    assert harness.order("o1").best == 120
    assert fills(harness.candle("116", "117", "114", "116")) == ["1 @ 115"]


def test_a_take_profit_fills_at_its_trigger_or_a_better_open() -> None:
    harness = make_harness()
    for level in ("105", "110"):
        harness.stop(Side.SELL, "1", level, order_type="take_profit")
    assert fills(harness.candle("100", "106", "100", "104")) == ["1 @ 105"]
    assert fills(harness.candle("112", "113", "111", "112")) == ["1 @ 112"]


def test_fills_are_capped_by_candle_volume() -> None:
    harness = make_harness(volume_cap_pct=Decimal(10))
    harness.buy("8", "95")
    harness.buy("8", "94")
    assert fills(harness.candle("99", "99", "90", "98", volume="100")) == ["8 @ 95", "2 @ 94"]


def test_the_market_is_at_the_close_afterwards() -> None:
    harness = make_harness()
    harness.candle("100", "105", "95", "103")
    assert fills(harness.buy("1")) == ["1 @ 103"]


def test_reduce_only_applies_to_candle_fills() -> None:
    harness = make_harness()
    harness.candle("100", "100", "100", "100", symbol=LINEAR)
    harness.buy("1", symbol=LINEAR)
    for price in ("104", "105"):
        harness.sell("1", price, symbol=LINEAR, reduce_only=True)
    events = harness.candle("100", "110", "100", "108", symbol=LINEAR)
    assert fills(events) == ["1 @ 104"]
    assert event_kinds(events) == ["Filled", "Canceled"]
    assert harness.position_qty() == 0
