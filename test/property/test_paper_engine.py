"""Any sequence of inputs keeps the books of the paper exchange consistent.

Money is conserved, free + used = total ≥ 0 on spot, the fills of an order sum to its filled
quantity and never exceed its quantity, and the same inputs give the same state, byte by byte, also
when it was saved and loaded midway. ``step`` checks its own invariants as well.
"""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.builders import NOON
from kit.exchanges.simulation_harness import LINEAR, SPOT, rates, some_settings
from kit.generators.byte_choices import ByteChoices, lists_from_bytes
from kit.generators.paper_histories import expected_totals
from kit.generators.paper_inputs import SIDES, SYMBOLS, book, cancel, change, qty_of, quote
from kit.run_size import count_examples
from oms.domain.instrument import InstrumentKind
from oms.domain.money import ZERO, add
from oms.simulation.events import Accepted, Changed, Filled, PaperEvent
from oms.simulation.inputs import (
    Deposit,
    Input,
    NewOrder,
    QuoteUpdate,
)
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.state_json import (
    StoredState,
    decode_state,
    encode_books,
    encode_market,
    encode_order,
    encode_state,
    state_hash,
)
from oms.simulation.step import step

#: Close together, so that orders match.
PRICES = [Decimal(ticks).scaleb(-2) for ticks in range(9_500, 10_501)]


def _price(choices: ByteChoices) -> Decimal:
    return choices.among(PRICES)


def _place(choices: ByteChoices) -> NewOrder:
    price = choices.maybe(_price)
    return NewOrder(
        client_id="1",
        symbol=choices.among(SYMBOLS),
        side=choices.among(SIDES),
        order_type="market" if price is None else "limit",
        qty=qty_of(choices),
        price=price,
        reduce_only=choices.below(4) == 3,
        post_only=price is not None and choices.below(6) == 5,
        at=NOON,
    )


_KINDS: list[Callable[[ByteChoices], Input]] = [
    lambda choices: quote(choices, PRICES),
    lambda choices: book(choices, PRICES, levels_min=2),
    *(_place, _place, _place),
    lambda choices: change(choices, _price),
    cancel,
]
#: Long enough that orders rest, fill, change and end.
INPUTS: st.SearchStrategy[list[Input]] = lists_from_bytes(
    lambda choices: choices.among(_KINDS)(choices), width=24, min_size=15, max_size=50
)
FEES = st.sampled_from(
    [
        {InstrumentKind.SPOT: rates(), InstrumentKind.LINEAR: rates()},
        {
            InstrumentKind.SPOT: rates("0.001", "0.002"),
            InstrumentKind.LINEAR: rates("-0.0001", "0.00055"),
        },
    ]
)
SETTINGS = st.builds(
    some_settings,
    fees=FEES,
    hedge=st.booleans(),
    base_fee_on_buy=st.booleans(),
    allow_spot_short=st.booleans(),
    leverage=st.sampled_from([1, 3, 50]),
)
START: list[Input] = [
    Deposit(currency="USDT", amount=Decimal(20_000), at=NOON),
    Deposit(currency="SOL", amount=Decimal(50), at=NOON),
    QuoteUpdate(symbol=SPOT, bid=Decimal(99), ask=Decimal(101), at=NOON),
    QuoteUpdate(symbol=LINEAR, bid=Decimal(99), ask=Decimal(101), ask_qty=Decimal(9), at=NOON),
]


def _run(
    inputs: list[Input], rules: SimulationSettings, state: ExchangeState
) -> tuple[ExchangeState, list[PaperEvent]]:
    events: list[PaperEvent] = []
    for one in inputs:
        result = step(state, one, rules)
        state = result.state
        events += result.events
    return state, events


@settings(max_examples=count_examples(150), deadline=None)
@given(INPUTS, SETTINGS)
def test_money_is_conserved(inputs: list[Input], rules: SimulationSettings) -> None:
    state, events = _run(START + inputs, rules, ExchangeState())
    expected = expected_totals(events, rules)
    for currency, balance in state.balances.items():
        assert balance.used >= 0
        assert balance.total == expected[currency]
    locked: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for orders in state.orders.values():
        for order in orders.values():
            locked[order.locked_currency] = add(locked[order.locked_currency], order.locked)
    for position in state.positions.values():
        locked["USDT"] = add(locked["USDT"], position.margin)
    assert all(balance.used == locked[c] for c, balance in state.balances.items())


@settings(max_examples=count_examples(100), deadline=None)
@given(INPUTS, FEES, st.booleans())
def test_spot_accounts_are_never_in_debt(inputs: list[Input], fees: Any, base_fee: bool) -> None:
    rules = some_settings(fees=fees, base_fee_on_buy=base_fee)
    state = ExchangeState()
    for one in START + [i for i in inputs if not isinstance(i, Deposit) and i.symbol == SPOT]:
        state = step(state, one, rules).state
        for balance in state.balances.values():
            assert balance.free >= 0
            assert balance.used >= 0


@settings(max_examples=count_examples(100), deadline=None)
@given(INPUTS, SETTINGS)
def test_fills_sum_to_filled_quantity(inputs: list[Input], rules: SimulationSettings) -> None:
    state, events = _run(START + inputs, rules, ExchangeState())
    qtys: dict[str, Decimal] = {}
    filled: dict[str, Decimal] = defaultdict(lambda: ZERO)
    names: list[str] = []
    for event in events:
        if isinstance(event, Accepted | Changed):
            qtys[event.order.exchange_order_id] = event.order.qty
        if isinstance(event, Filled):
            name = event.trade.exchange_order_id
            filled[name] = add(filled[name], event.trade.qty)
            names.append(event.trade.trade_id)
            assert filled[name] <= qtys[name]
    assert len(set(names)) == len(names)
    for orders in state.orders.values():
        for name, order in orders.items():
            assert order.filled == filled[name] < order.qty


@settings(max_examples=count_examples(100), deadline=None)
@given(INPUTS, SETTINGS)
def test_reduce_only_never_enlarges(inputs: list[Input], rules: SimulationSettings) -> None:
    state = ExchangeState()
    for one in START + inputs:
        result = step(state, one, rules)
        reducing = isinstance(one, NewOrder) and one.reduce_only and one.symbol == LINEAR
        if reducing:
            for key, position in result.state.positions.items():
                assert abs(position.qty) <= abs(state.positions[key].qty)
        state = result.state


@settings(max_examples=count_examples(100), deadline=None)
@given(INPUTS, SETTINGS, st.integers(0, 50))
def test_saving_and_loading_midway_changes_nothing(
    inputs: list[Input], rules: SimulationSettings, cut: int
) -> None:
    whole, events = _run(START + inputs, rules, ExchangeState())
    half, before = _run(START + inputs[:cut], rules, ExchangeState())
    read = decode_state(encode_state(half))
    assert read == half
    assert _by_rows(half) == half
    again, after = _run(inputs[cut:], rules, read)
    assert encode_state(again) == encode_state(whole)
    assert state_hash(again) == state_hash(whole)
    assert before + after == events


def _by_rows(state: ExchangeState) -> ExchangeState:
    orders = [order for held in state.orders.values() for order in held.values()]
    return StoredState(
        books=encode_books(state),
        orders=[encode_order(order) for order in orders],
        markets={symbol: encode_market(market) for symbol, market in state.markets.items()},
    ).state()
