"""Invariants of the ledger for any history of an account; one test per invariant.

The numbers are those of the list that ``oms verify`` checks as well:

1. The signed deal quantities of a position sum to its signed open quantity. 2. The fills of an
order sum to its filled quantity. 3. netting: at most one open position per symbol;
strategy_netting: per symbol and strategy. 4. Realized profit and unrealized profit at any mark
equal cash and holdings. 6. Replaying all deals gives the stored positions.

5, 10 and 11 are in ``test_delivery_invariants``, 7 to 9 in ``test_account_invariants``. The
histories cover every mode, instrument kind, fee and command, late, repeated and shuffled reports,
busts, inferred executions, and reports that contradict earlier operations.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.builders import NOON
from kit.generators.byte_choices import ByteChoices, even_lists_from_bytes
from kit.ledger.histories import INSTRUMENTS, STEPS, History, Step
from kit.ledger.history_run import play_history
from kit.ledger.ledger_book import LedgerBook
from kit.run_size import count_examples
from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.deal import Deal, DealEntry, DealType, signed_quantity
from oms.domain.ledger.position import Position, unrealized_profit
from oms.domain.ledger.restatement import apply_reassignment

ROUNDING = Fraction(1, 10**18)
ZERO = Fraction(0)


def _step(choices: ByteChoices) -> Step:
    return Step(choices.among(STEPS), tuple(choices.below(1000) for _ in range(8)))


HISTORIES = st.builds(
    History,
    mode=st.sampled_from(PositionMode),
    instrument=st.sampled_from(INSTRUMENTS),
    steps=even_lists_from_bytes(_step, width=11, min_size=1, max_size=60),
    allows_impossible=st.integers(0, 9).map(lambda number: number == 9),
)
MARKS = st.integers(1, 10_000_000).map(lambda number: Decimal(number).scaleb(-2))


@settings(max_examples=count_examples(500), deadline=None)
@given(HISTORIES)
def test_1_the_deals_of_a_position_sum_to_its_quantity(history: History) -> None:
    """Merged quantity has moved with its deals; a bust is a deal like any other."""
    book = play_history(history).book
    for positions, deals in _owned(book):
        moved = sum((_moved(book.instrument, deal) for deal in deals), ZERO)
        assert moved == sum((Fraction(one.qty) for one in positions), ZERO)


@settings(max_examples=count_examples(500), deadline=None)
@given(HISTORIES)
def test_2_the_fills_of_an_order_sum_to_its_filled_quantity(history: History) -> None:
    book = play_history(history).book
    filled: dict[int | None, Decimal] = defaultdict(Decimal)
    for deal in book.deals:
        if deal.type in (DealType.TRADE, DealType.CORRECTION):
            taken_back = deal.type is DealType.CORRECTION
            filled[deal.order_id] += -deal.qty if taken_back else deal.qty
    for order in book.orders.values():
        assert filled[order.id] == order.filled_qty
        assert order.remaining_qty == (max(order.qty - order.filled_qty, 0) if order.is_open else 0)


@settings(max_examples=count_examples(500), deadline=None)
@given(HISTORIES)
def test_3_at_most_one_position_is_open_where_positions_net(history: History) -> None:
    book = play_history(history).book
    held = book.open_positions()
    owners = [one.strategy_id for one in held]
    match book.mode:
        case PositionMode.NETTING:
            assert len(held) <= 1
        case PositionMode.STRATEGY_NETTING:
            assert len(set(owners)) == len(owners)
        case PositionMode.HEDGE:
            assert all((one.qty > 0) == (one.side.sign > 0) for one in held)


@settings(max_examples=count_examples(500), deadline=None)
@given(HISTORIES, MARKS)
def test_4_profit_and_unrealized_are_cash_at_any_mark(history: History, mark: Decimal) -> None:
    """profit + unrealized(mark) = m·(Σ −d·v(p) + Q·v(mark)), position by position."""
    book = play_history(history).book
    instrument = book.instrument
    for positions, deals in _owned(book):
        flow, slack = ZERO, ROUNDING * len(positions)
        for deal in deals:
            moved = _moved(instrument, deal)
            flow -= moved * instrument.value(deal.price)
            # The average price of a close-by is rounded to 18 places.
            meets = deal.entry is DealEntry.OUT_BY
            slack += ROUNDING * (1 + abs(moved) * Fraction(instrument.contract_size) * meets)
        held = sum((Fraction(one.qty) for one in positions), ZERO)
        exact = Fraction(instrument.contract_size) * (flow + held * instrument.value(mark))
        reported = sum(
            (one.profit + unrealized_profit(one, instrument, mark) for one in positions), Decimal()
        )
        assert abs(Fraction(reported) - exact) <= slack


@settings(max_examples=count_examples(500), deadline=None)
@given(HISTORIES.filter(lambda one: one.instrument.kind is InstrumentKind.SPOT), MARKS)
def test_4_spot_cash_balances_to_the_last_digit(history: History, mark: Decimal) -> None:
    """Δquote + Δbase·mark = realized + unrealized, whatever the fees were paid in."""
    book = play_history(history).book
    quote, base, roundings = ZERO, ZERO, 0
    # Coins that were sold beyond what positions held have no known cost.
    for deal in [deal for deal in book.deals if deal.position_id]:
        fee = Fraction(deal.fee or 0)
        quote -= _moved_before_fees(deal) * Fraction(deal.price)
        quote -= fee * (deal.fee_currency == book.instrument.quote)
        base += _moved_before_fees(deal) - fee * (deal.fee_currency == book.instrument.base)
        quote += Fraction(deal.profit) * (deal.type is DealType.FUNDING)
        roundings += 2  # its profit, and a fee in base at its price
    realized = sum((Fraction(one.realized_pnl) for one in book.positions.values()), ZERO)
    open_profit = sum(
        (Fraction(unrealized_profit(one, book.instrument, mark)) for one in book.open_positions()),
        ZERO,
    )
    reported, exact = realized + open_profit, quote + base * Fraction(mark)
    assert abs(reported - exact) <= ROUNDING * (roundings + len(book.positions))


@settings(max_examples=count_examples(500), deadline=None)
@given(HISTORIES.map(lambda one: one._replace(allows_impossible=False)))
def test_6_replaying_all_deals_gives_the_stored_positions(history: History) -> None:
    book = play_history(history).book
    again = apply_reassignment(book.history(), {}, book.next_id, NOON)
    assert not again.positions
    assert not again.deals
    assert not again.deals_changed
    assert not again.orders


def _owned(book: LedgerBook) -> Iterator[tuple[list[Position], list[Deal]]]:
    """Return positions with what was merged into them, and all deals with quantity."""
    positions: dict[int, list[Position]] = defaultdict(list)
    deals: dict[int, list[Deal]] = defaultdict(list)
    for position in book.positions.values():
        positions[_end(book, position)].append(position)
    for deal in book.deals:
        if deal.position_id and deal.type in (DealType.TRADE, DealType.CORRECTION):
            deals[_end(book, book.positions[deal.position_id])].append(deal)
    for position_id, held in positions.items():
        yield held, deals[position_id]


def _end(book: LedgerBook, position: Position) -> int:
    while position.merged_into is not None:
        position = book.positions[position.merged_into]
    return position.id


def _moved(instrument: Instrument, deal: Deal) -> Fraction:
    return Fraction(signed_quantity(instrument, deal.side, deal.qty, deal.fee, deal.fee_currency))


def _moved_before_fees(deal: Deal) -> Fraction:
    return Fraction(deal.qty) * deal.side.sign
