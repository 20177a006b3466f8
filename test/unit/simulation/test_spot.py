"""Spot: fees, locks and the money that is needed."""

from decimal import Decimal

import pytest

from kit.exchanges.simulation_harness import (
    SimulationHarness,
    fact_kinds,
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


def test_a_market_buy_walks_the_book_and_takes_its_depth_away() -> None:
    desk = SimulationHarness(charged(), USDT="1000")
    desk.book(asks=("1 @ 100.00", "2 @ 100.10"))
    first = desk.buy("2")
    assert fills(first) == ["1 @ 100", "1 @ 100.1"]
    assert [str(trade.fee) + trade.fee_currency for trade in trades(first)] == ["0.001SOL"] * 2
    assert fills(desk.buy("1")) == ["1 @ 100.1"]
    # 1000 − 100 − 100.1 − 100.1; 3 − 3 · 0.001
    assert desk.balance("USDT") == ("699.8", "0")
    assert desk.balance("SOL") == ("2.997", "0")


def test_what_was_bought_can_be_sold_without_dust() -> None:
    desk = SimulationHarness(charged(), USDT="1000")
    desk.quote("100", "100")
    desk.buy("3")
    assert only_rejection_code(desk.sell("3")) == "insufficient_funds"
    desk.sell("2.997")
    assert desk.balance("SOL") == ("0", "0")
    # 1000 − 300 + 299.7 − 0.2997
    assert desk.balance("USDT") == ("999.4003", "0")


def test_a_buy_fee_in_quote() -> None:
    desk = SimulationHarness(charged(base_fee_on_buy=False), USDT="1000")
    desk.quote("100", "100")
    (trade,) = trades(desk.buy("1"))
    assert (trade.fee, trade.fee_currency) == (Decimal("0.1"), "USDT")
    assert desk.balance("USDT") == ("899.9", "0")
    assert desk.balance("SOL") == ("1", "0")


def test_a_fee_is_never_rounded() -> None:
    fees = {InstrumentKind.SPOT: rates(taker="0.00075"), InstrumentKind.LINEAR: rates()}
    desk = SimulationHarness(some_settings(fees=fees), SOL="1")
    desk.quote("33.33", "33.34")
    (trade,) = trades(desk.sell("0.333"))
    # 0.333 · 33.33 · 0.00075
    assert trade.fee == Decimal("0.0083241675")


def test_a_rebate_is_credited() -> None:
    fees = {InstrumentKind.SPOT: rates(maker="-0.0001"), InstrumentKind.LINEAR: rates()}
    desk = SimulationHarness(some_settings(fees=fees), SOL="1")
    desk.quote("100", "101")
    desk.sell("1", "110")
    desk.quote("110", "111")
    # 110 + 110 · 0.0001
    assert desk.balance("USDT") == ("110.011", "0")


@pytest.mark.parametrize(
    ("base_fee", "used"),
    [(True, "200"), (False, "200.2")],  # 2 · 100, and 0.1 % of it where the fee is in quote
)
def test_a_resting_buy_locks_its_cost(base_fee: bool, used: str) -> None:
    desk = SimulationHarness(charged(base_fee_on_buy=base_fee), USDT="1000")
    desk.quote("109", "110")
    desk.buy("2", "100")
    assert desk.balance("USDT")[1] == used
    desk.cancel("o1")
    assert desk.balance("USDT") == ("1000", "0")


def test_a_resting_sell_locks_base_and_locked_base_cannot_be_sold_twice() -> None:
    desk = SimulationHarness(SOL="2")
    desk.quote("99", "100")
    desk.sell("1.5", "120")
    assert desk.balance("SOL") == ("0.5", "1.5")
    assert only_rejection_code(desk.sell("1")) == "insufficient_funds"
    assert only_rejection_code(desk.sell("1", "130")) == "insufficient_funds"


def test_a_buy_beyond_the_money_is_rejected_and_changes_nothing() -> None:
    desk = SimulationHarness(USDT="100")
    desk.quote("99", "100")
    before = desk.state
    assert only_rejection_code(desk.buy("1.001")) == "insufficient_funds"
    assert only_rejection_code(desk.buy("1.02", "99")) == "insufficient_funds"
    assert desk.state is before
    assert fact_kinds(desk.buy("1")) == ["Accepted", "Filled"]


def test_a_limit_buy_pays_the_better_price_of_the_book() -> None:
    desk = SimulationHarness(USDT="100")
    desk.book(asks=("1 @ 90",))
    assert fills(desk.buy("1", "100")) == ["1 @ 90"]
    assert desk.balance("USDT") == ("10", "0")


def test_no_short_unless_it_is_allowed() -> None:
    desk = SimulationHarness(USDT="100")
    desk.quote("100", "101")
    assert only_rejection_code(desk.sell("1")) == "insufficient_funds"
    short = SimulationHarness(some_settings(allow_spot_short=True), USDT="100")
    short.quote("100", "101")
    short.sell("1")
    assert short.balance("SOL") == ("-1", "0")
    short.sell("1", "110")
    assert short.balance("SOL") == ("-2", "1")


def test_a_reduce_only_sell_is_cut_to_what_is_free() -> None:
    desk = SimulationHarness(SOL="1.0005")
    desk.quote("100", "101")
    events = desk.sell("2", reduce_only=True)
    assert fact_kinds(events) == ["Accepted", "Changed", "Filled"]
    assert fills(events) == ["1 @ 100"]  # on the step of 0.001
    assert only_rejection_code(desk.sell("1", reduce_only=True)) == "exchange_rejected"
