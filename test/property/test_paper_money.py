"""Whatever is traded, set, paid or liquidated at the paper exchange, its money adds up.

The wallet changes by realised − fees + funding + transfers, positions by their fills; funding is
paid once for each time it is due; after a liquidation nobody owes anything.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.builders import NOON
from kit.examples import examples
from kit.paper import LINEAR, some_settings
from kit.paper_money import MIXED, RULES, SCENES, expected_totals, histories, steps_of
from oms.domain.instrument import Kind
from oms.domain.money import ZERO, product, total
from oms.domain.order import Side
from oms.simulation.canonical import memory_read, memory_text
from oms.simulation.contracts import MarginMode
from oms.simulation.exchange import step
from oms.simulation.facts import Fact, Filled, FundingPaid, Withdrawn
from oms.simulation.inputs import Clock, Deposit, Input, Place, QuoteSeen
from oms.simulation.margin import available, stands_in, wallet_of
from oms.simulation.memory import Leg, Memory, OrderSource
from oms.simulation.settings import Settings


@pytest.mark.parametrize(
    ("scene", "hedge"),
    [
        *[("spot", False), ("linear", False), ("linear", True)],
        *[("inverse", False), ("inverse", True), ("mixed", False)],
    ],
)
def test_wallets_are_conserved(scene: str, hedge: bool) -> None:
    @settings(max_examples=examples(500), deadline=None)
    @given(histories(SCENES[scene]), RULES)
    def holds(inputs: list[Input], rules: Settings) -> None:
        rules = _with_legs(rules, hedge=hedge)
        facts: list[Fact] = []
        held: dict[tuple[str, Leg], Decimal] = defaultdict(lambda: ZERO)
        for result in steps_of(inputs, rules):
            facts += result.facts
            for fact in result.facts:
                if isinstance(fact, Filled):
                    key = (fact.trade.symbol, fact.trade.leg)
                    signed = product(fact.trade.qty, Decimal(fact.trade.side.sign))
                    held[key] = total(held[key], signed)
            _check_positions(result.memory, held, rules)
            expected = expected_totals(facts, rules)
            for currency, balance in result.memory.balances.items():
                assert balance.free + balance.used == balance.total == expected[currency]
                assert balance.used >= 0

    holds()


def _with_legs(rules: Settings, *, hedge: bool) -> Settings:
    names = ("fees", "fee_tiers", "base_fee_on_buy", "leverage", "margin_mode", "funding_rate")
    return some_settings(hedge=hedge, **{name: getattr(rules, name) for name in names})


def _check_positions(memory: Memory, held: dict[tuple[str, Leg], Decimal], rules: Settings) -> None:
    open_ones = {key: position.qty for key, position in memory.positions.items()}
    expected = {
        key: qty
        for key, qty in held.items()
        if qty and rules.instruments[key[0]].kind is not Kind.SPOT
    }
    assert open_ones == expected


@settings(max_examples=examples(500), deadline=None)
@given(st.sampled_from(sorted(SCENES)).flatmap(lambda name: histories(SCENES[name])), RULES)
def test_after_every_step_wallets_carry_what_they_hold(
    inputs: list[Input], rules: Settings
) -> None:
    """Cross wallets and isolated margins stay above maintenance; nobody is left with a debt.

    Withdrawals leave what positions need.
    """
    for result in steps_of(inputs, rules):
        memory = result.memory
        for currency, balance in memory.balances.items():
            wallet = wallet_of(memory, rules, currency)
            if wallet.maintenance:
                carried = wallet.total - wallet.isolated + wallet.unrealised
                assert carried > wallet.maintenance
            else:
                assert wallet.total >= wallet.isolated >= 0
                assert balance.free >= 0
            for stand in stands_in(memory, rules, currency):
                if stand.is_isolated:
                    assert stand.position.margin + stand.unrealised > stand.maintenance
            if any(isinstance(f, Withdrawn) and f.currency == currency for f in result.facts):
                assert available(memory, rules, currency) >= 0


HOURS = st.lists(
    st.integers(0, 40 * 3600).map(lambda seconds: timedelta(seconds=seconds)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=examples(500), deadline=None)
@given(HOURS, st.sets(st.integers(0, 39)), st.booleans(), st.sampled_from(["0.0001", "-0.0003"]))
def test_funding_is_paid_once_per_time_whatever_the_ticks(
    spans: list[timedelta], restarts: set[int], quiet: bool, rate: str
) -> None:
    rules = some_settings(funding_rate=Decimal(rate))
    memory, now = Memory(), NOON
    start: list[Input] = [
        Deposit(currency="USDT", amount=Decimal(10_000), at=now),
        _quote(now),
        _buy(now),
    ]
    for one in start:
        memory = step(memory, one, rules).memory
    paid: list[FundingPaid] = []
    for index, span in enumerate(spans):
        now += span
        if index in restarts:
            memory = memory_read(memory_text(memory))
        told: Input = Clock(at=now) if quiet or index % 2 else _quote(now)
        result = step(memory, told, rules)
        memory = result.memory
        paid += [fact for fact in result.facts if isinstance(fact, FundingPaid)]
    due = [moment for moment in _eights(NOON, now) if moment > NOON]
    assert [fact.at for fact in paid] == due
    assert len({fact.funding_id for fact in paid}) == len(paid)
    amount = Decimal(-1000) * Decimal(rate)
    assert all(fact.amount == amount for fact in paid)
    assert memory.balances["USDT"].total == 10_000 + amount * len(due)


def _quote(now: datetime) -> QuoteSeen:
    return QuoteSeen(symbol=LINEAR, bid=Decimal(100), ask=Decimal(100), at=now)


def _buy(now: datetime) -> Place:
    return Place(
        client_id="1",
        symbol=LINEAR,
        side=Side.BUY,
        order_type="market",
        qty=Decimal(10),
        price=None,
        at=now,
    )


def _eights(first: datetime, last: datetime) -> list[datetime]:
    """00:00, 08:00 and 16:00 of every day between, both included."""
    found, moment = [], first.replace(hour=0, minute=0, second=0)
    while moment <= last:
        if moment >= first:
            found.append(moment)
        moment += timedelta(hours=8)
    return found


@pytest.mark.parametrize("scene", ["linear", "inverse"])
def test_profit_is_that_of_exact_fractions(scene: str) -> None:
    @settings(max_examples=examples(500), deadline=None)
    @given(histories(SCENES[scene]), RULES)
    def holds(inputs: list[Input], rules: Settings) -> None:
        held: dict[tuple[str, Leg], tuple[Fraction, Fraction]] = {}
        for result in steps_of(inputs, rules):
            for fact in result.facts:
                if isinstance(fact, Filled):
                    profit = _folded(held, fact, rules)
                    assert abs(Fraction(fact.trade.realised) - profit) <= Fraction(1, 2 * 10**18)

    holds()


def _folded(
    held: dict[tuple[str, Leg], tuple[Fraction, Fraction]], fact: Filled, rules: Settings
) -> Fraction:
    """The ledger's formula in fractions; keeps the position, returns the profit."""
    trade = fact.trade
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


def test_margin_modes_are_both_in_play() -> None:
    """The histories are wild enough to mean something."""
    modes: set[MarginMode] = set()
    seen: set[str] = set()

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(histories(MIXED), RULES)
    def look(inputs: list[Input], rules: Settings) -> None:
        for result in steps_of(inputs, rules):
            for fact in result.facts:
                seen.add(type(fact).__name__)
                if isinstance(fact, Filled) and fact.trade.source is OrderSource.LIQUIDATION:
                    modes.add(rules.margin_mode)

    look()
    assert modes == set(MarginMode)
    assert {"InsurancePaid", "FundingPaid", "LeverageSet", "Withdrawn", "Canceled"} <= seen
