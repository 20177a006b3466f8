"""Whatever is asked of the paper exchange, in whatever order, its books hold.

Money is conserved, free + used = total ≥ 0 on spot, the fills of an order make up what it says is
filled and never more than was wished, and the same inputs give the same memory, byte by byte, also
when it was saved and read back on the way. ``step`` checks its own invariants beside this.
"""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.builders import NOON
from kit.examples import examples
from kit.paper import LINEAR, SPOT, rates, some_settings
from kit.paper_money import expected_totals
from oms.domain.instrument import Kind
from oms.domain.money import ZERO, total
from oms.domain.order import Side
from oms.simulation.canonical import (
    StoredMemory,
    books_text,
    market_text,
    memory_hash,
    memory_read,
    memory_text,
    order_text,
)
from oms.simulation.exchange import step
from oms.simulation.facts import Accepted, Changed, Fact, Filled
from oms.simulation.inputs import BookSeen, Cancel, Change, Deposit, Input, Place, QuoteSeen
from oms.simulation.memory import Memory
from oms.simulation.settings import Settings

SYMBOLS = st.sampled_from([SPOT, LINEAR])
#: Close together, so that orders meet.
PRICES = st.integers(9_500, 10_500).map(lambda ticks: Decimal(ticks).scaleb(-2))
QTYS = st.integers(1, 4_000).map(lambda steps: Decimal(steps * 10).scaleb(-3))
DEPTHS = st.none() | QTYS
NAMES = st.integers(1, 8).map("o{}".format)


@st.composite
def _quotes(draw: st.DrawFn) -> QuoteSeen:
    bid, ask = sorted([draw(PRICES), draw(PRICES)])
    return QuoteSeen(
        symbol=draw(SYMBOLS),
        bid=bid,
        ask=ask,
        bid_qty=draw(DEPTHS),
        ask_qty=draw(DEPTHS),
        at=NOON,
    )


@st.composite
def _books(draw: st.DrawFn) -> BookSeen:
    prices = sorted(draw(st.sets(PRICES, min_size=2, max_size=8)))
    cut = draw(st.integers(0, len(prices)))
    return BookSeen(
        symbol=draw(SYMBOLS),
        bids=tuple((price, draw(DEPTHS)) for price in reversed(prices[:cut])),
        asks=tuple((price, draw(DEPTHS)) for price in prices[cut:]),
        at=NOON,
    )


@st.composite
def _places(draw: st.DrawFn) -> Place:
    price = draw(st.none() | PRICES)
    return Place(
        client_id="1",
        symbol=draw(SYMBOLS),
        side=draw(st.sampled_from(list(Side))),
        order_type="market" if price is None else "limit",
        qty=draw(QTYS),
        price=price,
        reduce_only=draw(st.integers(0, 3)) == 0,
        post_only=price is not None and draw(st.integers(0, 5)) == 0,
        at=NOON,
    )


