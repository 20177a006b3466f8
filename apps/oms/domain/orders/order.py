"""Orders and their lifecycle at an exchange.

Theory of operation ------------------- The state of an order is a function of its execution
reports; ``TRANSITIONS`` gives the next state for each (state × kind of report). A pair that is not
in the table changes nothing: the report is *stale* (a duplicate, or superseded).

``FOLLOW_QUANTITY`` in place of a state means that the quantity decides: FILLED when nothing
remains, else PARTIALLY_FILLED while open, else the terminal state stays. A fill is legal in every
state, also in a terminal one: executions are always booked, never dropped.

A requested cancel or change is not a state: it is kept in ``pending_change`` beside the state, so a
fill does not erase it and a rejected change has nothing to restore.

All state transitions of orders are in this file.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from oms.domain.money import ZERO, add, divide, multiply, subtract
from oms.domain.orders.execution_report import EditState, ExecutionReport, ReportKind
from oms.domain.orders.order_risk import OrderRisk
from oms.domain.orders.order_terms import moved_fields
from oms.domain.protection.levels import Levels
from oms.domain.side import Side as Side  # re-exported: importers of orders need it
from oms.domain.value import evolve, evolver, value


class OrderState(StrEnum):
    """State of an order."""

    PENDING_SUBMIT = "PENDING_SUBMIT"
    UNKNOWN = "UNKNOWN"
    SUBMITTED = "SUBMITTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"

    @property
    def is_open(self) -> bool:
        """Return whether the order may still execute."""
        return self not in TERMINAL


class FollowQuantity(StrEnum):
    """Marker of transitions that depend on the filled quantity."""

    FOLLOW_QUANTITY = "follow the filled quantity"


TERMINAL = frozenset(
    {OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED}
)
FOLLOW_QUANTITY = FollowQuantity.FOLLOW_QUANTITY

_PENDING, _UNKNOWN = OrderState.PENDING_SUBMIT, OrderState.UNKNOWN
_SUBMITTED, _PARTIAL = OrderState.SUBMITTED, OrderState.PARTIALLY_FILLED
_FILLED, _CANCELED = OrderState.FILLED, OrderState.CANCELED
_EXPIRED, _REJECTED = OrderState.EXPIRED, OrderState.REJECTED
#: Reports that prove that the order reached the exchange.
_ACKNOWLEDGES = frozenset(
    {ReportKind.ACCEPTED, ReportKind.EXECUTION, ReportKind.CHANGED, ReportKind.TRIGGERED}
)

TRANSITIONS: Mapping[tuple[OrderState, ReportKind], OrderState | FollowQuantity] = MappingProxyType(
    {
        (_PENDING, ReportKind.ACCEPTED): _SUBMITTED,
        (_PENDING, ReportKind.EXECUTION): FOLLOW_QUANTITY,  # a fill may arrive before the response
        (_PENDING, ReportKind.REJECTED): _REJECTED,
        (_PENDING, ReportKind.REFUSED): _REJECTED,
        (_PENDING, ReportKind.CANCELED): _CANCELED,  # revoked before it was sent
        (_PENDING, ReportKind.EXPIRED): _EXPIRED,
        (_PENDING, ReportKind.TRIGGERED): _SUBMITTED,
        (
            _PENDING,
            ReportKind.CHANGED,
        ): _SUBMITTED,  # reduced on arrival, reported before the response
        (_PENDING, ReportKind.UNKNOWN): _UNKNOWN,
        (_PENDING, ReportKind.NOT_PLACED): _REJECTED,
        (_UNKNOWN, ReportKind.ACCEPTED): _SUBMITTED,
        (_UNKNOWN, ReportKind.EXECUTION): FOLLOW_QUANTITY,
        (_UNKNOWN, ReportKind.TRIGGERED): _SUBMITTED,
        (_UNKNOWN, ReportKind.CHANGED): _SUBMITTED,
        (_UNKNOWN, ReportKind.REJECTED): _REJECTED,
        (_UNKNOWN, ReportKind.CANCELED): _CANCELED,
        (_UNKNOWN, ReportKind.EXPIRED): _EXPIRED,
        (_UNKNOWN, ReportKind.NOT_PLACED): _REJECTED,
        (_SUBMITTED, ReportKind.TRIGGERED): _SUBMITTED,
        (_SUBMITTED, ReportKind.EXECUTION): FOLLOW_QUANTITY,
        (_SUBMITTED, ReportKind.CHANGED): _SUBMITTED,
        (_SUBMITTED, ReportKind.CANCELED): _CANCELED,
        (_SUBMITTED, ReportKind.EXPIRED): _EXPIRED,
        (_SUBMITTED, ReportKind.REJECTED): _REJECTED,  # some exchanges accept, then reject
        (_PARTIAL, ReportKind.EXECUTION): FOLLOW_QUANTITY,
        (_PARTIAL, ReportKind.CHANGED): FOLLOW_QUANTITY,  # may shrink to the filled quantity
        (_PARTIAL, ReportKind.CANCELED): _CANCELED,
        (_PARTIAL, ReportKind.EXPIRED): _EXPIRED,
        (
            _PARTIAL,
            ReportKind.REJECTED,
        ): _CANCELED,  # only the remaining quantity can still be rejected
        (_FILLED, ReportKind.EXECUTION): FOLLOW_QUANTITY,  # an over-fill is booked as reported
        (_CANCELED, ReportKind.EXECUTION): FOLLOW_QUANTITY,  # executed before the cancel
        (_EXPIRED, ReportKind.EXECUTION): FOLLOW_QUANTITY,
        (_REJECTED, ReportKind.EXECUTION): FOLLOW_QUANTITY,  # "not placed" that appears after all
        (_REJECTED, ReportKind.ACCEPTED): _SUBMITTED,  # guarded: not_placed orders only
        (_SUBMITTED, ReportKind.BUSTED): _SUBMITTED,  # of an order that was changed meanwhile
        (_PARTIAL, ReportKind.BUSTED): FOLLOW_QUANTITY,
        (_FILLED, ReportKind.BUSTED): _CANCELED,  # a reversed fill is not worked again
        (_CANCELED, ReportKind.BUSTED): _CANCELED,
        (_EXPIRED, ReportKind.BUSTED): _EXPIRED,
        (_REJECTED, ReportKind.BUSTED): _REJECTED,
    }
)


@value
class Order:
    """An order with its current state.

    Quantities in base, prices in quote. ``fill_value`` is Σ qty × price of all fills, exact; while
    open ``qty = filled_qty + remaining_qty``.
    """

    id: int
    account_id: int
    command_id: int | None
    symbol: str
    side: Side
    order_type: str
    qty: Decimal
    price: Decimal | None = None
    state: OrderState = OrderState.PENDING_SUBMIT
    pending_change: str | None = None
    strategy_id: int = 0
    #: The requested ticket, later the position that the fills went to; 0 before the first fill.
    position_id: int = 0
    previous_position_id: int | None = None
    reason: str = "api"
    comment: str | None = None
    client_order_id: str | None = None
    exchange_order_id: str | None = None
    stop_loss: Decimal | None = None
    stop_gain: Decimal | None = None
    #: Further stop levels for the position that it opens or adds to.
    levels: Levels | None = None
    filled_qty: Decimal = ZERO
    fill_value: Decimal = ZERO
    #: Fees of all fills per currency.
    fees: Mapping[str, Decimal] = field(default_factory=dict)
    reduce_only: bool = False
    post_only: bool = False
    new_position: bool = False
    time_in_force: str | None = None
    trigger_price: Decimal | None = None
    expires_at: datetime | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    fingerprint: str = ""
    reject_source: str | None = None
    reject_code: str | None = None
    reject_message: str | None = None
    #: The requested ticket; ``position_id`` follows the fills.
    ticket_id: int = 0
    trailing_amount: Decimal | None = None
    #: In percent: 1.5 is 1.5 %.
    trailing_percent: Decimal | None = None
    #: Quantity and price as the command that placed it gave them, before they were rounded.
    requested_qty: Decimal | None = None
    requested_price: Decimal | None = None
    parent_order_id: int | None = None
    #: What limits said about it; ``None`` if none applied.
    risk: OrderRisk | None = None
    #: The signal that it executes, and its source or bot.
    signal_id: int | None = None
    source_id: int | None = None
    bot_id: int | None = None
    group_id: int | None = None  #: Shared by orders that belong together.
    #: Why it is or was canceled without a request of a caller.
    cancel_reason: str | None = None
    #: The middle of the quote at admission, where one was known.
    arrival_price: Decimal | None = None
    #: Part of ``filled_qty`` whose executions are inferred, not confirmed.
    provisional_qty: Decimal = ZERO
    #: Progress of the latest multi-step change, and since when.
    edit_replace_state: EditState | None = None
    edit_replace_at: datetime | None = None
    reconciled: bool = True
    version: int = 1
    created_at: datetime
    updated_at: datetime
    triggered_at: datetime | None = None
    submitted_at: datetime | None = None
    last_fill_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Return whether the order may still execute."""
        return self.state not in TERMINAL

    @property
    def remaining_qty(self) -> Decimal:
        """Return the quantity that may still execute; 0 when terminal."""
        if not self.is_open:
            return ZERO
        return max(subtract(self.qty, self.filled_qty), ZERO)

    @property
    def canceled_qty(self) -> Decimal:
        """Return the quantity that will never execute; 0 while open."""
        if self.is_open:
            return ZERO
        return max(subtract(self.qty, self.filled_qty), ZERO)

    @property
    def avg_fill_price(self) -> Decimal | None:
        """Return the average price of all fills at 18 places; ``None`` before the first."""
        if not self.filled_qty:
            return None
        return divide(self.fill_value, self.filled_qty)


