"""Random histories that change balances: trades, mark jumps, funding, transfers, leverage."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from hypothesis import strategies as st

from kit.builders import NOON
from kit.exchanges.simulation_harness import INVERSE, LINEAR, SPOT, rates, some_settings
from oms.domain.instrument import InstrumentKind
from oms.domain.money import ZERO, add, multiply, subtract
from oms.domain.orders.order import Side
from oms.simulation.events import (
    Deposited,
    Filled,
    FundingPaid,
    InsurancePaid,
    PaperEvent,
    Withdrawn,
)
from oms.simulation.inputs import (
    CancelOrder,
    Deposit,
    FundingRateUpdate,
    Input,
    MarkPriceUpdate,
    NewOrder,
    QuoteUpdate,
    Reset,
    SetLeverage,
    SetMarginMode,
    TimeUpdate,
    Withdraw,
)
from oms.simulation.invariants import check_state
from oms.simulation.settings import FeeTier, SimulationSettings
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_order import Leg
from oms.simulation.step import step
from oms.simulation.step_result import StepResult

SECOND = "BTC/USDT:USDT"
#: Jumps are large enough for liquidations.
PRICES = st.integers(120, 280).map(lambda halves: Decimal(halves) / 2)
SIDES = st.sampled_from(list(Side))
SPANS = st.sampled_from([timedelta(0), timedelta(seconds=1), timedelta(hours=3), timedelta(days=1)])


#: How far the clock goes backwards.
DELAYS = st.sampled_from([0, 0, 0, 9]).map(lambda seconds: timedelta(seconds=seconds))


class Scenario(NamedTuple):
    """Symbols, order sizes and the initial balance."""

    symbols: tuple[str, ...]
    sizes: tuple[str, ...]
    currency: str
    money: str


ON_SPOT = Scenario((SPOT,), ("0.001", "1", "7.5", "20"), "USDT", "6000")
ON_LINEAR = Scenario((LINEAR, SECOND), ("0.001", "4", "7.5", "20"), "USDT", "400")
ON_INVERSE = Scenario((INVERSE,), ("1", "9", "17", "40"), "BTC", "6")
MIXED = Scenario((SPOT, LINEAR, SECOND), ("0.001", "2", "7.5", "20"), "USDT", "700")
SCENARIOS = {"spot": ON_SPOT, "linear": ON_LINEAR, "inverse": ON_INVERSE, "mixed": MIXED}


@cache
def inputs_of(scenario: Scenario) -> st.SearchStrategy[list[Input]]:
    """Inputs; most are orders or market data."""
    symbols, at = st.sampled_from(scenario.symbols), st.just(NOON)
    sizes = st.sampled_from(scenario.sizes).map(Decimal)
    quotes = st.builds(_quote, symbols, PRICES, st.integers(0, 3), st.none() | sizes)
    places = st.builds(
        _place, symbols, SIDES, sizes, st.none() | PRICES, st.booleans(), st.none() | st.just(1)
    )
    amounts = st.sampled_from(["0.01", "1", "60"]).map(Decimal)
    currency = st.just(scenario.currency)
    control = st.one_of(
        st.builds(Deposit, currency=currency, amount=amounts, at=at),
        st.builds(Deposit, currency=currency, amount=amounts, at=at),
        st.builds(Withdraw, currency=currency, amount=amounts, at=at),
        st.builds(SetLeverage, symbol=symbols, leverage=st.sampled_from([2, 10, 50, 75]), at=at),
        st.builds(SetMarginMode, symbol=symbols, mode=st.sampled_from(list(MarginMode)), at=at),
        st.builds(
            FundingRateUpdate,
            symbol=symbols,
            rate=st.sampled_from(["0.0001", "-0.003", "0.05"]).map(Decimal),
            at=at,
        ),
        st.just(Reset(balances=((scenario.currency, Decimal(scenario.money)),), at=NOON)),
    )
    cancels = st.builds(
        CancelOrder,
        client_id=st.just("x"),
        exchange_order_id=st.integers(1, 12).map("o{}".format),
        symbol=symbols,
        at=at,
    )
    marks = st.builds(MarkPriceUpdate, symbol=symbols, price=PRICES, at=at)
    clocks = st.just(TimeUpdate(at=NOON))
    one = st.one_of(
        *(quotes, quotes, quotes, quotes, places, places, places, places, clocks),
        *(cancels, marks, control),
    )
    return st.lists(one, min_size=12, max_size=40)


@cache
def openings(scenario: Scenario) -> st.SearchStrategy[list[Input]]:
    """Two market orders that the initial balance usually covers."""
    symbols = st.sampled_from(scenario.symbols)
    sizes = st.sampled_from(scenario.sizes[1:]).map(Decimal)
    one = st.builds(_place, symbols, SIDES, sizes, st.none(), st.just(False), st.none())
    return st.lists(one, min_size=2, max_size=2)


def _quote(symbol: str, price: Decimal, spread: int, depth: Decimal | None) -> QuoteUpdate:
    ask = price + Decimal(spread) / 2
    return QuoteUpdate(symbol=symbol, bid=price, ask=ask, bid_qty=depth, ask_qty=depth, at=NOON)


def _place(
    symbol: str, side: Side, qty: Decimal, price: Decimal | None, reduces: bool, leg: int | None
) -> NewOrder:
    position_side = None if leg is None or symbol == SPOT else Leg.LONG
    return NewOrder(
        client_id="1",
        symbol=symbol,
        side=side,
        order_type="market" if price is None else "limit",
        qty=qty,
        price=price,
        reduce_only=reduces and leg is None,
        leg=position_side,
        at=NOON,
    )


@st.composite
def histories(draw: st.DrawFn, scenario: Scenario) -> list[Input]:
    """A deposit, prices, then inputs with time between them; sometimes the clock goes backwards."""
    inputs: list[Input] = [
        Deposit(currency=scenario.currency, amount=Decimal(scenario.money), at=NOON),
        *(_quote(symbol, Decimal(100), 1, None) for symbol in scenario.symbols),
    ]
    now = NOON
    for each in [*draw(openings(scenario)), *draw(inputs_of(scenario))]:
        now += draw(SPANS)
        inputs.append(replace(each, at=now - draw(DELAYS)))
    return inputs


_TIERS = (FeeTier(volume=Decimal(3000), rates=rates("0.0001", "0.0004")),)

SETTINGS = st.builds(
    some_settings,
    fees=st.sampled_from(
        [
            {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates()},
            {
                InstrumentKind.SPOT: rates("0.001", "0.002"),
                InstrumentKind.LINEAR: rates("-0.0001", "0.00055"),
            },
        ]
    ),
    fee_tiers=st.sampled_from([{}, {InstrumentKind.SPOT: _TIERS, InstrumentKind.LINEAR: _TIERS}]),
    hedge=st.booleans(),
    base_fee_on_buy=st.booleans(),
    leverage=st.sampled_from([10, 50, 1]),
    margin_mode=st.sampled_from([MarginMode.CROSS, MarginMode.CROSS, MarginMode.ISOLATED]),
    funding_rate=st.sampled_from(["0.0001", "0", "-0.01"]).map(Decimal),
)


def run_steps(inputs: list[Input], settings: SimulationSettings) -> list[StepResult]:
    """Runs all inputs; checks the invariants after each step; returns the steps."""
    state, steps = ExchangeState(), []
    for each in inputs:
        result = step(state, each, settings)
        state = result.state
        check_state(state, settings)
        steps.append(result)
    return steps


def expected_totals(events: list[PaperEvent], settings: SimulationSettings) -> dict[str, Decimal]:
    """Totals by currency from events: realised − fees + funding + transfers, plus spot trades."""
    totals: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for event in events:
        match event:
            case Deposited() | InsurancePaid() | FundingPaid():
                totals[event.currency] = add(totals[event.currency], event.amount)
            case Withdrawn():
                totals[event.currency] = subtract(totals[event.currency], event.amount)
            case Filled(trade=trade):
                row = settings.instruments[trade.symbol]
                totals[trade.fee_currency] = subtract(totals[trade.fee_currency], trade.fee)
                if row.kind is not InstrumentKind.SPOT:
                    totals[row.settle] = add(totals[row.settle], trade.realised)
                    continue
                signed = multiply(trade.qty, Decimal(trade.side.sign))
                totals[row.base] = add(totals[row.base], signed)
                paid = multiply(signed, trade.price)
                totals[row.quote] = subtract(totals[row.quote], paid)
    return totals
