"""Deposits, withdrawals and resets."""

from decimal import Decimal

import pytest

from kit.exchanges.simulation_harness import (
    INVERSE,
    LINEAR,
    SPOT,
    SimulationHarness,
    event_kinds,
    only_rejection_code,
    rates,
    some_settings,
    trades,
)
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.order import Side
from oms.simulation.events import Canceled, Deposited, Withdrawn
from oms.simulation.inputs import Deposit
from oms.simulation.settings import FeeTier
from oms.simulation.state.paper_order import OrderSource
from oms.simulation.state.state_json import decode_state, encode_state


def test_transfers_have_ids_of_their_own() -> None:
    harness = SimulationHarness(USDT="1000")
    (came,) = harness.deposit("5")
    (went,) = harness.withdraw("7")
    assert isinstance(came, Deposited)
    assert isinstance(went, Withdrawn)
    assert (came.transfer_id, went.transfer_id) == ("m2", "m3")
    assert (went.amount, went.currency, went.at) == (7, "USDT", harness.state.clock)
    assert harness.total() == "998"
    assert decode_state(encode_state(harness.state)) == harness.state


@pytest.mark.parametrize("amount", ["901", "900.000000000000000001"])
def test_locked_money_cannot_be_withdrawn(amount: str) -> None:
    harness = SimulationHarness(USDT="1000")
    harness.quote("100", "100")
    harness.buy("1", "100")
    harness.buy("1", "100")
    harness.sell("1")
    harness.buy("1", "99")
    before = harness.state
    assert only_rejection_code(harness.withdraw(amount)) == "insufficient_funds"
    assert harness.state is before
    assert only_rejection_code(harness.withdraw("1", "XRP")) == "insufficient_funds"


def test_a_reset_leaves_only_the_new_balances() -> None:
    harness = SimulationHarness(USDT="1000", SOL="3", BTC="1")
    for symbol, price in ((SPOT, "100"), (LINEAR, "100"), (INVERSE, "50000")):
        harness.quote(price, price, symbol)
    harness.buy("10", symbol=LINEAR)
    harness.sell("10", symbol=INVERSE)
    harness.sell("1", "120")
    harness.stop(Side.SELL, "10", "60", symbol=LINEAR, reduce_only=True)
    harness.quote("110", "110", LINEAR)
    events = harness.reset(USDT="500", ETH="2")
    assert [event.reason for event in events if isinstance(event, Canceled)] == ["reset"] * 2
    closed = trades(events)
    assert [(t.symbol, t.qty, t.price, t.fee) for t in closed] == [
        (INVERSE, 10, 50000, 0),
        (LINEAR, 10, 110, 0),
    ]
    assert {trade.source for trade in closed} == {OrderSource.CORRECTION}
    assert {trade.client_id for trade in closed} == {""}
    assert not harness.state.positions
    assert not harness.state.orders
    totals = {c: balance.total for c, balance in harness.state.balances.items()}
    assert totals == {"USDT": 500, "ETH": 2, "SOL": 0, "BTC": 0}
    moved = [f for f in events if isinstance(f, Deposited | Withdrawn)]
    assert [(type(f).__name__, f.currency, f.amount) for f in moved] == [
        ("Withdrawn", "BTC", 1),
        ("Deposited", "ETH", 2),
        ("Withdrawn", "SOL", 3),
        ("Withdrawn", "USDT", 600),  # 1000 and 100 of profit
    ]
    assert event_kinds(harness.buy("0.001")) == ["Accepted", "Filled"]  # ids continue
    assert "o7" not in harness.open_orders


def test_a_reset_pays_no_fee_and_clears_debt() -> None:
    fees = {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates("0.01", "0.01")}
    harness = SimulationHarness(some_settings(fees=fees), USDT="1000")
    harness.quote("100", "100", LINEAR)
    harness.buy("10", symbol=LINEAR)
    (trade,) = trades(harness.reset(USDT="1000"))
    assert trade.fee == 0
    assert harness.total() == "1000"


TIERS = (
    FeeTier(volume=Decimal(1000), rates=rates("0.0005", "0.0008")),
    FeeTier(volume=Decimal(5000), rates=rates("-0.0001", "0.0004")),
)
TIERED = some_settings(
    fees={
        InstrumentKind.SPOT: rates("0.001", "0.001"),
        InstrumentKind.LINEAR: rates("0.001", "0.001"),
    },
    fee_tiers={InstrumentKind.SPOT: TIERS, InstrumentKind.LINEAR: TIERS},
    base_fee_on_buy=False,
)


def test_fees_fall_with_the_volume_of_thirty_days() -> None:
    harness = SimulationHarness(TIERED, USDT="100000", BTC="1")
    harness.quote("100", "100")
    harness.quote("50000", "50000", INVERSE)
    paid_fees = [trades(harness.buy("10"))[0].fee]  # 0.1 %: the volume traded before decides
    paid_fees.append(trades(harness.buy("10"))[0].fee)
    trades(harness.buy("10", symbol=INVERSE))  # 1000 dollars
    paid_fees.append(trades(harness.buy("20"))[0].fee)
    paid_fees.append(trades(harness.buy("10"))[0].fee)
    # 1, 0.8, 1.6 at 3000 dollars, and 0.4 at 5000
    assert paid_fees == [Decimal("1"), Decimal("0.8"), Decimal("1.6"), Decimal("0.4")]
    assert harness.state.volumes == {harness.now.date().isoformat(): 6000}
    assert decode_state(encode_state(harness.state)) == harness.state
    harness.advance(29 * 86_400)
    assert trades(harness.buy("10"))[0].fee == Decimal("0.4")
    harness.advance(2 * 86_400)
    assert trades(harness.buy("10"))[0].fee == Decimal("0.8")  # 1000 of two days ago are left
    assert len(harness.state.volumes) == 2


def test_volume_in_another_currency_is_converted() -> None:
    harness = SimulationHarness(TIERED, BTC="10")
    harness.quote("0.05", "0.05", "ETH/BTC")
    harness.buy("1", symbol="ETH/BTC")
    assert list(harness.state.volumes.values()) == [0]  # its price in dollars is unknown
    harness.quote("50000", "50000", "BTC/USDT")
    harness.buy("1", symbol="ETH/BTC")
    assert list(harness.state.volumes.values()) == [2500]


def test_equal_deposits_are_separate_transfers() -> None:
    harness = SimulationHarness()
    for _ in range(2):
        harness.apply(Deposit(currency="USDT", amount=Decimal(1), at=harness.now))
    assert harness.state.transfers_made == 2
    assert harness.total() == "2"