_acknowledged = evolver(
    Order,
    *("state", "exchange_order_id", "edit_replace_state", "edit_replace_at"),
    *("submitted_at", "updated_at", "version"),
)
_advanced = evolver(
    Order,
    *("state", "qty", "price", "position_id", "previous_position_id", "filled_qty", "fill_value"),
    *("fees", "last_fill_at", "provisional_qty", "pending_change", "edit_replace_state"),
    *("edit_replace_at", "exchange_order_id", "reject_source", "reject_code", "reject_message"),
    *("cancel_reason", "submitted_at", "triggered_at", "closed_at", "updated_at", "version"),
)


def next_state(
    state: OrderState, kind: ReportKind, *, left: bool, filled: bool, code: str | None = None
) -> OrderState | None:
    """Return the state after a report of ``kind``, or ``None`` if the report is stale.

    ``left`` and ``filled``: whether, after the report, quantity remains and whether any was
    executed; ``code`` is the reject code of the order.
    """
    target = TRANSITIONS.get((state, kind))
    is_revivable = state is OrderState.REJECTED and code == "not_placed"
    if kind is ReportKind.ACCEPTED and state is OrderState.REJECTED and not is_revivable:
        return None
    if target is None or isinstance(target, OrderState):
        return target
    if not left:
        return OrderState.FILLED
    if not state.is_open and not is_revivable:
        return state
    return OrderState.PARTIALLY_FILLED if filled else OrderState.SUBMITTED


