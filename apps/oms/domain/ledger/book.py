"""The ledger's core function: ``apply_report(book, report) -> LedgerUpdate``.

A *book* holds the rows that one report can affect: the account's position mode, the instrument, the
order, the open positions of the symbol, and the deals stored under the report's trade id.
``apply_report`` is pure: equal book, report and ids give an equal update.

Allocation to positions is in ``allocation``, executions that belong before booked ones in
``history_replay`` and ``restatement``.

A duplicate execution changes nothing. A duplicate with different facts is a *conflict*: it emits an
event and overwrites nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import reduce

from oms.domain.account import PositionMode
from oms.domain.event import Event
from oms.domain.ids import IdGenerator
from oms.domain.instrument import Instrument
from oms.domain.ledger.allocation import ExecutionKey, has_ties
from oms.domain.ledger.booking import allocation_spec_of, book_deal, build_deal, execution_key_of
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.ledger.history_replay import SymbolHistory
from oms.domain.ledger.ledger_events import execution_events, order_events, over_fill_events
from oms.domain.ledger.ledger_update import (
    CHANGE_REJECTED,
    CHANGE_REQUESTED,
    EXEC_TYPES,
    LedgerUpdate,
)
from oms.domain.ledger.position import Position
from oms.domain.ledger.restatement import restate
from oms.domain.money import ZERO, add, decimal_text
from oms.domain.orders.execution_report import Execution, ExecutionReport, ReportKind
from oms.domain.orders.external_order import is_forced_close
from oms.domain.orders.order import Order, advance_order
from oms.domain.value import constructor, value

_new_update = constructor(LedgerUpdate)


@value
class Book:
    """The rows that one report can affect."""

    mode: PositionMode
    #: ``None`` for a symbol that the exchange does not have: the order is refused, never executed.
    instrument: Instrument | None
    order: Order
    #: Open positions of the order's account and symbol; used for executions only.
    positions: Sequence[Position] = ()
    #: Deals of the symbol by exchange trade id: at least those of the report's trade id.
    deals: Mapping[str, Sequence[Deal]] = field(default_factory=dict)
    #: History to replay, required if ``needs_history`` returns true.
    history: SymbolHistory | None = None


def apply_report(book: Book, report: ExecutionReport, next_id: IdGenerator) -> LedgerUpdate:
    """Return the changes that ``report`` makes to ``book``."""
    execution = report.execution
    if execution is None:
        return _apply_status(book, report)
    booked = book.deals.get(execution.exchange_trade_id)
    if booked and report.kind is ReportKind.EXECUTION:
        return _compare_duplicate(book, execution, booked)
    if book.history is not None:
        return restate(book.history, book.order, report, next_id)
    if report.kind is ReportKind.BUSTED:
        return LedgerUpdate()  # reversed before, or never booked
    return _apply_execution(book, report, execution, next_id)


def needs_history(
    mode: PositionMode,
    instrument: Instrument | None,
    order: Order,
    report: ExecutionReport,
    newest: ExecutionKey | None,
    booked: Sequence[Deal],
    positions: Sequence[Position],
) -> bool:
    """Return whether ``report`` changes booked executions, so that the history must be replayed.

    It is also replayed if only the history shows which positions it goes to: its ticket is gone or
    too small, or candidates were opened at the same time. ``newest`` is the replay key of what was
    booked last in the symbol, ``booked`` the deals stored under the report's trade id and, for a
    bust, under the id of the bust.
    """
    execution = report.execution
    if execution is None:
        return False
    if report.kind is ReportKind.BUSTED:
        return bool(booked) and not any(deal.type is DealType.CORRECTION for deal in booked)
    if booked:
        return False
    late = newest is not None and execution_key_of(execution) < newest
    replaces_inferred = order.provisional_qty > 0 and not execution.provisional
    return (
        late
        or replaces_inferred
        or _exceeds_ticket(mode, order, execution, positions)
        or _has_tied_candidates(mode, instrument, order, positions)
    )


def _has_tied_candidates(
    mode: PositionMode,
    instrument: Instrument | None,
    order: Order,
    positions: Sequence[Position],
) -> bool:
    """Return whether the order goes to positions by age, and some were opened at the same time.

    Which of them is older depends on the executions that opened them.
    """
    is_forced = is_forced_close(order)
    if len(positions) < 2 or not (
        is_forced or (mode is PositionMode.HEDGE and not order.ticket_id)
    ):
        return False
    assert instrument is not None, "a symbol with positions has an instrument"
    closes = is_forced or order.reduce_only
    closes_others = is_forced or allocation_spec_of(order, instrument).closes_others
    return has_ties(
        [
            position
            for position in positions
            if (position.side is not order.side) is closes
            and (closes_others or position.strategy_id == order.strategy_id)
        ]
    )


def _exceeds_ticket(
    mode: PositionMode, order: Order, execution: Execution, positions: Sequence[Position]
) -> bool:
    """Return whether the ticket that the order names is gone, or too small for the execution."""
    if mode is not PositionMode.HEDGE or not order.ticket_id:
        return False
    ticket = next((p for p in positions if p.id == order.position_id), None)
    if ticket is None:
        return True
    if ticket.side is order.side:
        return order.reduce_only  # It closed more before: the ticket may have grown since.
    return execution.qty > ticket.qty.copy_abs()


def _apply_status(book: Book, report: ExecutionReport) -> LedgerUpdate:
    order = advance_order(book.order, report)
    if order is None:
        return LedgerUpdate()
    return _new_update(
        order=order,
        events=order_events(book.order, order, report),
        exec_type=_exec_type(order, report),
    )


def _exec_type(after: Order, report: ExecutionReport) -> str:
    if _keeps_order(after, report):
        return CHANGE_REJECTED
    if report.edit is not None and report.edit.is_in_progress:
        return CHANGE_REQUESTED
    return EXEC_TYPES[report.kind]


def _keeps_order(after: Order, report: ExecutionReport) -> bool:
    return report.kind is ReportKind.REJECTED and after.is_open


def _apply_execution(
    book: Book, report: ExecutionReport, execution: Execution, next_id: IdGenerator
) -> LedgerUpdate:
    order, instrument = book.order, book.instrument
    assert instrument is not None, "an executed symbol has an instrument"
    whole = build_deal(order, report, execution, next_id("deal"))
    # Before its first execution the order may have the position that it names.
    entered_id = order.position_id if order.filled_qty else 0
    deals, positions = book_deal(
        mode=book.mode,
        instrument=instrument,
        spec=allocation_spec_of(order, instrument),
        order=order,
        deal=whole,
        positions=book.positions,
        next_id=next_id,
        entered_id=entered_id,
    )
    # Without a position the order has that of its executions before, not the ticket that it names.
    position_id, previous_id = entered_id, None
    if positions:
        position_id, previous_id = positions[-1].id, positions[-1].previous_position_id
    after = advance_order(order, report, position_id=position_id, previous_id=previous_id)
    assert after is not None, "a fill is legal from every state"
    return _new_update(
        order=after,
        deals=deals,
        positions=positions,
        events=(
            *execution_events(book.mode, deals, positions),
            *over_fill_events(order, after, execution.exchange_trade_id),
        ),
        exec_type=EXEC_TYPES[report.kind],
        late_fill=not order.is_open,
    )


def _compare_duplicate(book: Book, execution: Execution, booked: Sequence[Deal]) -> LedgerUpdate:
    """Compare with the booked execution of that trade id: no update if equal, else a conflict
    event.
    """
    booked = [deal for deal in booked if deal.type is DealType.TRADE]
    qty = reduce(add, (deal.qty for deal in booked), ZERO)
    first = booked[0]
    same = (
        qty == execution.qty
        and first.price == execution.price
        and first.order_id == book.order.id
        and first.fee_currency == execution.fee_currency
    )
    if same:
        return LedgerUpdate()
    facts = {
        "order_id": book.order.id,
        "exchange_trade_id": execution.exchange_trade_id,
        "symbol": book.order.symbol,
        "deal_ids": [deal.id for deal in booked],
        "booked": {
            "order_id": first.order_id,
            "qty": decimal_text(qty),
            "price": decimal_text(first.price),
        },
        "told": {"qty": decimal_text(execution.qty), "price": decimal_text(execution.price)},
    }
    strategy_id = book.order.strategy_id
    return LedgerUpdate(events=(Event(name="deal_conflict", strategy_id=strategy_id, facts=facts),))
