"""Whatever orders are sent to the paper exchange, each keeps to its own rule.

Types, times in force, pairs, attached exits, faults and latency in any order and under any
settings. ``step`` checks its own invariants beside this.
"""

from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.examples import examples
from kit.paper_inputs import SETTINGS, START, inputs
from oms.domain.money import ZERO, product, total
from oms.domain.order import Side
from oms.simulation.canonical import memory_hash, memory_read, memory_text
from oms.simulation.exchange import step
from oms.simulation.facts import (
    Accepted,
    Canceled,
    Changed,
    Expired,
    Fact,
    Filled,
    Step,
    Triggered,
)
from oms.simulation.inputs import Input
from oms.simulation.memory import Leg, Memory, OrderSource, PaperOrder, TimeInForce
from oms.simulation.settings import Settings

_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)
_ENDED = Canceled | Expired


def _steps(listed: list[Input], rules: Settings) -> list[Step]:
    memory, done = Memory(), []
    for one in START + listed:
        result = step(memory, one, rules)
        memory = result.memory
        done.append(result)
    return done


def _resting(memory: Memory) -> list[PaperOrder]:
    return [order for held in memory.orders.values() for order in held.values()]


@settings(max_examples=examples(500), deadline=None)
@given(inputs(), SETTINGS)
def test_fills_keep_to_the_order(listed: list[Input], rules: Settings) -> None:
    """Σ fills = filled ≤ qty, none beyond the limit, no trade twice; IOC and FOK never rest."""
    orders: dict[str, PaperOrder] = {}
    filled: dict[str, Decimal] = defaultdict(lambda: ZERO)
    ended: set[str] = set()
    trade_ids: set[str] = set()
    for result in _steps(listed, rules):
        for fact in result.facts:
            if isinstance(fact, Accepted | Changed | Triggered):
                orders[fact.order.exchange_order_id] = fact.order
            if isinstance(fact, Filled):
                trade = fact.trade
                order = orders[trade.exchange_order_id]
                filled[trade.exchange_order_id] = total(filled[trade.exchange_order_id], trade.qty)
                assert trade.trade_id not in trade_ids
                trade_ids.add(trade.trade_id)
                assert trade.exchange_order_id not in ended
                assert trade.executed_at >= order.created_at
                assert filled[trade.exchange_order_id] <= order.qty
                if order.price is not None:
                    beyond = trade.price - order.price
                    assert beyond <= 0 if order.side is Side.BUY else beyond >= 0
            if isinstance(fact, _ENDED):
                name = fact.order.exchange_order_id
                assert name not in ended
                ended.add(name)
                assert fact.order.filled == filled[name]
        for order in _resting(result.memory):
            assert order.filled == filled[order.exchange_order_id] < order.qty
            assert order.exchange_order_id not in ended
            assert order.is_waiting or order.terms.time_in_force not in _AT_ONCE
    for name, order in orders.items():
        if order.terms.time_in_force is TimeInForce.FOK:
            assert filled[name] in (0, order.qty)


@settings(max_examples=examples(500), deadline=None)
@given(inputs(), SETTINGS)
def test_reduce_only_never_enlarges(listed: list[Input], rules: Settings) -> None:
    """Nor flips; and what is attached never asks for more than is held."""
    reduces: dict[str, bool] = {}
    held: dict[tuple[str, Leg], Decimal] = defaultdict(lambda: ZERO)
    for result in _steps(listed, rules):
        for fact in result.facts:
            if isinstance(fact, Accepted):
                reduces[fact.order.exchange_order_id] = fact.order.reduce_only
            if isinstance(fact, Filled) and fact.trade.symbol.endswith(":USDT"):
                key = (fact.trade.symbol, fact.trade.leg)
                before = held[key]
                held[key] = total(before, product(fact.trade.qty, Decimal(fact.trade.side.sign)))
                if reduces[fact.trade.exchange_order_id]:
                    assert abs(held[key]) < abs(before)
                    assert held[key] * before >= 0
        for order in _resting(result.memory):
            if order.terms.source is OrderSource.ATTACHED and order.symbol.endswith(":USDT"):
                assert order.remaining <= abs(held[order.symbol, order.leg])
                assert order.client_id == ""


@settings(max_examples=examples(500), deadline=None)
@given(inputs(), SETTINGS)
def test_of_a_pair_one_is_executed_and_trailing_never_gives_way(
    listed: list[Input], rules: Settings
) -> None:
    siblings: dict[str, str] = {}
    executed: set[str] = set()
    best: dict[str, Decimal] = {}
    for result in _steps(listed, rules):
        for fact in result.facts:
            if isinstance(fact, Accepted) and fact.order.terms.sibling:
                siblings[fact.order.exchange_order_id] = fact.order.terms.sibling
            if isinstance(fact, Filled):
                executed.add(fact.trade.exchange_order_id)
                assert siblings.get(fact.trade.exchange_order_id) not in executed
        for order in _resting(result.memory):
            name = order.exchange_order_id
            sibling = result.memory.order(order.symbol, order.terms.sibling)
            assert sibling is None or not (order.locked and sibling.locked)
            if order.best is not None:
                moved = order.best - best.get(name, order.best)
                assert moved >= 0 if order.side is Side.SELL else moved <= 0
                best[name] = order.best


@settings(max_examples=examples(500), deadline=None)
@given(inputs(), SETTINGS, st.integers(0, 45))
def test_the_same_inputs_give_the_same_memory_and_words(
    listed: list[Input], rules: Settings, cut: int
) -> None:
    """Byte by byte, also when the memory was saved and read back in the middle."""
    whole = _steps(listed, rules)
    again = Memory()
    facts: list[Fact] = []
    told: list[Fact] = []
    for index, one in enumerate(START + listed):
        if index == cut:
            read = memory_read(memory_text(again))
            assert read == again
            again = read
        result = step(again, one, rules)
        again = result.memory
        facts += result.facts
        told += result.told
    assert memory_hash(again) == memory_hash(whole[-1].memory)
    assert memory_text(again) == memory_text(whole[-1].memory)
    assert facts == [fact for result in whole for fact in result.facts]
    assert told == [fact for result in whole for fact in result.told]


@settings(max_examples=examples(500), deadline=None)
@given(inputs(), SETTINGS)
def test_everything_that_happens_is_told_in_the_end(listed: list[Input], rules: Settings) -> None:
    """Whatever was late or lost: each fill is told at least once, and none that was not."""
    done = _steps(listed, rules)
    memory = done[-1].memory
    told = [fact for result in done for fact in result.told]
    if memory.line is not None:
        told += [delivery.fact for delivery in memory.line.deliveries]
    happened = [f.trade for result in done for f in result.facts if isinstance(f, Filled)]
    heard = {fact.trade.trade_id for fact in told if isinstance(fact, Filled)}
    assert heard == {trade.trade_id for trade in happened}
    assert memory.special.keys() == {
        order.exchange_order_id for order in _resting(memory) if order.terms != type(order.terms)()
    }