def advance_order(
    order: Order,
    report: ExecutionReport,
    *,
    position_id: int | None = None,
    previous_id: int | None = None,
) -> Order | None:
    """Return the order after ``report``, or ``None`` if the report is stale.

    ``position_id`` is where an execution was booked (0: nowhere; ``None`` keeps the order's),
    ``previous_id`` the position that one continues. Duplicate executions are not detected here but
    in the ledger, which has the deals.
    """
    kind, now = report.kind, report.received_at
    if kind is ReportKind.ACCEPTED and order.state is OrderState.PENDING_SUBMIT:
        return _acknowledge(order, report)
    if kind is ReportKind.REJECTED and _rejects_change(order, report):
        return evolve(order, pending_change=None, updated_at=now, version=order.version + 1)
    changed = kind is ReportKind.CHANGED
    is_answered = changed and not (report.edit and report.edit.is_in_progress)
    qty = report.qty if changed and report.qty is not None else order.qty
    price = report.price if changed and report.price is not None else order.price
    filled, fill_value, fees, provisional_qty = _fills_after(order, report)
    state = next_state(
        order.state, kind, left=qty > filled, filled=filled > 0, code=order.reject_code
    )
    if state is None:
        return None
    source, code, message = _rejection_after(order, report)
    cancel_reason = order.cancel_reason
    if kind is ReportKind.CANCELED:
        cancel_reason = report.code or cancel_reason
    after = _advanced(
        order,
        state=state,
        qty=qty,
        price=price,
        position_id=order.position_id if position_id is None else position_id,
        previous_position_id=previous_id if position_id else order.previous_position_id,
        filled_qty=filled,
        fill_value=fill_value,
        fees=fees,
        last_fill_at=_last_fill_at(order, report),
        provisional_qty=provisional_qty,
        pending_change=None if is_answered or not state.is_open else order.pending_change,
        edit_replace_state=report.edit or order.edit_replace_state,
        edit_replace_at=order.edit_replace_at if report.edit is None else now,
        exchange_order_id=order.exchange_order_id or report.exchange_order_id,
        reject_source=source,
        reject_code=code,
        reject_message=message,
        cancel_reason=cancel_reason,
        submitted_at=order.submitted_at or (now if kind in _ACKNOWLEDGES else None),
        triggered_at=now if kind is ReportKind.TRIGGERED else order.triggered_at,
        closed_at=None if state.is_open else order.closed_at or now,
        updated_at=now,
        version=order.version + 1,
    )
    terms = report.terms
    return evolve(after, **moved_fields(order.time_in_force, terms)) if terms else after


