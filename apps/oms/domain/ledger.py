"""The heart: ``apply(book, report) -> Entry``. Facts in; orders, deals, positions and events out.

A *book* is the rows that one report can touch: the account's position mode, the instrument, the
order, the open positions of the symbol, and the deals already known under the report's trade id.
``apply`` is pure: the same book, report and mint give the same entry.

How an execution finds its position
-----------------------------------
netting            the one open position of the symbol
strategy_netting   the one open position of the symbol and the order's strategy
hedge              the ticket the order names; else, reduce-only, the strategy's opposite tickets,
                   oldest first; else the newest ticket of the same symbol, side and strategy;
                   ``new_position`` always opens one. An opposite deal never nets by itself.

An execution larger than what it closes is cut in legs: ``out`` closes, ``in`` opens a new
position with the rest. The fee is split by quantity, the remainder on the last leg, so that the
legs sum to what was charged.

The same execution told again changes nothing. Told again with other facts it is a *conflict*:
an event, never an overwrite.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from decimal import Decimal
from functools import reduce
from types import MappingProxyType
from typing import NamedTuple, assert_never

from oms.domain.account import PositionMode
from oms.domain.deal import Deal, DealEntry, signed_quantity
from oms.domain.event import Event
from oms.domain.ids import Mint
from oms.domain.instrument import Instrument
from oms.domain.money import EXACT, ZERO, plain, rounded, total
from oms.domain.order import Order, Side, advanced
from oms.domain.position import Fill, Position, folded
from oms.domain.report import Execution, Report, ReportKind
from oms.domain.value import evolve, value

_EXEC_TYPES: Mapping[ReportKind, str] = MappingProxyType(
    {
        ReportKind.ACCEPTED: "new",
        ReportKind.TRIGGERED: "triggered",
        ReportKind.EXECUTION: "trade",
        ReportKind.CHANGED: "replaced",
        ReportKind.CANCELED: "canceled",
        ReportKind.EXPIRED: "expired",
        ReportKind.REJECTED: "rejected",
        ReportKind.REFUSED: "refused",
        ReportKind.UNKNOWN: "unknown",
        ReportKind.NOT_PLACED: "not_placed",
    }
)


@value
class Book:
    """The rows that one report can touch."""

    mode: PositionMode
    #: ``None`` for a symbol the exchange does not trade: such an order is refused, never executed.
    instrument: Instrument | None
    order: Order
    #: Open positions of the order's account and symbol.
    positions: Sequence[Position]
    #: Deals of the symbol by exchange trade id: at least those of the report's own trade id.
    deals: Mapping[str, Sequence[Deal]] = field(default_factory=dict)


@value
class Entry:
    """What follows from one report; empty when the report was stale or told before."""

    order: Order | None = None
    deals: tuple[Deal, ...] = ()
    positions: tuple[Position, ...] = ()
    #: Fine-grained events only; the changed rows above are told in full by whoever writes them.
    events: tuple[Event, ...] = ()
    #: Why the order changed, in the words of the field.
    exec_type: str | None = None
    #: The fill came after the order's last word.
    late_fill: bool = False


class _Leg(NamedTuple):
    """A part of an execution for one position; ``position`` is ``None`` where it opens one."""

    position: Position | None
    delta: Decimal
    entry: DealEntry
    #: Whether it opens with the rest of what closed a netting position.
    flips: bool = False


class _Booking(NamedTuple):
    """What all legs of one execution share."""

    order: Order
    report: Report
    execution: Execution
    mint: Mint


class _Share(NamedTuple):
    """One leg's part of the execution; ``number`` is the leg."""

    number: int
    qty: Decimal
    fee: Decimal | None
    profit: Decimal


def apply(book: Book, report: Report, mint: Mint) -> Entry:
    """What ``report`` means for ``book``."""
    if report.execution is not None:
        known = book.deals.get(report.execution.exchange_trade_id)
        if known:
            return _told_again(book, report.execution, known)
        return _executed(book, _Booking(book.order, report, report.execution, mint))
    order = advanced(book.order, report)
    if order is None:
        return Entry()
    return Entry(
        order=order,
        events=_order_events(book.order, order, report),
        exec_type=_EXEC_TYPES[report.kind],
    )


