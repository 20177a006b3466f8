"""Money that comes and goes, and an account that begins anew."""

from decimal import Decimal

import pytest

from kit.exchanges.simulation_harness import (
    INVERSE,
    LINEAR,
    SPOT,
    SimulationHarness,
    fact_kinds,
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


def test_money_comes_and_goes_under_ids_of_its_own() -> None:
    desk = SimulationHarness(USDT="1000")
    (came,) = desk.deposit("5")
    (went,) = desk.withdraw("7")
    assert isinstance(came, Deposited)
    assert isinstance(went, Withdrawn)
    assert (came.transfer_id, went.transfer_id) == ("m2", "m3")
    assert (went.amount, went.currency, went.at) == (7, "USDT", desk.state.clock)
    assert desk.total() == "998"
    assert decode_state(encode_state(desk.state)) == desk.state


@pytest.mark.parametrize("amount", ["901", "900.000000000000000001"])
def test_what_is_locked_does_not_leave(amount: str) -> None:
    desk = SimulationHarness(USDT="1000")
    desk.quote("100", "100")
    desk.buy("1", "100")
    desk.buy("1", "100")
    desk.sell("1")
    desk.buy("1", "99")
    before = desk.state
    assert only_rejection_code(desk.withdraw(amount)) == "insufficient_funds"
    assert desk.state is before
    assert only_rejection_code(desk.withdraw("1", "XRP")) == "insufficient_funds"


def test_a_reset_leaves_nothing_but_the_new_balances() -> None:
    desk = SimulationHarness(USDT="1000", SOL="3", BTC="1")
    for symbol, price in ((SPOT, "100"), (LINEAR, "100"), (INVERSE, "50000")):
        desk.quote(price, price, symbol)
    desk.buy("10", symbol=LINEAR)
    desk.sell("10", symbol=INVERSE)
    desk.sell("1", "120")
    desk.stop(Side.SELL, "10", "60", symbol=LINEAR, reduce_only=True)
    desk.quote("110", "110", LINEAR)
    events = desk.reset(USDT="500", ETH="2")
    assert [event.reason for event in events if isinstance(event, Canceled)] == ["reset"] * 2
    closed = trades(events)
    assert [(t.symbol, t.qty, t.price, t.fee) for t in closed] == [
        (INVERSE, 10, 50000, 0),
        (LINEAR, 10, 110, 0),
    ]
    assert {trade.source for trade in closed} == {OrderSource.CORRECTION}
    assert {trade.client_id for trade in closed} == {""}
    assert not desk.state.positions
    assert not desk.state.orders
    totals = {c: balance.total for c, balance in desk.state.balances.items()}
    assert totals == {"USDT": 500, "ETH": 2, "SOL": 0, "BTC": 0}
    moved = [f for f in events if isinstance(f, Deposited | Withdrawn)]
    assert [(type(f).__name__, f.currency, f.amount) for f in moved] == [
        ("Withdrawn", "BTC", 1),
        ("Deposited", "ETH", 2),
        ("Withdrawn", "SOL", 3),
        ("Withdrawn", "USDT", 600),  # 1000 and 100 of profit
    ]
    assert fact_kinds(desk.buy("0.001")) == ["Accepted", "Filled"]  # ids go on
    assert "o7" not in desk.open_orders


def test_a_reset_pays_no_fee_and_forgets_a_debt() -> None:
    fees = {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates("0.01", "0.01")}
    desk = SimulationHarness(some_settings(fees=fees), USDT="1000")
    desk.quote("100", "100", LINEAR)
    desk.buy("10", symbol=LINEAR)
    (trade,) = trades(desk.reset(USDT="1000"))
    assert trade.fee == 0
    assert desk.total() == "1000"


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
    desk = SimulationHarness(TIERED, USDT="100000", BTC="1")
    desk.quote("100", "100")
    desk.quote("50000", "50000", INVERSE)
    told = [trades(desk.buy("10"))[0].fee]  # 0.1 %: what was traded before decides
    told.append(trades(desk.buy("10"))[0].fee)
    trades(desk.buy("10", symbol=INVERSE))  # 1000 dollars
    told.append(trades(desk.buy("20"))[0].fee)
    told.append(trades(desk.buy("10"))[0].fee)
    # 1, 0.8, 1.6 at 3000 dollars, and 0.4 at 5000
    assert told == [Decimal("1"), Decimal("0.8"), Decimal("1.6"), Decimal("0.4")]
    assert desk.state.volumes == {desk.now.date().isoformat(): 6000}
    assert decode_state(encode_state(desk.state)) == desk.state
    desk.advance(29 * 86_400)
    assert trades(desk.buy("10"))[0].fee == Decimal("0.4")
    desk.advance(2 * 86_400)
    assert trades(desk.buy("10"))[0].fee == Decimal("0.8")  # 1000 of two days ago are left
    assert len(desk.state.volumes) == 2


def test_volume_in_another_currency_is_counted_at_its_price() -> None:
    desk = SimulationHarness(TIERED, BTC="10")
    desk.quote("0.05", "0.05", "ETH/BTC")
    desk.buy("1", symbol="ETH/BTC")
    assert list(desk.state.volumes.values()) == [0]  # nobody knows what it is worth
    desk.quote("50000", "50000", "BTC/USDT")
    desk.buy("1", symbol="ETH/BTC")
    assert list(desk.state.volumes.values()) == [2500]


def test_money_that_comes_twice_is_two_transfers() -> None:
    desk = SimulationHarness()
    for _ in range(2):
        desk.apply(Deposit(currency="USDT", amount=Decimal(1), at=desk.now))
    assert desk.state.transfers_made == 2
    assert desk.total() == "2"
