"""Invariants of the ledger for any delivery of reports; one test per invariant.

5. The same executions in any order, any number of times, over any channel, split in any way,
   give the same positions.
10. Tickets and netting give equal equity for the same fills.
11. Reconciling an unchanged exchange twice writes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.builders import NOON, a_report
from kit.generators.byte_choices import ByteChoices, even_lists_from_bytes
from kit.ledger.histories import INSTRUMENTS
from kit.ledger.ledger_book import LedgerBook
from kit.run_size import count_examples
from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.deal import DealType, signed_quantity
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import Position, unrealized_profit
from oms.domain.orders.execution_report import Execution, ExecutionReport, ReportKind, ReportSource
from oms.domain.value import evolve

ROUNDING = Fraction(1, 10**18)
PRICE_MAX = 10_000


class Fill(NamedTuple):
    """A part of an order, ``pause`` milliseconds after the previous part; of another order, 1 or
    more.

    Two tickets opened in the same millisecond cannot be ordered by age.
    """

    pause: int
    steps: int
    price: Decimal
    rate: str
    pays_in: int


class RandomOrder(NamedTuple):
    """An order and its fills."""

    side: str
    strategy: int
    reduce_only: bool
    fresh: bool
    #: Index of the ticket opened by the first orders, if that many are open.
    ticket: int
    fills: Sequence[Fill]
    canceled: bool


class Scene(NamedTuple):
    """Orders of one account and all reports of the exchange, in its order."""

    mode: PositionMode
    instrument: Instrument
    #: Delivered in order; they open the tickets that later orders refer to.
    first: Sequence[RandomOrder]
    later: Sequence[RandomOrder]
    #: The interleaving of the orders' fills.
    turns: Sequence[int]


RATES = ["0", "0.001", "0.00055", "-0.0002"]
SIDES = ["buy", "sell"]


def _fill(choices: ByteChoices) -> Fill:
    return Fill(
        pause=choices.below(4),
        steps=choices.between(1, 20_000) * 10,
        price=Decimal(choices.between(100, PRICE_MAX * 10)).scaleb(-1),
        rate=choices.among(RATES),
        pays_in=choices.below(4),
    )


def _order(choices: ByteChoices) -> RandomOrder:
    return RandomOrder(
        side=choices.among(SIDES),
        strategy=choices.below(3),
        reduce_only=choices.below(4) == 3,
        fresh=choices.below(3) == 2,
        ticket=choices.below(6),
        canceled=choices.flag(),
        fills=[_fill(choices) for _ in range(choices.between(1, 4))],
    )


def _turns(drawn: bytes) -> list[int]:
    return [each % 8 for each in drawn]


ORDER_BYTES = 24
SCENES = st.builds(
    Scene,
    mode=st.sampled_from(PositionMode),
    instrument=st.sampled_from(INSTRUMENTS),
    first=even_lists_from_bytes(_order, width=ORDER_BYTES, min_size=0, max_size=3),
    later=even_lists_from_bytes(_order, width=ORDER_BYTES, min_size=1, max_size=5),
    turns=st.binary(min_size=20, max_size=20).map(_turns),
)


class _Delivery(NamedTuple):
    """A book after the first orders, and the reports still to be delivered."""

    book: LedgerBook
    later: list[ExecutionReport]


@settings(max_examples=count_examples(500), deadline=None)
@given(SCENES, st.randoms(use_true_random=False))
def test_5_the_same_executions_in_any_order_over_any_channel_give_the_same_book(
    scene: Scene, chance: Any
) -> None:
    """Repeat some reports."""
    straight, shuffled = _deliver_first(scene), _deliver_first(scene)
    for report in straight.later:
        straight.book.ingest(report)
    again = [one for one in shuffled.later if chance.random() < 0.3]
    reports = [*shuffled.later, *again]
    chance.shuffle(reports)
    for report in reports:
        shuffled.book.ingest(evolve(report, source=chance.choice(list(ReportSource))))
    _agree(straight.book, shuffled.book)


@settings(max_examples=count_examples(500), deadline=None)
@given(SCENES, st.lists(st.integers(1, 9), min_size=8, max_size=8))
def test_5_executions_cut_into_parts_give_the_same_book(scene: Scene, parts: list[int]) -> None:
    whole, cut = _deliver_first(scene), _deliver_first(scene)
    for report in whole.later:
        whole.book.ingest(report)
    for number, report in enumerate(cut.later):
        for part in _cut(report, Decimal(parts[number % len(parts)]) / 10):
            cut.book.ingest(part)
    _agree(whole.book, cut.book, legs=False)


@settings(max_examples=count_examples(500), deadline=None)
@given(SCENES, st.integers(1, 10_000).map(Decimal))
def test_10_tickets_and_netting_give_equal_equity_for_the_same_fills(
    scene: Scene, mark: Decimal
) -> None:
    """With the coins that were sold beyond positions, which depend on the mode."""
    equities: list[tuple[Fraction, Fraction]] = []
    for mode in PositionMode:
        delivery = _deliver_first(scene._replace(mode=mode))
        for report in delivery.later:
            delivery.book.ingest(report)
        held = sum((Fraction(one.qty) for one in delivery.book.open_positions()), Fraction(0))
        coins, money = _sold_beyond_positions(delivery.book)
        equities.append((held + coins, _equity(delivery.book, mark) + coins * int(mark) + money))
    slack = ROUNDING * 4 * (len(delivery.book.deals) + 10)
    for held, equity in equities:
        assert held == equities[0][0]
        assert abs(equity - equities[0][1]) <= slack


@settings(max_examples=count_examples(500), deadline=None)
@given(SCENES, st.randoms(use_true_random=False))
def test_11_reconciling_an_unchanged_exchange_twice_writes_nothing(
    scene: Scene, chance: Any
) -> None:
    """After lost and inferred executions, the first reconciliation restores all, the second
    nothing.
    """
    delivery = _deliver_first(scene)
    book, facts = delivery.book, delivery.later
    for report in facts:
        match chance.choice(("received", "lost", "inferred")):
            case "received":
                book.ingest(report)
            case "inferred" if report.execution is not None:
                book.ingest(_inferred(report))
    for _ in range(2):
        entries = [book.ingest(evolve(report, source=ReportSource.RECONCILE)) for report in facts]
        chance.shuffle(facts)
    assert entries == [LedgerUpdate()] * len(facts)
    assert not any(deal.provisional for deal in book.deals)
    straight = _deliver_first(scene)
    for report in straight.later:
        straight.book.ingest(report)
    _agree(straight.book, book)


def _deliver_first(scene: Scene) -> _Delivery:
    """Return the same rows and ids for equal scenes; all later orders precede the later reports."""
    book = LedgerBook(scene.mode, scene.instrument)
    now, last = 0, 0
    for random_order in scene.first:
        order_id = _send(book, random_order, now)
        for number, fill in enumerate(random_order.fills):
            now, last = now + max(fill.pause, order_id != last), order_id
            book.ingest(_execution(book, order_id, fill, f"a{order_id:04}{number}", now))
    orders = [
        (_send(book, random_order, now), list(random_order.fills), random_order.canceled)
        for random_order in scene.later
    ]
    later: list[ExecutionReport] = []
    turns = list(scene.turns)
    while orders:
        order_id, fills, canceled = orders[turns.pop() % len(orders) if turns else 0]
        if fills:
            fill = fills.pop(0)
            now, last = now + max(fill.pause, order_id != last), order_id
            later.append(_execution(book, order_id, fill, f"b{len(later):04}0", now))
        if not fills:
            orders = [one for one in orders if one[0] != order_id]
            if canceled:
                later.append(a_report(ReportKind.CANCELED, order_id=order_id))
    return _Delivery(book, later)


def _send(book: LedgerBook, random_order: RandomOrder, now: int) -> int:
    held = book.open_positions()
    ticket = held[random_order.ticket] if random_order.ticket < len(held) else None
    named = 0 if ticket is None else ticket.id
    closes = ticket is not None and ticket.side.value != random_order.side  # as admission does
    qty = sum(fill.steps for fill in random_order.fills) * book.instrument.step
    return book.send(
        random_order.side,
        qty,
        strategy_id=random_order.strategy,
        reduce_only=random_order.reduce_only or closes,
        new_position=random_order.fresh and not named,
        created_at=NOON + timedelta(milliseconds=now, microseconds=500),
        **book.ticket_fields(named),
    ).id


def _execution(book: LedgerBook, order_id: int, fill: Fill, name: str, at: int) -> ExecutionReport:
    instrument, moment = book.instrument, NOON + timedelta(milliseconds=at)
    qty, rate = fill.steps * instrument.step, Decimal(fill.rate)
    fee, currency = qty * fill.price * rate, instrument.settle
    if fill.pays_in == 1 and instrument.kind is InstrumentKind.SPOT:
        fee, currency = qty * rate, instrument.base
    elif fill.pays_in == 2:
        fee, currency = qty * rate, "BNB"
    execution = Execution(
        exchange_trade_id=name,
        qty=qty,
        price=fill.price,
        executed_at=moment,
        fee=None if fill.pays_in == 3 else fee,
        fee_currency=None if fill.pays_in == 3 else currency,
    )
    return a_report(
        ReportKind.EXECUTION, order_id=order_id, execution=execution, received_at=moment
    )


def _cut(report: ExecutionReport, share: Decimal) -> Iterable[ExecutionReport]:
    """Split an execution in two, the fee by quantity."""
    whole = report.execution
    if whole is None:
        return [report]
    first = whole.qty * share
    parts = []
    for number, (qty, part) in enumerate([(first, share), (whole.qty - first, 1 - share)]):
        fee = None if whole.fee is None else whole.fee * part
        name = f"{whole.exchange_trade_id[:-1]}{number}"
        execution = evolve(whole, qty=qty, fee=fee, exchange_trade_id=name)
        parts.append(evolve(report, execution=execution))
    return parts


def _inferred(report: ExecutionReport) -> ExecutionReport:
    """Report a filled quantity without the execution."""
    assert report.execution is not None
    execution = evolve(
        report.execution,
        exchange_trade_id=f"inferred-{report.execution.exchange_trade_id}",
        executed_at=report.execution.executed_at + timedelta(seconds=9),
        fee=None,
        fee_currency=None,
        provisional=True,
    )
    return evolve(report, execution=execution)


def _equity(book: LedgerBook, mark: Decimal) -> Fraction:
    profit = sum((Fraction(one.realized_pnl) for one in book.positions.values()), Fraction(0))
    rest = (
        Fraction(unrealized_profit(one, book.instrument, mark)) for one in book.open_positions()
    )
    return profit + sum(rest, Fraction(0))


def _sold_beyond_positions(book: LedgerBook) -> tuple[Fraction, Fraction]:
    """Return the coins and the money of sales without a position."""
    coins, money = Fraction(0), Fraction(0)
    for deal in [deal for deal in book.deals if not deal.position_id]:
        fee = (deal.fee, deal.fee_currency)
        coins += Fraction(signed_quantity(book.instrument, deal.side, deal.qty, *fee))
        money += Fraction(deal.qty) * Fraction(deal.price)
        money -= Fraction(deal.fee or 0) * (deal.fee_currency == book.instrument.settle)
    return coins, money


def _agree(one: LedgerBook, other: LedgerBook, *, legs: bool = True) -> None:
    """Check that both books are equal except for ids and rounding.

    Each leg's share of a fee is rounded, and a fee in base is valued at the price.
    """
    names = [_named(book) for book in (one, other)]
    ours, theirs = (
        {names[at][p.id]: p for p in book.positions.values() if p.id in names[at]}
        for at, book in enumerate((one, other))
    )
    assert ours.keys() == theirs.keys()
    slack = ROUNDING * PRICE_MAX * (len(one.deals) + len(other.deals))
    for name in ours:
        assert _facts(ours[name], names[0]) == _facts(theirs[name], names[1])
        for money in ("profit", "realized_pnl"):
            gap = Fraction(getattr(ours[name], money)) - Fraction(getattr(theirs[name], money))
            assert abs(gap) <= slack, (name, money)
        for currency in {*ours[name].fees, *theirs[name].fees}:
            fees = [Fraction(each[name].fees.get(currency, 0)) for each in (ours, theirs)]
            assert abs(fees[0] - fees[1]) <= slack, (name, currency)
    assert [_order_facts(one, names[0])] == [_order_facts(other, names[1])]
    if legs:
        sums = _deal_facts(one, names[0]), _deal_facts(other, names[1])
        assert sums[0].keys() == sums[1].keys()
        assert all(abs(qty - sums[1][key]) <= slack for key, qty in sums[0].items())


_Names = dict[int, str]


def _named(book: LedgerBook) -> _Names:
    """Return positions by the trade that opened them; emptied ones are left out."""
    first: dict[int, tuple[Any, str]] = {}
    for deal in [deal for deal in book.deals if deal.position_id]:
        if deal.type is DealType.TRADE and book.positions[deal.position_id].qty_opened:
            key = (deal.executed_at, deal.exchange_trade_id[:-1])
            first[deal.position_id] = min(first.get(deal.position_id, key), key)
    names = {position_id: name for position_id, (_, name) in first.items()}
    assert len(set(names.values())) == len(names)
    return names


def _facts(position: Position, names: _Names) -> tuple[object, ...]:
    return (
        position.strategy_id,
        position.side,
        position.qty,
        position.cost,
        position.avg_price,
        position.close_price,
        position.qty_opened,
        position.qty_closed,
        position.max_qty,
        position.state,
        position.close_reason,
        position.opened_at,
        position.closed_at,
        names[position.identifier],
        names.get(position.previous_position_id or 0),
    )


def _order_facts(book: LedgerBook, names: _Names) -> list[tuple[object, ...]]:
    return [
        (
            order.id,
            order.filled_qty,
            Fraction(order.fill_value),
            order.state,
            names.get(order.position_id),
            {currency: Fraction(fee) for currency, fee in order.fees.items()},
        )
        for order in book.orders.values()
    ]


def _deal_facts(book: LedgerBook, names: _Names) -> dict[object, Fraction]:
    """Return the effect of each trade on each position, independent of its legs."""
    sums: dict[object, Fraction] = defaultdict(Fraction)
    for deal in book.deals:
        name = names[deal.position_id] if deal.position_id else ""
        key = (deal.exchange_trade_id, name, deal.entry, deal.price)
        sums[key] += Fraction(deal.qty)
    return sums
