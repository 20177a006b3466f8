"""Random histories that change balances: trades, mark jumps, funding, transfers, leverage."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from hypothesis import strategies as st

from kit.builders import NOON
from kit.exchanges.simulation_harness import INVERSE, LINEAR, SPOT, rates, some_settings
from kit.generators.byte_choices import ByteChoices, lists_from_bytes
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
SIDES = list(Side)
SPANS = [timedelta(0), timedelta(seconds=1), timedelta(hours=3), timedelta(days=1)]
#: How far the clock goes backwards.
DELAYS = [timedelta(0), timedelta(0), timedelta(0), timedelta(seconds=9)]
AMOUNTS = [Decimal("0.01"), Decimal(1), Decimal(60)]
LEVERAGES = [2, 10, 50, 75]
FUNDING_RATES = [Decimal("0.0001"), Decimal("-0.003"), Decimal("0.05")]
MARGIN_MODES = list(MarginMode)
#: Bytes of each random input, and the number of those that open a history.
WIDTH = 4
OPENINGS = 2


class Scenario(NamedTuple):
    """Symbols, order sizes and the initial balance."""

    symbols: tuple[str, ...]
    sizes: tuple[Decimal, ...]
    currency: str
    money: str


def _sizes(*texts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(text) for text in texts)


ON_SPOT = Scenario((SPOT,), _sizes("0.001", "1", "7.5", "20"), "USDT", "6000")
ON_LINEAR = Scenario((LINEAR, SECOND), _sizes("0.001", "4", "7.5", "20"), "USDT", "400")
ON_INVERSE = Scenario((INVERSE,), _sizes("1", "9", "17", "40"), "BTC", "6")
MIXED = Scenario((SPOT, LINEAR, SECOND), _sizes("0.001", "2", "7.5", "20"), "USDT", "700")
SCENARIOS = {"spot": ON_SPOT, "linear": ON_LINEAR, "inverse": ON_INVERSE, "mixed": MIXED}


def _price(choices: ByteChoices) -> Decimal:
    """A price; jumps are large enough for liquidations."""
    return Decimal(choices.between(120, 280)) / 2


def _quote(choices: ByteChoices, scenario: Scenario) -> Input:
    price = _price(choices)
    depth = choices.maybe(lambda chosen: chosen.among(scenario.sizes))
    return QuoteUpdate(
        symbol=choices.among(scenario.symbols),
        bid=price,
        ask=price + Decimal(choices.below(4)) / 2,
        bid_qty=depth,
        ask_qty=depth,
        at=NOON,
    )


def _place(choices: ByteChoices, scenario: Scenario) -> Input:
    price, has_leg, is_reducing = choices.maybe(_price), choices.flag(), choices.flag()
    order = _market_order(choices, scenario.symbols, scenario.sizes)
    return replace(
        order,
        order_type="market" if price is None else "limit",
        price=price,
        reduce_only=is_reducing and not has_leg,
        leg=Leg.LONG if has_leg and order.symbol != SPOT else None,
    )


def _market_order(
    choices: ByteChoices, symbols: Sequence[str], sizes: Sequence[Decimal]
) -> NewOrder:
    return NewOrder(
        client_id="1",
        symbol=choices.among(symbols),
        side=choices.among(SIDES),
        order_type="market",
        qty=choices.among(sizes),
        price=None,
        at=NOON,
    )


def _cancel(choices: ByteChoices, scenario: Scenario) -> Input:
    return CancelOrder(
        client_id="x",
        exchange_order_id=f"o{choices.between(1, 12)}",
        symbol=choices.among(scenario.symbols),
        at=NOON,
    )


def _mark(choices: ByteChoices, scenario: Scenario) -> Input:
    symbol = choices.among(scenario.symbols)
    return MarkPriceUpdate(symbol=symbol, price=_price(choices), at=NOON)


def _clock(choices: ByteChoices, scenario: Scenario) -> Input:
    return TimeUpdate(at=NOON)


def _control(choices: ByteChoices, scenario: Scenario) -> Input:
    currency, symbol = scenario.currency, choices.among(scenario.symbols)
    match choices.below(7):
        case 0 | 1:
            return Deposit(currency=currency, amount=choices.among(AMOUNTS), at=NOON)
        case 2:
            return Withdraw(currency=currency, amount=choices.among(AMOUNTS), at=NOON)
        case 3:
            return SetLeverage(symbol=symbol, leverage=choices.among(LEVERAGES), at=NOON)
        case 4:
            return SetMarginMode(symbol=symbol, mode=choices.among(MARGIN_MODES), at=NOON)
        case 5:
            return FundingRateUpdate(symbol=symbol, rate=choices.among(FUNDING_RATES), at=NOON)
        case _:
            return Reset(balances=((currency, Decimal(scenario.money)),), at=NOON)


#: Most inputs are orders or market data.
_INPUTS: list[Callable[[ByteChoices, Scenario], Input]] = [
    *(_quote, _quote, _quote, _place, _place, _place, _place, _clock, _cancel, _mark),
    *(_control, _control, _control),
]


@cache
def histories(scenario: Scenario) -> st.SearchStrategy[list[Input]]:
    """A deposit, prices, two market orders that the balance usually covers, then 12 to 40 inputs.

    Time passes between them; sometimes the clock goes backwards.
    """
    start: list[Input] = [
        Deposit(currency=scenario.currency, amount=Decimal(scenario.money), at=NOON),
        *(
            QuoteUpdate(symbol=symbol, bid=Decimal(100), ask=Decimal("100.5"), at=NOON)
            for symbol in scenario.symbols
        ),
    ]

    def whole(drawn: list[ByteChoices]) -> list[Input]:
        inputs, now = list(start), NOON
        for number, choices in enumerate(drawn):
            now += choices.among(SPANS)
            at = now - choices.among(DELAYS)
            if number < OPENINGS:
                each: Input = _market_order(choices, scenario.symbols, scenario.sizes[1:])
            else:
                each = choices.among(_INPUTS)(choices, scenario)
            inputs.append(replace(each, at=at))
        return inputs

    sizes = {"min_size": OPENINGS + 12, "max_size": OPENINGS + 40}
    return lists_from_bytes(lambda choices: choices, width=WIDTH, **sizes).map(whole)


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