def _executed(book: Book, booking: _Booking) -> Entry:
    order, execution, instrument = booking.order, booking.execution, book.instrument
    assert instrument is not None, "what is executed is traded"
    delta = signed_quantity(
        instrument, order.side, execution.qty, execution.fee, execution.fee_currency
    )
    legs = _legs(book, delta)
    quantities = _shares(execution.qty, legs, delta)
    fees: Sequence[Decimal | None] = [None] * len(legs)
    if execution.fee is not None:
        fees = _shares(execution.fee, legs, delta)
    deals: list[Deal] = []
    positions: list[Position] = []
    for leg, qty, fee in zip(legs, quantities, fees, strict=True):
        position = leg.position or _opened(booking, leg, positions)
        after, profit = folded(position, instrument, _fill(booking, leg, fee))
        if leg.entry is DealEntry.IN:
            after = _with_levels(after, order)
        positions.append(after)
        share = _Share(number=len(deals), qty=qty, fee=fee, profit=profit)
        deals.append(_deal(booking, leg, after, share))
    last = positions[-1]
    after_fill = advanced(
        order,
        booking.report,
        position_id=last.id,
        previous_id=last.previous_position_id,
    )
    assert after_fill is not None, "a fill is legal from every state"
    return Entry(
        order=after_fill,
        deals=tuple(deals),
        positions=tuple(positions),
        events=_execution_events(deals, positions),
        exec_type=_EXEC_TYPES[booking.report.kind],
        late_fill=not book.order.is_open,
    )


def _legs(book: Book, delta: Decimal) -> list[_Leg]:
    """Cut ``delta`` into what each position takes, in the order of the legs."""
    legs: list[_Leg] = []
    rest = delta
    grows: Position | None = None
    for position in _candidates(book):
        held = position.qty
        if (held > 0) == (delta > 0):
            grows = position
            continue
        closing = rest if rest.copy_abs() <= held.copy_abs() else held.copy_negate()
        legs.append(_Leg(position=position, delta=closing, entry=DealEntry.OUT))
        rest = EXACT.subtract(rest, closing)
        if not rest:
            return legs
    flips = bool(legs) and book.mode is not PositionMode.HEDGE
    legs.append(_Leg(position=grows, delta=rest, entry=DealEntry.IN, flips=flips))
    return legs


def _candidates(book: Book) -> Sequence[Position]:
    """The positions an execution of the order may touch, in the order it takes them."""
    order = book.order
    match book.mode:
        case PositionMode.NETTING:
            return book.positions
        case PositionMode.STRATEGY_NETTING:
            return [p for p in book.positions if p.strategy_id == order.strategy_id]
        case PositionMode.HEDGE:
            return _tickets(order, book.positions)


def _tickets(order: Order, positions: Sequence[Position]) -> Sequence[Position]:
    named = [p for p in positions if order.position_id and p.id == order.position_id]
    if named or (order.new_position and not order.filled_qty):
        return named
    own = [p for p in positions if p.strategy_id == order.strategy_id]
    if order.reduce_only:
        return sorted((p for p in own if p.side is not order.side), key=lambda p: p.id)
    same = [p for p in own if p.side is order.side]
    return [max(same, key=lambda p: p.id)] if same else []


def _shares(whole: Decimal, legs: Sequence[_Leg], delta: Decimal) -> list[Decimal]:
    """Split ``whole`` by the legs' quantities; the last leg takes the remainder."""
    if len(legs) == 1:
        return [whole]
    shares = [rounded(EXACT.divide(EXACT.multiply(whole, leg.delta), delta)) for leg in legs[:-1]]
    rest = whole
    for share in shares:
        rest = EXACT.subtract(rest, share)
    return [*shares, rest]


def _opened(booking: _Booking, leg: _Leg, before: Sequence[Position]) -> Position:
    """A new position for an opening leg; after a flip it continues the identifier."""
    order = booking.order
    position_id = booking.mint("position")
    previous = before[-1] if leg.flips else None
    return Position(
        id=position_id,
        account_id=order.account_id,
        symbol=order.symbol,
        strategy_id=order.strategy_id,
        side=Side.BUY if leg.delta > 0 else Side.SELL,
        reason=order.reason,
        comment=order.comment,
        identifier=previous.identifier if previous is not None else position_id,
        previous_position_id=previous.id if previous is not None else None,
        opened_at=booking.execution.executed_at,
        updated_at=booking.report.heard_at,
    )


def _fill(booking: _Booking, leg: _Leg, fee: Decimal | None) -> Fill:
    return Fill(
        delta=leg.delta,
        price=booking.execution.price,
        fee=fee,
        fee_currency=booking.execution.fee_currency,
        reason=booking.order.reason,
        executed_at=booking.execution.executed_at,
        heard_at=booking.report.heard_at,
    )


def _with_levels(position: Position, order: Order) -> Position:
    """Stop levels of an opening or adding order replace the position's; absent ones keep."""
    if order.stop_loss is None and order.stop_gain is None:
        return position
    return evolve(
        position,
        stop_loss=order.stop_loss if order.stop_loss is not None else position.stop_loss,
        stop_gain=order.stop_gain if order.stop_gain is not None else position.stop_gain,
    )