def _acknowledge(order: Order, report: ExecutionReport) -> Order:
    """Return the same as ``advance_order`` for the first acknowledgement, the most frequent report,
    without the fields that cannot have changed.
    """
    return _acknowledged(
        order,
        state=OrderState.SUBMITTED,
        exchange_order_id=order.exchange_order_id or report.exchange_order_id,
        edit_replace_state=report.edit or order.edit_replace_state,
        edit_replace_at=order.edit_replace_at if report.edit is None else report.received_at,
        submitted_at=order.submitted_at or report.received_at,
        updated_at=report.received_at,
        version=order.version + 1,
    )


def _rejects_change(order: Order, report: ExecutionReport) -> bool:
    """Return whether a rejection is about a pending change or cancel, not about the order.

    A cancel or change that reached the exchange before its order is rejected as
    ``order_not_found``.
    """
    if order.pending_change is None:
        return False
    return order.state in (_SUBMITTED, _PARTIAL) or report.code == "order_not_found"


def remove_provisional(order: Order, qty: Decimal, price: Decimal) -> Order:
    """Return the order without an inferred execution that actual ones are about to replace."""
    return evolve(
        order,
        filled_qty=subtract(order.filled_qty, qty),
        fill_value=subtract(order.fill_value, multiply(qty, price)),
        provisional_qty=subtract(order.provisional_qty, qty),
    )


def _fills_after(
    order: Order, report: ExecutionReport
) -> tuple[Decimal, Decimal, Mapping[str, Decimal], Decimal]:
    """Return filled quantity, its value, fees and inferred quantity after the report."""
    fill, provisional = report.execution, order.provisional_qty
    if fill is None:
        return order.filled_qty, order.fill_value, order.fees, provisional
    if fill.provisional:
        provisional = add(provisional, fill.qty)
    worth = multiply(fill.qty, fill.price)
    move = subtract if report.kind is ReportKind.BUSTED else add
    fees = order.fees
    if fill.fee is not None and fill.fee_currency is not None:
        total_fee = fees.get(fill.fee_currency, ZERO)
        fees = {**fees, fill.fee_currency: move(total_fee, fill.fee)}
    return move(order.filled_qty, fill.qty), move(order.fill_value, worth), fees, provisional


def _last_fill_at(order: Order, report: ExecutionReport) -> datetime | None:
    fill, last = report.execution, order.last_fill_at
    if fill is None or report.kind is ReportKind.BUSTED:
        return last
    return fill.executed_at if last is None else max(last, fill.executed_at)


def _rejection_after(
    order: Order, report: ExecutionReport
) -> tuple[str | None, str | None, str | None]:
    """Return source, code and message of a refusal or rejection, else the current ones."""
    match report.kind:
        case ReportKind.REFUSED:
            return "oms", report.code, report.message
        case ReportKind.REJECTED:
            return "exchange", report.code, report.message
        case ReportKind.NOT_PLACED:
            return "exchange", "not_placed", report.message
        case _:
            return order.reject_source, order.reject_code, order.reject_message
