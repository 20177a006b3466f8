"""Spot: fees, locks and required funds."""

from decimal import Decimal

import pytest

from kit.exchanges.simulation_harness import (
    SimulationHarness,
    event_kinds,
    fills,
    only_rejection_code,
    rates,
    some_settings,
    trades,
)
from oms.domain.instrument import InstrumentKind
from oms.simulation.settings import SimulationSettings


def charged(**changes: object) -> SimulationSettings:
    """0.1 % on spot, for maker and taker."""
    fees = {InstrumentKind.SPOT: rates("0.001", "0.001"), InstrumentKind.LINEAR: rates()}
    return some_settings(fees=fees, **changes)


def test_a_market_buy_matches_level_by_level_and_consumes_depth() -> None:
    harness = SimulationHarness(charged(), USDT="1000")
    harness.book(asks=("1 @ 100.00", "2 @ 100.10"))
    first = harness.buy("2")
    assert fills(first) == ["1 @ 100", "1 @ 100.1"]
    assert [str(trade.fee) + trade.fee_currency for trade in trades(first)] == ["0.001SOL"] * 2
    assert fills(harness.buy("1")) == ["1 @ 100.1"]
    # 1000 − 100 − 100.1 − 100.1; 3 − 3 · 0.001
    assert harness.balance("USDT") == ("699.8", "0")
    assert harness.balance("SOL") == ("2.997", "0")


def test_bought_quantity_can_be_sold_without_dust() -> None:
    harness = SimulationHarness(charged(), USDT="1000")
    harness.quote("100", "100")
    harness.buy("3")
    assert only_rejection_code(harness.sell("3")) == "insufficient_funds"
    harness.sell("2.997")
    assert harness.balance("SOL") == ("0", "0")
    # 1000 − 300 + 299.7 − 0.2997
    assert harness.balance("USDT") == ("999.4003", "0")


def test_a_buy_fee_in_quote() -> None:
    harness = SimulationHarness(charged(base_fee_on_buy=False), USDT="1000")
    harness.quote("100", "100")
    (trade,) = trades(harness.buy("1"))
    assert (trade.fee, trade.fee_currency) == (Decimal("0.1"), "USDT")
    assert harness.balance("USDT") == ("899.9", "0")
    assert harness.balance("SOL") == ("1", "0")


def test_a_fee_is_never_rounded() -> None:
    fees = {InstrumentKind.SPOT: rates(taker="0.00075"), InstrumentKind.LINEAR: rates()}
    harness = SimulationHarness(some_settings(fees=fees), SOL="1")
    harness.quote("33.33", "33.34")
    (trade,) = trades(harness.sell("0.333"))
    # 0.333 · 33.33 · 0.00075
    assert trade.fee == Decimal("0.0083241675")


def test_a_rebate_is_credited() -> None:
    fees = {InstrumentKind.SPOT: rates(maker="-0.0001"), InstrumentKind.LINEAR: rates()}
    harness = SimulationHarness(some_settings(fees=fees), SOL="1")
    harness.quote("100", "101")
    harness.sell("1", "110")
    harness.quote("110", "111")
    # 110 + 110 · 0.0001
    assert harness.balance("USDT") == ("110.011", "0")


@pytest.mark.parametrize(
    ("base_fee", "used"),
    [(True, "200"), (False, "200.2")],  # 2 · 100, and 0.1 % of it where the fee is in quote
)
def test_a_resting_buy_locks_its_cost(base_fee: bool, used: str) -> None:
    harness = SimulationHarness(charged(base_fee_on_buy=base_fee), USDT="1000")
    harness.quote("109", "110")
    harness.buy("2", "100")
    assert harness.balance("USDT")[1] == used
    harness.cancel("o1")
    assert harness.balance("USDT") == ("1000", "0")


def test_a_resting_sell_locks_base() -> None:
    harness = SimulationHarness(SOL="2")
    harness.quote("99", "100")
    harness.sell("1.5", "120")
    assert harness.balance("SOL") == ("0.5", "1.5")
    assert only_rejection_code(harness.sell("1")) == "insufficient_funds"
    assert only_rejection_code(harness.sell("1", "130")) == "insufficient_funds"


def test_an_unfunded_buy_is_rejected_and_changes_nothing() -> None:
    harness = SimulationHarness(USDT="100")
    harness.quote("99", "100")
    before = harness.state
    assert only_rejection_code(harness.buy("1.001")) == "insufficient_funds"
    assert only_rejection_code(harness.buy("1.02", "99")) == "insufficient_funds"
    assert harness.state is before
    assert event_kinds(harness.buy("1")) == ["Accepted", "Filled"]


def test_a_limit_buy_pays_the_better_price_of_the_book() -> None:
    harness = SimulationHarness(USDT="100")
    harness.book(asks=("1 @ 90",))
    assert fills(harness.buy("1", "100")) == ["1 @ 90"]
    assert harness.balance("USDT") == ("10", "0")


def test_spot_shorts_need_permission() -> None:
    harness = SimulationHarness(USDT="100")
    harness.quote("100", "101")
    assert only_rejection_code(harness.sell("1")) == "insufficient_funds"
    short = SimulationHarness(some_settings(allow_spot_short=True), USDT="100")
    short.quote("100", "101")
    short.sell("1")
    assert short.balance("SOL") == ("-1", "0")
    short.sell("1", "110")
    assert short.balance("SOL") == ("-2", "1")


def test_a_reduce_only_sell_is_limited_to_the_free_base() -> None:
    harness = SimulationHarness(SOL="1.0005")
    harness.quote("100", "101")
    events = harness.sell("2", reduce_only=True)
    assert event_kinds(events) == ["Accepted", "Changed", "Filled"]
    assert fills(events) == ["1 @ 100"]  # on the step of 0.001
    assert only_rejection_code(harness.sell("1", reduce_only=True)) == "exchange_rejected"