def _deal(booking: _Booking, leg: _Leg, position: Position, share: _Share) -> Deal:
    order, execution, report = booking.order, booking.execution, booking.report
    maker = execution.maker
    return Deal(
        id=booking.mint("deal"),
        account_id=order.account_id,
        order_id=order.id,
        position_id=position.id,
        previous_position_id=position.previous_position_id if leg.flips else None,
        symbol=order.symbol,
        side=order.side,
        qty=share.qty,
        price=execution.price,
        fee=share.fee,
        fee_currency=execution.fee_currency,
        profit=share.profit,
        strategy_id=order.strategy_id,
        reason=order.reason,
        comment=order.comment,
        reconciled=order.reconciled,
        exchange_trade_id=execution.exchange_trade_id,
        exchange_order_id=order.exchange_order_id or report.exchange_order_id,
        leg=share.number,
        entry=leg.entry,
        origin=report.heard.value,
        liquidity=None if maker is None else "maker" if maker else "taker",
        executed_at=execution.executed_at,
        created_at=report.heard_at,
    )


def _told_again(book: Book, execution: Execution, known: Sequence[Deal]) -> Entry:
    """An execution whose trade id is booked: nothing if it says the same, else a conflict."""
    qty = reduce(total, (deal.qty for deal in known), ZERO)
    first = known[0]
    same = (
        qty == execution.qty
        and first.price == execution.price
        and first.order_id == book.order.id
        and first.fee_currency == execution.fee_currency
    )
    if same:
        return Entry()
    facts = {
        "order_id": book.order.id,
        "exchange_trade_id": execution.exchange_trade_id,
        "symbol": book.order.symbol,
        "deal_ids": [deal.id for deal in known],
        "booked": {"order_id": first.order_id, "qty": plain(qty), "price": plain(first.price)},
        "told": {"qty": plain(execution.qty), "price": plain(execution.price)},
    }
    strategy_id = book.order.strategy_id
    return Entry(events=(Event(name="deal_conflict", strategy_id=strategy_id, facts=facts),))


def _order_events(before: Order, order: Order, report: Report) -> tuple[Event, ...]:
    """The fine-grained event of a report that is no execution."""
    facts: dict[str, object] = {"command_id": order.command_id, "order_id": order.id}
    match report.kind:
        case ReportKind.ACCEPTED:
            name = "order_submitted"
            facts["exchange_order_id"] = order.exchange_order_id
        case ReportKind.CHANGED:
            name = "order_changed"
        case ReportKind.CANCELED:
            name = "order_canceled"
        case ReportKind.EXPIRED:
            name = "order_expired"
            facts["client_order_id"] = order.client_order_id
        case ReportKind.REJECTED | ReportKind.REFUSED | ReportKind.NOT_PLACED:
            name = "order_rejected"
            outcome = "not_sent" if report.kind is ReportKind.REFUSED else "rejected"
            facts |= {"code": order.reject_code, "message": order.reject_message}
            facts["outcome"] = outcome
        case ReportKind.UNKNOWN:
            name = "order_unknown"
            facts["client_order_id"] = order.client_order_id
        case ReportKind.TRIGGERED | ReportKind.EXECUTION:
            return ()
        case _:
            assert_never(report.kind)
    return (Event(name=name, strategy_id=before.strategy_id, facts=facts),)


def _execution_events(deals: Sequence[Deal], positions: Sequence[Position]) -> tuple[Event, ...]:
    created = tuple(
        Event(
            name="deal_created",
            strategy_id=deal.strategy_id,
            facts={
                "deal_id": deal.id,
                "order_id": deal.order_id,
                "position_id": deal.position_id,
                "exchange_trade_id": deal.exchange_trade_id,
                "symbol": deal.symbol,
                "side": deal.side.value,
                "strategy_id": deal.strategy_id,
                "qty": deal.qty,
                "price": deal.price,
                "entry": deal.entry.value,
            },
        )
        for deal in deals
    )
    return created + tuple(closed_event(p) for p in positions if not p.is_open)


def closed_event(position: Position) -> Event:
    """The event that tells of a position's end."""
    return Event(
        name="position_closed",
        strategy_id=position.strategy_id,
        facts={
            "position_id": position.id,
            "symbol": position.symbol,
            "strategy_id": position.strategy_id,
            "close_price": position.close_price,
            "close_reason": position.close_reason,
            "realized_pnl": position.realized_pnl,
            "fees": dict(position.fees),
        },
    )
