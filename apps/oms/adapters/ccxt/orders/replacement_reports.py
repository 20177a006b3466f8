"""Reports and attempt rows of amendments by replacement."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from oms.adapters.ccxt.client.request_errors import OutcomeUnknown
from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder, mark_ended
from oms.adapters.ccxt.orders.order_request import AmendMode, OrderRequest
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.sync.order_lookup import OrderAbsent, OrderFound
from oms.adapters.ccxt.sync.report_builder import ReportBuilder, build_rejection, build_report
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.venues.order_status import VenueOrderStatus
from oms.domain.money import add
from oms.domain.orders.execution_report import EditState, ReportKind, ReportSource
from oms.domain.value import evolve

logger = logging.getLogger("oms.ccxt")
CREATE_FAILED = "create_failed"
_ENDED = (
    VenueOrderStatus.FILLED,
    VenueOrderStatus.CANCELED,
    VenueOrderStatus.EXPIRED,
    VenueOrderStatus.REJECTED,
)


class ReplacementReporter:
    """For one account; nothing is queried or sent here."""

    def __init__(
        self,
        *,
        orders: OrderCache,
        report_builder: ReportBuilder,
        report_buffer: ReportBuffer,
        clock: Callable[[], datetime],
        timings: Timings,
    ) -> None:
        self._orders = orders
        self._report_builder = report_builder
        self._report_buffer = report_buffer
        self._clock = clock
        self._timings = timings

    def report_step(self, request: OrderRequest, edit: EditState) -> None:
        """Report the next step of the amendment."""
        kind, now = ReportKind.CHANGED, self._clock()
        self._report_buffer.put(
            [build_report(request.tracked, kind, ReportSource.REPLY, now, edit=edit)], [request.row]
        )

    def report_done(self, request: OrderRequest) -> None:
        """Report that the successor is open with the requested terms."""
        now, tracked = self._clock(), request.tracked
        new = self._orders.promote(tracked, now)
        new.answer_count += 1
        qty, price = new.total_qty, new.price
        report = build_report(
            new,
            ReportKind.CHANGED,
            ReportSource.REPLY,
            now,
            qty=qty,
            price=price,
            trigger_price=request.trigger_price,
            edit=EditState.DONE,
        )
        replaced = (
            {"exchange_order_id": new.exchange_order_id}
            if request.amend_mode is AmendMode.REPLACE
            else {}
        )
        request.row = evolve(request.row, acked_at=now, outcome="acked", **replaced)
        self._report_buffer.put([report], [request.row])

    def report_failed(
        self,
        request: OrderRequest,
        found: OrderFound | None,
        why: str,
        *,
        code: str = CREATE_FAILED,
    ) -> None:
        """Report that the order ended without a successor: what was left is canceled."""
        now, tracked = self._clock(), request.tracked
        if code == CREATE_FAILED:
            logger.error("order_create_failed order_id=%d why=%s", tracked.order_id, why)
        reports = build_rejection(request, code, why, ReportSource.REPLY, now)
        tracked.is_replacing = False
        if found is not None:
            reports += self._report_builder.from_found(found.order, found.trades, now)
        if not tracked.is_ended:
            mark_ended(tracked, now)
            edit = EditState.CREATE_FAILED if code == CREATE_FAILED else None
            reports.append(
                build_report(tracked, ReportKind.CANCELED, ReportSource.RECONCILE, now, edit=edit)
            )
        request.row = evolve(request.row, acked_at=now, outcome="rejected", code=code)
        self._report_buffer.put(reports, [request.row])

    def reject(
        self,
        request: OrderRequest,
        code: str,
        message: str,
        found: OrderFound | OrderAbsent | None = None,
        *,
        outcome: str = "rejected",
    ) -> None:
        """Report that the order stays open as it was."""
        now = self._clock()
        reports = build_rejection(request, code, message, ReportSource.REPLY, now)
        if isinstance(found, OrderFound):
            reports += self._report_builder.from_found(found.order, found.trades, now)
        request.row = evolve(request.row, outcome=outcome, code=code)
        self._report_buffer.put(reports, [request.row])

    def report_unknown(self, request: OrderRequest, error: OutcomeUnknown) -> None:
        kind, now = ReportKind.UNKNOWN, self._clock()
        report = build_report(
            request.tracked, kind, ReportSource.REPLY, now, code=error.code, message=error.message
        )
        self._report_buffer.put([report])

    def close(
        self, request: OrderRequest, outcome: str, code: str | None, **more: str | None
    ) -> None:
        now = self._clock()
        request.row = evolve(request.row, acked_at=now, outcome=outcome, code=code, **more)
        self._report_buffer.put([], [request.row])

    def save(self, request: OrderRequest, **changes: object) -> None:
        request.row = evolve(request.row, **changes)
        self._report_buffer.put([], [request.row])

    def report_found(self, tracked: TrackedOrder, found: OrderFound) -> None:
        self._report_buffer.put(
            self._report_builder.from_found(found.order, found.trades, self._clock())
        )

    def infer_fills(self, tracked: TrackedOrder, found: OrderFound) -> None:
        """Report found executions of an order, and infer those that are missing for long."""
        assert found.order is not None, "an ended order was found"
        after = timedelta(seconds=self._timings.infer_fills_after_seconds)
        reports, fees = self._report_builder.from_lookup(
            found.order, found.trades, self._clock(), after
        )
        self._report_buffer.put(reports, [], fees)


def are_fills_reported(tracked: TrackedOrder, found: OrderFound) -> bool:
    """Whether the order has ended and all its executions were found."""
    snapshot = found.order
    if snapshot is None or not is_ended(snapshot):
        return False
    queried = {each.execution.exchange_trade_id: each.execution.qty for each in found.trades}
    reported = add(tracked.filled, tracked.inferred)
    for name, qty in queried.items():
        reported = reported if name in tracked.trade_ids else add(reported, qty)
    return reported >= snapshot.filled


def is_ended(snapshot: OrderSnapshot | None) -> bool:
    """Whether the order has ended at the exchange."""
    return snapshot is not None and snapshot.status in _ENDED
