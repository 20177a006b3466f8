"""Restart: resumes what the ledger and the stored attempts say was under way.

An attempt without an outcome was perhaps sent: it is reported as unknown and looked up, never sent
again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder, mark_ended
from oms.adapters.ccxt.orders.order_queues import PerOrderQueue
from oms.adapters.ccxt.orders.order_request import (
    CANCEL,
    CHANGE,
    PLACE,
    REVOKED,
    OrderRequest,
    build_successor,
    decode_filled_before,
    decode_params,
    decode_terms,
    decode_trigger_price,
    track_order,
)
from oms.adapters.ccxt.orders.replacement_recovery import is_replacement, resume_replacements
from oms.adapters.ccxt.orders.unknown_order_resolver import (
    PendingQuery,
    QueryKind,
    UnknownOrderResolver,
)
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.sync.report_builder import build_rejection, build_report, mark_accepted
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.money import subtract
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order, OrderState
from oms.domain.value import evolve
from oms.ports.exchange import AttemptRow

_QUERY_KINDS = {PLACE: QueryKind.PLACE, CHANGE: QueryKind.CHANGE, CANCEL: QueryKind.CANCEL}


def restore_orders(
    orders: OrderCache,
    open_orders: Sequence[Order],
    rows: Sequence[AttemptRow],
    profile: VenueProfile,
) -> None:
    """Track the open orders and all their ids."""
    for order in open_orders:
        orders.add(track_order(order, profile))
    for row in rows:
        tracked = orders.by_order_id(row.order_id)
        if tracked is None:
            continue
        tracked.attempts = max(tracked.attempts, row.attempt)
        if row.kind == PLACE and row.attempt == 1:
            tracked.client_id, tracked.params = row.client_id, decode_params(row)
        elif is_replacement(row):
            _restore_replacement(orders, tracked, row)
            continue
        if row.exchange_order_id is not None:
            orders.link(tracked, row.exchange_order_id)
        if row.kind == CHANGE and row.outcome in (None, "unknown", "acked"):
            moved = decode_trigger_price(row) not in (None, tracked.trigger_price)
            tracked.is_changing = moved or decode_terms(row) != (tracked.qty, tracked.price)


def _restore_replacement(orders: OrderCache, tracked: TrackedOrder, row: AttemptRow) -> None:
    """Track the successor that a stored request placed, as far as it did."""
    qty, price = decode_terms(row)
    before = decode_filled_before(row)
    if row.kind == CHANGE:
        qty = subtract(qty, before)
    if row.outcome not in (None, "unknown", "acked"):
        return
    new = build_successor(tracked, row.client_id, qty, price, before, decode_trigger_price(row))
    tracked.successor = new
    if row.exchange_order_id is not None:
        orders.link(new, row.exchange_order_id)
        orders.promote(tracked, row.created_at)


def resume_requests(
    orders: OrderCache,
    open_orders: Sequence[Order],
    rows: Sequence[AttemptRow],
    report_buffer: ReportBuffer,
    resolver: UnknownOrderResolver,
    queues: PerOrderQueue,
    now: datetime,
) -> None:
    """Report what the stored attempts prove, and look up the rest."""
    report_buffer.put(_unsent_reports(orders, open_orders, rows, now))
    resumed = resume_replacements(orders, rows, report_buffer, queues, now)
    # Whether the order was placed is looked up first; an amendment of it waits for the result.
    rows = [row for row in rows if row.order_id not in resumed or _is_unresolved_placement(row)]
    pending = {order.id: order.pending_change for order in open_orders}
    last: Mapping[int, AttemptRow] = {row.order_id: row for row in rows}
    for row in rows:
        tracked = orders.by_order_id(row.order_id)
        if tracked is None:
            continue
        request = _to_request(tracked, row)
        is_pending = pending.get(row.order_id) is not None and last[row.order_id] is row
        if row.kind == PLACE and tracked.is_accepted:
            continue
        if row.kind != PLACE and not is_pending:
            continue
        reports, changed = _row_reports(request, now)
        report_buffer.put(reports, changed)
        if row.outcome in (None, "unknown") or (row.outcome == "acked" and row.kind != PLACE):
            if row.kind == PLACE:
                tracked.is_in_doubt = True
            query = PendingQuery(
                tracked=tracked,
                kind=_QUERY_KINDS[row.kind],
                # Not from this start on: with frequent restarts it would never be known.
                since=row.sent_at or row.may_send_until,
                is_acked=row.outcome == "acked",
                request=None if row.kind == PLACE else request,
            )
            resolver.start(query)


def _is_unresolved_placement(row: AttemptRow) -> bool:
    return row.kind == PLACE and row.attempt == 1 and row.outcome in (None, "unknown")


def _unsent_reports(
    orders: OrderCache, open_orders: Sequence[Order], rows: Sequence[AttemptRow], now: datetime
) -> list[ExecutionReport]:
    """Orders stored without a request: nothing is sent that is not stored before."""
    requested_ids = {row.order_id for row in rows if row.kind == PLACE}
    reports = []
    for order in open_orders:
        tracked = orders.by_order_id(order.id)
        if order.state is OrderState.PENDING_SUBMIT and order.id not in requested_ids and tracked:
            mark_ended(tracked, now)
            code, message = "expired_before_send", "the gateway stopped before it was sent"
            kind, source = ReportKind.REJECTED, ReportSource.RECONCILE
            reports.append(build_report(tracked, kind, source, now, code=code, message=message))
    return reports


def _row_reports(
    request: OrderRequest, now: datetime
) -> tuple[list[ExecutionReport], list[AttemptRow]]:
    """The reports and changed rows that follow from the row alone."""
    tracked, row, source = request.tracked, request.row, ReportSource.RECONCILE
    match row.outcome:
        case None:
            row = evolve(row, outcome="unknown", code="restart")
            return [
                build_report(tracked, ReportKind.UNKNOWN, source, now, code="outcome_unknown")
            ], [row]
        case "rejected" | "not_sent":
            if request.kind == PLACE:
                mark_ended(tracked, now)
                if row.code == REVOKED:
                    return [build_report(tracked, ReportKind.CANCELED, source, now)], []
            code = row.code or "exchange_rejected"
            return build_rejection(request, code, code, source, now), []
        case "acked" if request.kind == PLACE:
            mark_accepted(tracked, now)
            return [build_report(tracked, ReportKind.ACCEPTED, source, now)], []
        case _:
            return [], []


def _to_request(tracked: TrackedOrder, row: AttemptRow) -> OrderRequest:
    qty, price = (None, None) if row.kind != CHANGE else decode_terms(row)
    return OrderRequest(
        kind=row.kind,
        tracked=tracked,
        row=row,
        deadline=row.may_send_until,
        qty=qty,
        price=price,
        trigger_price=None if row.kind != CHANGE else decode_trigger_price(row),
    )
