"""The money of the paper exchange adds up for any trades, settings, payments and liquidations.

The wallet changes by realised − fees + funding + transfers, positions change by their fills;
funding is paid once per funding time; after a liquidation there is no debt.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.builders import NOON
from kit.exchanges.simulation_harness import LINEAR, some_settings
from kit.generators.paper_histories import (
    MIXED,
    SCENARIOS,
    SETTINGS,
    expected_totals,
    histories,
    run_steps,
)
from kit.run_size import count_examples
from oms.domain.instrument import InstrumentKind
from oms.domain.money import ZERO, add, multiply
from oms.domain.orders.order import Side
from oms.simulation.account.margin import available, compute_position_margins, compute_wallet
from oms.simulation.events import Filled, FundingPaid, PaperEvent, Withdrawn
from oms.simulation.inputs import Deposit, Input, NewOrder, QuoteUpdate, TimeUpdate
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_order import Leg, OrderSource
from oms.simulation.state.state_json import decode_state, encode_state
from oms.simulation.step import step


@pytest.mark.parametrize(
    ("scene", "hedge"),
    [
        *[("spot", False), ("linear", False), ("linear", True)],
        *[("inverse", False), ("inverse", True), ("mixed", False)],
    ],
)
def test_wallets_are_conserved(scene: str, hedge: bool) -> None:
    @settings(max_examples=count_examples(500), deadline=None)
    @given(histories(SCENARIOS[scene]), SETTINGS)
    def holds(inputs: list[Input], rules: SimulationSettings) -> None:
        rules = _with_legs(rules, hedge=hedge)
        events: list[PaperEvent] = []
        held: dict[tuple[str, Leg], Decimal] = defaultdict(lambda: ZERO)
        for result in run_steps(inputs, rules):
            events += result.events
            for event in result.events:
                if isinstance(event, Filled):
                    key = (event.trade.symbol, event.trade.leg)
                    signed = multiply(event.trade.qty, Decimal(event.trade.side.sign))
                    held[key] = add(held[key], signed)
            _check_positions(result.state, held, rules)
            expected = expected_totals(events, rules)
            for currency, balance in result.state.balances.items():
                assert balance.free + balance.used == balance.total == expected[currency]
                assert balance.used >= 0

    holds()


def _with_legs(rules: SimulationSettings, *, hedge: bool) -> SimulationSettings:
    names = ("fees", "fee_tiers", "base_fee_on_buy", "leverage", "margin_mode", "funding_rate")
    return some_settings(hedge=hedge, **{name: getattr(rules, name) for name in names})


def _check_positions(
    state: ExchangeState, held: dict[tuple[str, Leg], Decimal], rules: SimulationSettings
) -> None:
    open_ones = {key: position.qty for key, position in state.positions.items()}
    expected = {
        key: qty
        for key, qty in held.items()
        if qty and rules.instruments[key[0]].kind is not InstrumentKind.SPOT
    }
    assert open_ones == expected


@settings(max_examples=count_examples(500), deadline=None)
@given(
    st.sampled_from(sorted(SCENARIOS)).flatmap(lambda name: histories(SCENARIOS[name])), SETTINGS
)
def test_wallets_stay_above_maintenance_after_every_step(
    inputs: list[Input], rules: SimulationSettings
) -> None:
    """Cross wallets and isolated margins stay above maintenance, and there is no debt.

    Withdrawals leave what positions need.
    """
    for result in run_steps(inputs, rules):
        state = result.state
        for currency, balance in state.balances.items():
            wallet = compute_wallet(state, rules, currency)
            if wallet.maintenance:
                carried = wallet.total - wallet.isolated + wallet.unrealised
                assert carried > wallet.maintenance
            else:
                assert wallet.total >= wallet.isolated >= 0
                assert balance.free >= 0
            for position_margin in compute_position_margins(state, rules, currency):
                if position_margin.is_isolated:
                    assert (
                        position_margin.position.margin + position_margin.unrealised
                        > position_margin.maintenance
                    )
            if any(isinstance(f, Withdrawn) and f.currency == currency for f in result.events):
                assert available(state, rules, currency) >= 0


HOURS = st.lists(
    st.integers(0, 40 * 3600).map(lambda seconds: timedelta(seconds=seconds)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=count_examples(500), deadline=None)
@given(HOURS, st.sets(st.integers(0, 39)), st.booleans(), st.sampled_from(["0.0001", "-0.0003"]))
def test_funding_is_paid_once_per_time_for_any_tick_times(
    spans: list[timedelta], restarts: set[int], is_quiet: bool, rate: str
) -> None:
    rules = some_settings(funding_rate=Decimal(rate))
    state, now = ExchangeState(), NOON
    start: list[Input] = [
        Deposit(currency="USDT", amount=Decimal(10_000), at=now),
        _quote(now),
        _buy(now),
    ]
    for one in start:
        state = step(state, one, rules).state
    paid: list[FundingPaid] = []
    for index, span in enumerate(spans):
        now += span
        if index in restarts:
            state = decode_state(encode_state(state))
        update: Input = TimeUpdate(at=now) if is_quiet or index % 2 else _quote(now)
        result = step(state, update, rules)
        state = result.state
        paid += [event for event in result.events if isinstance(event, FundingPaid)]
    due = [moment for moment in _funding_times(NOON, now) if moment > NOON]
    assert [event.at for event in paid] == due
    assert len({event.funding_id for event in paid}) == len(paid)
    amount = Decimal(-1000) * Decimal(rate)
    assert all(event.amount == amount for event in paid)
    assert state.balances["USDT"].total == 10_000 + amount * len(due)


def _quote(now: datetime) -> QuoteUpdate:
    return QuoteUpdate(symbol=LINEAR, bid=Decimal(100), ask=Decimal(100), at=now)


def _buy(now: datetime) -> NewOrder:
    return NewOrder(
        client_id="1",
        symbol=LINEAR,
        side=Side.BUY,
        order_type="market",
        qty=Decimal(10),
        price=None,
        at=now,
    )


def _funding_times(first: datetime, last: datetime) -> list[datetime]:
    """00:00, 08:00 and 16:00 of every day between, both included."""
    found, moment = [], first.replace(hour=0, minute=0, second=0)
    while moment <= last:
        if moment >= first:
            found.append(moment)
        moment += timedelta(hours=8)
    return found


@pytest.mark.parametrize("scene", ["linear", "inverse"])
def test_profit_equals_exact_fractions(scene: str) -> None:
    @settings(max_examples=count_examples(500), deadline=None)
    @given(histories(SCENARIOS[scene]), SETTINGS)
    def holds(inputs: list[Input], rules: SimulationSettings) -> None:
        held: dict[tuple[str, Leg], tuple[Fraction, Fraction]] = {}
        for result in run_steps(inputs, rules):
            for event in result.events:
                if isinstance(event, Filled):
                    profit = _apply_fill(held, event, rules)
                    assert abs(Fraction(event.trade.realised) - profit) <= Fraction(1, 2 * 10**18)

    holds()


def _apply_fill(
    held: dict[tuple[str, Leg], tuple[Fraction, Fraction]], event: Filled, rules: SimulationSettings
) -> Fraction:
    """The ledger's formula in fractions: updates the position, returns the profit."""
    trade = event.trade
    row = rules.instruments[trade.symbol]
    key = (trade.symbol, trade.leg)
    qty, cost = held.get(key, (Fraction(0), Fraction(0)))
    signed, worth = Fraction(trade.qty) * trade.side.sign, row.value(trade.price)
    if not qty or (qty > 0) is (signed > 0):
        held[key] = (qty + signed, cost + signed * worth)
        return Fraction(0)
    closed = min(abs(signed), abs(qty))
    share = closed / abs(qty)
    sign = 1 if qty > 0 else -1
    profit = Fraction(row.contract_size) * (closed * sign * worth - share * cost)
    rest = signed + sign * closed
    kept = (qty - sign * closed, cost - share * cost)
    held[key] = (rest, rest * worth) if rest else kept
    return profit


def test_histories_use_both_margin_modes() -> None:
    """The generated histories cover both margin modes."""
    modes: set[MarginMode] = set()
    seen: set[str] = set()

    @settings(max_examples=600, deadline=None, database=None, derandomize=True)
    @given(histories(MIXED), SETTINGS)
    def check(inputs: list[Input], rules: SimulationSettings) -> None:
        for result in run_steps(inputs, rules):
            for event in result.events:
                seen.add(type(event).__name__)
                if isinstance(event, Filled) and event.trade.source is OrderSource.LIQUIDATION:
                    modes.add(rules.margin_mode)

    check()
    assert modes == set(MarginMode)
    assert {"InsurancePaid", "FundingPaid", "LeverageSet", "Withdrawn", "Canceled"} <= seen
