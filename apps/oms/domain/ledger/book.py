"""The heart: ``apply(book, report) -> Entry``. Facts in; orders, deals, positions and events out.

A *book* is the rows that one report can touch: the account's position mode, the instrument, the
order, the open positions of the symbol, and the deals already known under the report's trade id.
``apply`` is pure: the same book, report and mint give the same entry.

Where an execution goes and how it is cut is told in ``domain.legs``; what happens when it belongs
before others that are booked, in ``domain.refold``.

The same execution told again changes nothing. Told again with other facts it is a *conflict*:
an event, never an overwrite.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import reduce

from oms.domain.account import PositionMode
from oms.domain.event import Event
from oms.domain.ids import IdGenerator
from oms.domain.instrument import Instrument
from oms.domain.ledger.allocation import ExecutionKey
from oms.domain.ledger.booking import allocation_spec_of, book_deal, build_deal, execution_key_of
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.ledger.history_replay import SymbolHistory
from oms.domain.ledger.ledger_events import execution_events, order_events
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
from oms.domain.orders.order import Order, advance_order
from oms.domain.value import constructor, value

_new_entry = constructor(LedgerUpdate)


@value
class Book:
    """The rows that one report can touch."""

    mode: PositionMode
    #: ``None`` for a symbol the exchange does not trade: such an order is refused, never executed.
    instrument: Instrument | None
    order: Order
    #: Open positions of the order's account and symbol; of an execution only they are asked for.
    positions: Sequence[Position] = ()
    #: Deals of the symbol by exchange trade id: at least those of the report's own trade id.
    deals: Mapping[str, Sequence[Deal]] = field(default_factory=dict)
    #: What must be folded again, where ``needs_history`` says so.
    history: SymbolHistory | None = None


def apply_report(book: Book, report: ExecutionReport, next_id: IdGenerator) -> LedgerUpdate:
    """What ``report`` means for ``book``."""
    execution = report.execution
    if execution is None:
        return _advanced(book, report)
    known = book.deals.get(execution.exchange_trade_id)
    if known and report.kind is ReportKind.EXECUTION:
        return _told_again(book, execution, known)
    if book.history is not None:
        return restate(book.history, book.order, report, next_id)
    if report.kind is ReportKind.BUSTED:
        return LedgerUpdate()  # taken back before, or never booked
    return _executed(book, report, execution, next_id)


def needs_history(
    order: Order, report: ExecutionReport, newest: ExecutionKey | None, known: Sequence[Deal]
) -> bool:
    """Whether ``report`` changes what was folded already, so that the book needs its history.

    ``newest`` is the last execution folded in the symbol, ``known`` the deals booked under the
    report's trade id and, for a bust, under the bust's own.
    """
    execution = report.execution
    if execution is None:
        return False
    if report.kind is ReportKind.BUSTED:
        return bool(known) and not any(deal.type is DealType.CORRECTION for deal in known)
    if known:
        return False
    late = newest is not None and execution_key_of(execution) < newest
    return late or (order.provisional_qty > 0 and not execution.provisional)


def _advanced(book: Book, report: ExecutionReport) -> LedgerUpdate:
    order = advance_order(book.order, report)
    if order is None:
        return LedgerUpdate()
    return _new_entry(
        order=order,
        events=order_events(book.order, order, report),
        exec_type=_why(order, report),
    )


def _why(after: Order, report: ExecutionReport) -> str:
    if _keeps_order(after, report):
        return CHANGE_REJECTED
    if report.edit is not None and report.edit.is_on_its_way:
        return CHANGE_REQUESTED
    return EXEC_TYPES[report.kind]


def _keeps_order(after: Order, report: ExecutionReport) -> bool:
    return report.kind is ReportKind.REJECTED and after.is_open


def _executed(
    book: Book, report: ExecutionReport, execution: Execution, next_id: IdGenerator
) -> LedgerUpdate:
    order, instrument = book.order, book.instrument
    assert instrument is not None, "what is executed is traded"
    whole = build_deal(order, report, execution, next_id("deal"))
    deals, positions = book_deal(
        mode=book.mode,
        instrument=instrument,
        route=allocation_spec_of(order),
        order=order,
        deal=whole,
        positions=book.positions,
        next_id=next_id,
    )
    last = positions[-1]
    after = advance_order(order, report, position_id=last.id, previous_id=last.previous_position_id)
    assert after is not None, "a fill is legal from every state"
    return _new_entry(
        order=after,
        deals=deals,
        positions=positions,
        events=execution_events(deals, positions, over_closed=_over_closed(book, deals)),
        exec_type=EXEC_TYPES[report.kind],
        late_fill=not order.is_open,
    )


def _over_closed(book: Book, deals: Sequence[Deal]) -> bool:
    """Whether the exchange executed more than the ticket held that it was to close."""
    hedged = book.mode is PositionMode.HEDGE
    return hedged and len(deals) > 1 and deals[-1].entry is DealEntry.IN


def _told_again(book: Book, execution: Execution, known: Sequence[Deal]) -> LedgerUpdate:
    """An execution whose trade id is booked: nothing if it says the same, else a conflict."""
    known = [deal for deal in known if deal.type is DealType.TRADE]
    qty = reduce(add, (deal.qty for deal in known), ZERO)
    first = known[0]
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
        "deal_ids": [deal.id for deal in known],
        "booked": {
            "order_id": first.order_id,
            "qty": decimal_text(qty),
            "price": decimal_text(first.price),
        },
        "told": {"qty": decimal_text(execution.qty), "price": decimal_text(execution.price)},
    }
    strategy_id = book.order.strategy_id
    return LedgerUpdate(events=(Event(name="deal_conflict", strategy_id=strategy_id, facts=facts),))
