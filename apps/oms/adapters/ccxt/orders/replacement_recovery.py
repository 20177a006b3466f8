"""Restart in the middle of an amendment by replacement: continues from its attempts.

The remaining quantity is placed only if there is no attempt for it yet; an attempt is looked up.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder, mark_ended
from oms.adapters.ccxt.orders.order_queues import PerOrderQueue
from oms.adapters.ccxt.orders.order_request import (
    CANCEL,
    CHANGE,
    PLACE,
    AmendMode,
    OrderRequest,
    decode_amend_mode,
    decode_terms,
    decode_trigger_price,
)
from oms.adapters.ccxt.orders.replacement_reports import CREATE_FAILED
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.sync.report_builder import build_rejection, build_report
from oms.domain.orders.execution_report import EditState, ReportKind, ReportSource
from oms.domain.value import evolve
from oms.ports.exchange import AttemptRow

_UNRESOLVED = (None, "unknown")


def is_replacement(row: AttemptRow) -> bool:
    """Returns whether the request replaced the order."""
    if row.kind == PLACE:
        return row.attempt > 1
    return (
        row.kind == CHANGE
        and decode_amend_mode(row) is AmendMode.REPLACE
        and row.outcome == "acked"
    )


def resume_replacements(
    orders: OrderCache,
    rows: Sequence[AttemptRow],
    report_buffer: ReportBuffer,
    queues: PerOrderQueue,
    now: datetime,
) -> set[int]:
    """Resume all replacements that were under way; returns their orders."""
    pending: Mapping[int, AttemptRow] = {
        row.order_id: row
        for row in rows
        if row.kind == CHANGE
        and decode_amend_mode(row) is not AmendMode.NATIVE
        and row.outcome in _UNRESOLVED
    }
    for order_id, row in pending.items():
        later = [each for each in rows if each.order_id == order_id and each.attempt > row.attempt]
        tracked = orders.by_order_id(order_id)
        if tracked is not None:
            _resume(tracked, row, later, report_buffer, queues, now)
    return set(pending)


def _resume(
    tracked: TrackedOrder,
    row: AttemptRow,
    later: Sequence[AttemptRow],
    report_buffer: ReportBuffer,
    queues: PerOrderQueue,
    now: datetime,
) -> None:
    qty, price = decode_terms(row)
    request = OrderRequest(
        kind=CHANGE,
        tracked=tracked,
        row=row,
        deadline=row.may_send_until,
        qty=qty,
        price=price,
        trigger_price=decode_trigger_price(row),
        amend_mode=decode_amend_mode(row),
        is_resumed=True,
    )
    created = [each.outcome for each in later if each.kind == PLACE]
    if not created or created[-1] in _UNRESOLVED:
        queues.enqueue(request)
    elif created[-1] == "acked":
        tracked.answer_count += 1
        kind, whole = ReportKind.CHANGED, tracked.total_qty
        report = build_report(
            tracked,
            kind,
            ReportSource.RECONCILE,
            now,
            qty=whole,
            price=tracked.price,
            trigger_price=request.trigger_price,
            edit=EditState.DONE,
        )
        report_buffer.put([report], [evolve(row, acked_at=now, outcome="acked")])
    else:
        message = "the order was canceled and not placed again"
        reports = build_rejection(request, CREATE_FAILED, message, ReportSource.RECONCILE, now)
        mark_ended(tracked, now)
        reports.append(
            build_report(
                tracked,
                ReportKind.CANCELED,
                ReportSource.RECONCILE,
                now,
                edit=EditState.CREATE_FAILED,
            )
        )
        report_buffer.put(reports, [evolve(row, outcome="rejected", code=CREATE_FAILED)])
    for each in later:
        if each.kind == CANCEL and each.outcome in (*_UNRESOLVED, "acked"):
            queues.enqueue(
                OrderRequest(kind=CANCEL, tracked=tracked, row=each, deadline=each.may_send_until)
            )
