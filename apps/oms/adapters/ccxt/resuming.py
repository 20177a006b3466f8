"""A restart: what the ledger and the stored attempts say was under way when the last run ended.

An attempt without an outcome was perhaps sent. It is said so, and looked up; it is not sent again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.adapters.ccxt.inbox import Inbox
from oms.adapters.ccxt.known import Known, KnownOrders, ended
from oms.adapters.ccxt.lanes import Lanes
from oms.adapters.ccxt.looking_up import Doubt, LookingUp, Question
from oms.adapters.ccxt.resuming_anew import is_anew, resume_replacing
from oms.adapters.ccxt.rules import VenueRules
from oms.adapters.ccxt.telling import about, accept, refused
from oms.adapters.ccxt.wishes import (
    CANCEL,
    CHANGE,
    PLACE,
    REVOKED,
    Wish,
    before_of_row,
    known_of_order,
    params_of_row,
    successor_of,
    terms_of_row,
)
from oms.domain.money import difference
from oms.domain.order import Order, OrderState
from oms.domain.report import Heard, Report, ReportKind
from oms.domain.value import evolve
from oms.ports.exchange import AttemptRow

_DOUBTS = {PLACE: Doubt.PLACE, CHANGE: Doubt.CHANGE, CANCEL: Doubt.CANCEL}


def remembered(
    orders: KnownOrders,
    open_orders: Sequence[Order],
    rows: Sequence[AttemptRow],
    rules: VenueRules,
) -> None:
    """Know the open orders and all their names."""
    for order in open_orders:
        orders.add(known_of_order(order, rules))
    for row in rows:
        known = orders.own(row.order_id)
        if known is None:
            continue
        known.attempts = max(known.attempts, row.attempt)
        if row.kind == PLACE and row.attempt == 1:
            known.client_id, known.params = row.client_id, params_of_row(row)
        elif is_anew(row):
            _placed_anew(orders, known, row)
            continue
        if row.exchange_order_id is not None:
            orders.link(known, row.exchange_order_id)
        if row.kind == CHANGE and row.outcome in (None, "unknown", "acked"):
            known.is_changing = terms_of_row(row) != (known.qty, known.price)


def _placed_anew(orders: KnownOrders, known: Known, row: AttemptRow) -> None:
    """Know what a stored request put in the place of the order, as far as it did."""
    qty, price = terms_of_row(row)
    before = before_of_row(row)
    if row.kind == CHANGE:
        qty = difference(qty, before)
    if row.outcome not in (None, "unknown", "acked"):
        return
    new = successor_of(known, row.client_id, qty, price, before)
    known.successor = new
    if row.exchange_order_id is not None:
        orders.link(new, row.exchange_order_id)
        orders.promote(known, row.created_at)


def resume(
    orders: KnownOrders,
    open_orders: Sequence[Order],
    rows: Sequence[AttemptRow],
    inbox: Inbox,
    looking_up: LookingUp,
    lanes: Lanes,
    now: datetime,
) -> None:
    """Tell what is known of the attempts, and look up the rest."""
    inbox.put(_never_sent(orders, open_orders, rows, now))
    resumed = resume_replacing(orders, rows, inbox, lanes, now)
    # Whether the order was placed at all is asked first; a change of it waits for the answer.
    rows = [row for row in rows if row.order_id not in resumed or _is_first_in_doubt(row)]
    pending = {order.id: order.pending_change for order in open_orders}
    last: Mapping[int, AttemptRow] = {row.order_id: row for row in rows}
    for row in rows:
        known = orders.own(row.order_id)
        if known is None:
            continue
        wish = _wish(known, row)
        is_wished = pending.get(row.order_id) is not None and last[row.order_id] is row
        if row.kind == PLACE and known.is_accepted:
            continue
        if row.kind != PLACE and not is_wished:
            continue
        reports, changed = _told(wish, now)
        inbox.put(reports, changed)
        if row.outcome in (None, "unknown") or (row.outcome == "acked" and row.kind != PLACE):
            if row.kind == PLACE:
                known.is_in_doubt = True
            question = Question(
                known=known,
                kind=_DOUBTS[row.kind],
                # Never from this start on: who restarts often would never know.
                since=row.sent_at or row.may_send_until,
                is_acked=row.outcome == "acked",
                wish=None if row.kind == PLACE else wish,
            )
            looking_up.begin(question)


def _is_first_in_doubt(row: AttemptRow) -> bool:
    return row.kind == PLACE and row.attempt == 1 and row.outcome in (None, "unknown")


def _never_sent(
    orders: KnownOrders, open_orders: Sequence[Order], rows: Sequence[AttemptRow], now: datetime
) -> list[Report]:
    """Orders that were stored without a request: nothing leaves that is not stored before."""
    named = {row.order_id for row in rows if row.kind == PLACE}
    reports = []
    for order in open_orders:
        known = orders.own(order.id)
        if order.state is OrderState.PENDING_SUBMIT and order.id not in named and known:
            ended(known, now)
            code, message = "expired_before_send", "the gateway stopped before it was sent"
            kind, heard = ReportKind.REJECTED, Heard.RECONCILE
            reports.append(about(known, kind, heard, now, code=code, message=message))
    return reports


def _told(wish: Wish, now: datetime) -> tuple[list[Report], list[AttemptRow]]:
    """What the row alone says."""
    known, row, heard = wish.known, wish.row, Heard.RECONCILE
    match row.outcome:
        case None:
            row = evolve(row, outcome="unknown", code="restart")
            return [about(known, ReportKind.UNKNOWN, heard, now, code="outcome_unknown")], [row]
        case "rejected" | "not_sent":
            if wish.kind == PLACE:
                ended(known, now)
                if row.code == REVOKED:
                    return [about(known, ReportKind.CANCELED, heard, now)], []
            code = row.code or "exchange_rejected"
            return refused(wish, code, code, heard, now), []
        case "acked" if wish.kind == PLACE:
            accept(known, now)
            return [about(known, ReportKind.ACCEPTED, heard, now)], []
        case _:
            return [], []


def _wish(known: Known, row: AttemptRow) -> Wish:
    qty, price = (None, None) if row.kind != CHANGE else terms_of_row(row)
    return Wish(
        kind=row.kind, known=known, row=row, deadline=row.may_send_until, qty=qty, price=price
    )
