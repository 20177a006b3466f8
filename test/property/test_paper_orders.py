"""Orders of any kind and in any sequence obey their own rules.

Types, times in force, pairs, attached exits, faults and latency in any order and with any settings.
``step`` checks its own invariants as well.
"""

from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.generators.paper_inputs import INPUTS, OPENING_INPUTS, SETTINGS
from kit.run_size import count_examples
from oms.domain.money import ZERO, add, multiply
from oms.domain.orders.order import Side
from oms.simulation.events import (
    Accepted,
    Canceled,
    Changed,
    Expired,
    Filled,
    PaperEvent,
    Triggered,
)
from oms.simulation.inputs import Input
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_order import Leg, OrderSource, PaperOrder, TimeInForce
from oms.simulation.state.state_json import decode_state, encode_state, state_hash
from oms.simulation.step import step
from oms.simulation.step_result import StepResult

_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)
_ENDED = Canceled | Expired


def _steps(listed: list[Input], rules: SimulationSettings) -> list[StepResult]:
    state, done = ExchangeState(), []
    for one in OPENING_INPUTS + listed:
        result = step(state, one, rules)
        state = result.state
        done.append(result)
    return done


def _resting(state: ExchangeState) -> list[PaperOrder]:
    return [order for held in state.orders.values() for order in held.values()]


@settings(max_examples=count_examples(500), deadline=None)
@given(INPUTS, SETTINGS)
def test_fills_respect_the_order(listed: list[Input], rules: SimulationSettings) -> None:
    """Σ fills = filled ≤ qty, none beyond the limit, no duplicate trade; IOC and FOK never rest."""
    orders: dict[str, PaperOrder] = {}
    filled: dict[str, Decimal] = defaultdict(lambda: ZERO)
    ended: set[str] = set()
    trade_ids: set[str] = set()
    for result in _steps(listed, rules):
        for event in result.events:
            if isinstance(event, Accepted | Changed | Triggered):
                orders[event.order.exchange_order_id] = event.order
            if isinstance(event, Filled):
                trade = event.trade
                order = orders[trade.exchange_order_id]
                filled[trade.exchange_order_id] = add(filled[trade.exchange_order_id], trade.qty)
                assert trade.trade_id not in trade_ids
                trade_ids.add(trade.trade_id)
                assert trade.exchange_order_id not in ended
                assert trade.executed_at >= order.created_at
                assert filled[trade.exchange_order_id] <= order.qty
                if order.price is not None:
                    beyond = trade.price - order.price
                    assert beyond <= 0 if order.side is Side.BUY else beyond >= 0
            if isinstance(event, _ENDED):
                name = event.order.exchange_order_id
                assert name not in ended
                ended.add(name)
                assert event.order.filled == filled[name]
        for order in _resting(result.state):
            assert order.filled == filled[order.exchange_order_id] < order.qty
            assert order.exchange_order_id not in ended
            assert order.is_waiting or order.terms.time_in_force not in _AT_ONCE
    for name, order in orders.items():
        if order.terms.time_in_force is TimeInForce.FOK:
            assert filled[name] in (0, order.qty)


@settings(max_examples=count_examples(500), deadline=None)
@given(INPUTS, SETTINGS)
def test_reduce_only_never_enlarges(listed: list[Input], rules: SimulationSettings) -> None:
    """Nor flips; and attached exits never exceed the position."""
    reduces: dict[str, bool] = {}
    held: dict[tuple[str, Leg], Decimal] = defaultdict(lambda: ZERO)
    for result in _steps(listed, rules):
        for event in result.events:
            if isinstance(event, Accepted):
                reduces[event.order.exchange_order_id] = event.order.reduce_only
            if isinstance(event, Filled) and event.trade.symbol.endswith(":USDT"):
                key = (event.trade.symbol, event.trade.leg)
                before = held[key]
                held[key] = add(before, multiply(event.trade.qty, Decimal(event.trade.side.sign)))
                if reduces[event.trade.exchange_order_id]:
                    assert abs(held[key]) < abs(before)
                    assert held[key] * before >= 0
        for order in _resting(result.state):
            if order.terms.source is OrderSource.ATTACHED and order.symbol.endswith(":USDT"):
                assert order.remaining <= abs(held[order.symbol, order.leg])
                assert order.client_id == ""


@settings(max_examples=count_examples(500), deadline=None)
@given(INPUTS, SETTINGS)
def test_one_order_of_a_pair_fills_and_trailing_stops_never_move_back(
    listed: list[Input], rules: SimulationSettings
) -> None:
    siblings: dict[str, str] = {}
    executed: set[str] = set()
    best: dict[str, Decimal] = {}
    for result in _steps(listed, rules):
        for event in result.events:
            if isinstance(event, Accepted) and event.order.terms.sibling:
                siblings[event.order.exchange_order_id] = event.order.terms.sibling
            if isinstance(event, Filled):
                executed.add(event.trade.exchange_order_id)
                assert siblings.get(event.trade.exchange_order_id) not in executed
        for order in _resting(result.state):
            name = order.exchange_order_id
            sibling = result.state.order(order.symbol, order.terms.sibling)
            assert sibling is None or not (order.locked and sibling.locked)
            if order.best is not None:
                moved = order.best - best.get(name, order.best)
                assert moved >= 0 if order.side is Side.SELL else moved <= 0
                best[name] = order.best


@settings(max_examples=count_examples(500), deadline=None)
@given(INPUTS, SETTINGS, st.integers(0, 45))
def test_the_same_inputs_give_the_same_state_and_events(
    listed: list[Input], rules: SimulationSettings, cut: int
) -> None:
    """Byte by byte, also when the state was saved and loaded midway."""
    results = _steps(listed, rules)
    again = ExchangeState()
    events: list[PaperEvent] = []
    delivered: list[PaperEvent] = []
    for index, one in enumerate(OPENING_INPUTS + listed):
        if index == cut:
            read = decode_state(encode_state(again))
            assert read == again
            again = read
        result = step(again, one, rules)
        again = result.state
        events += result.events
        delivered += result.delivered
    assert state_hash(again) == state_hash(results[-1].state)
    assert encode_state(again) == encode_state(results[-1].state)
    assert events == [event for result in results for event in result.events]
    assert delivered == [event for result in results for event in result.delivered]


@settings(max_examples=count_examples(500), deadline=None)
@given(INPUTS, SETTINGS)
def test_every_fill_is_delivered_eventually(listed: list[Input], rules: SimulationSettings) -> None:
    """With delays and losses, each fill is delivered at least once, and no other."""
    done = _steps(listed, rules)
    state = done[-1].state
    delivered = [event for result in done for event in result.delivered]
    if state.in_flight is not None:
        delivered += [delivery.event for delivery in state.in_flight.deliveries]
    happened = [f.trade for result in done for f in result.events if isinstance(f, Filled)]
    delivered_trades = {event.trade.trade_id for event in delivered if isinstance(event, Filled)}
    assert delivered_trades == {trade.trade_id for trade in happened}
    assert state.orders_with_terms.keys() == {
        order.exchange_order_id for order in _resting(state) if order.terms != type(order.terms)()
    }