CHANGES = st.builds(
    Change,
    client_id=st.just("1"),
    exchange_order_id=NAMES,
    symbol=SYMBOLS,
    price=st.none() | PRICES,
    qty=st.none() | QTYS,
    at=st.just(NOON),
)
CANCELS = st.builds(
    Cancel,
    client_id=st.just("1"),
    exchange_order_id=NAMES,
    symbol=SYMBOLS,
    at=st.just(NOON),
)
#: Long enough that orders rest, meet, change and end.
INPUTS = st.lists(
    st.one_of(_quotes(), _books(), _places(), _places(), _places(), CHANGES, CANCELS),
    min_size=15,
    max_size=50,
)
FEES = st.sampled_from(
    [
        {Kind.SPOT: rates(), Kind.LINEAR: rates()},
        {Kind.SPOT: rates("0.001", "0.002"), Kind.LINEAR: rates("-0.0001", "0.00055")},
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
    QuoteSeen(symbol=SPOT, bid=Decimal(99), ask=Decimal(101), at=NOON),
    QuoteSeen(symbol=LINEAR, bid=Decimal(99), ask=Decimal(101), ask_qty=Decimal(9), at=NOON),
]


def _run(inputs: list[Input], rules: Settings, memory: Memory) -> tuple[Memory, list[Fact]]:
    facts: list[Fact] = []
    for one in inputs:
        result = step(memory, one, rules)
        memory = result.memory
        facts += result.facts
    return memory, facts


@settings(max_examples=examples(150), deadline=None)
@given(INPUTS, SETTINGS)
def test_money_is_conserved(inputs: list[Input], rules: Settings) -> None:
    memory, facts = _run(START + inputs, rules, Memory())
    expected = expected_totals(facts, rules)
    for currency, balance in memory.balances.items():
        assert balance.used >= 0
        assert balance.total == expected[currency]
    locked: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for orders in memory.orders.values():
        for order in orders.values():
            locked[order.locked_currency] = total(locked[order.locked_currency], order.locked)
    for position in memory.positions.values():
        locked["USDT"] = total(locked["USDT"], position.margin)
    assert all(balance.used == locked[c] for c, balance in memory.balances.items())


@settings(max_examples=examples(100), deadline=None)
@given(INPUTS, FEES, st.booleans())
def test_spot_alone_is_never_in_debt(inputs: list[Input], fees: Any, base_fee: bool) -> None:
    rules = some_settings(fees=fees, base_fee_on_buy=base_fee)
    memory = Memory()
    for one in START + [i for i in inputs if not isinstance(i, Deposit) and i.symbol == SPOT]:
        memory = step(memory, one, rules).memory
        for balance in memory.balances.values():
            assert balance.free >= 0
            assert balance.used >= 0


@settings(max_examples=examples(100), deadline=None)
@given(INPUTS, SETTINGS)
def test_fills_make_up_what_is_filled(inputs: list[Input], rules: Settings) -> None:
    memory, facts = _run(START + inputs, rules, Memory())
    qtys: dict[str, Decimal] = {}
    filled: dict[str, Decimal] = defaultdict(lambda: ZERO)
    names: list[str] = []
    for fact in facts:
        if isinstance(fact, Accepted | Changed):
            qtys[fact.order.exchange_order_id] = fact.order.qty
        if isinstance(fact, Filled):
            name = fact.trade.exchange_order_id
            filled[name] = total(filled[name], fact.trade.qty)
            names.append(fact.trade.trade_id)
            assert filled[name] <= qtys[name]
    assert len(set(names)) == len(names)
    for orders in memory.orders.values():
        for name, order in orders.items():
            assert order.filled == filled[name] < order.qty


@settings(max_examples=examples(100), deadline=None)
@given(INPUTS, SETTINGS)
def test_reduce_only_never_enlarges(inputs: list[Input], rules: Settings) -> None:
    memory = Memory()
    for one in START + inputs:
        result = step(memory, one, rules)
        reducing = isinstance(one, Place) and one.reduce_only and one.symbol == LINEAR
        if reducing:
            for key, position in result.memory.positions.items():
                assert abs(position.qty) <= abs(memory.positions[key].qty)
        memory = result.memory


@settings(max_examples=examples(100), deadline=None)
@given(INPUTS, SETTINGS, st.integers(0, 50))
def test_saved_and_read_on_the_way_it_is_the_same(
    inputs: list[Input], rules: Settings, cut: int
) -> None:
    whole, facts = _run(START + inputs, rules, Memory())
    half, before = _run(START + inputs[:cut], rules, Memory())
    read = memory_read(memory_text(half))
    assert read == half
    assert _by_rows(half) == half
    again, after = _run(inputs[cut:], rules, read)
    assert memory_text(again) == memory_text(whole)
    assert memory_hash(again) == memory_hash(whole)
    assert before + after == facts


def _by_rows(memory: Memory) -> Memory:
    orders = [order for held in memory.orders.values() for order in held.values()]
    return StoredMemory(
        books=books_text(memory),
        orders=[order_text(order) for order in orders],
        markets={symbol: market_text(market) for symbol, market in memory.markets.items()},
    ).memory()
