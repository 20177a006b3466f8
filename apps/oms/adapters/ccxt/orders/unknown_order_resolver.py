"""Looks up unknown outcomes until they are known, and confirms acknowledged requests.

An order counts as never placed when the time in which its request could be executed is over and two
complete searches, some time apart, found nothing. An order whose filled quantity proves executions
that were not listed is looked up until they are, also after its end. Nothing is sent here but
repeated cancels, and orders that were not placed where the account allows it.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count

from oms.adapters.ccxt.client.request_errors import ReadFailed, Rejected
from oms.adapters.ccxt.exchange_tasks import ExchangeTasks
from oms.adapters.ccxt.orders.order_cache import TrackedOrder, mark_ended
from oms.adapters.ccxt.orders.order_queues import PerOrderQueue
from oms.adapters.ccxt.orders.order_request import OrderRequest
from oms.adapters.ccxt.orders.request_journal import RequestJournal
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.sync.order_lookup import OrderAbsent, OrderFound, OrderLookup
from oms.adapters.ccxt.sync.report_builder import ReportBuilder, build_rejection, build_report
from oms.adapters.ccxt.timings import Timings
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource

_log = logging.getLogger("oms.ccxt")
_STATUS_ATTEMPTS_MAX = 3
#: Order, kind, attempt: the next amendment of an order is another query.
_Key = tuple[int, "QueryKind", int]


class QueryKind(StrEnum):
    """What is looked up about an order."""

    #: Whether it was placed.
    PLACE = "place"
    #: Whether it has its new terms.
    CHANGE = "change"
    #: Whether it is canceled.
    CANCEL = "cancel"
    #: Its status: a list does not contain it any more.
    STATUS = "status"


@dataclass(slots=True, kw_only=True, eq=False)
class PendingQuery:
    """One question to resolve; ``since`` is when its request was sent, or could have been."""

    tracked: TrackedOrder
    kind: QueryKind
    since: datetime
    is_acked: bool = False
    request: OrderRequest | None = None
    #: The exchange's rejection, whose meaning depends on the order's status.
    refusal: Rejected | None = None
    expedite: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    #: The first lookup after the execution window that found nothing.
    first_absent_at: datetime | None = None
    #: The order was found, and executions that it had were not.
    lacks_executions: bool = False


class UnknownOrderResolver:
    """The pending queries of one account, one task each."""

    def __init__(
        self,
        *,
        lookup: OrderLookup,
        report_builder: ReportBuilder,
        report_buffer: ReportBuffer,
        clock: Callable[[], datetime],
        timings: Timings,
        window: Callable[[], float],
        tasks: ExchangeTasks,
        queues: PerOrderQueue,
        journal: RequestJournal,
    ) -> None:
        self._lookup = lookup
        self._report_builder = report_builder
        self._report_buffer = report_buffer
        self._clock = clock
        self._timings = timings
        self._window = window
        self._tasks = tasks
        self._queues = queues
        self._journal = journal
        self._pending: dict[_Key, PendingQuery] = {}

    def start(self, query: PendingQuery) -> None:
        """Look up until resolved; a query that is pending already is expedited."""
        key = _key(query)
        if key in self._pending:
            self._pending[key].expedite.set()
            return
        self._pending[key] = query
        self._tasks.start(self._run(key, query))

    def follow(self, found: OrderFound) -> None:
        """Look up the executions that the order proves, until they are reported or inferred."""
        now = self._clock()
        tracked = None if found.order is None else self._report_builder.track(found.order, now)
        if tracked is not None and self._lacks_executions(found, tracked):
            query = PendingQuery(tracked=tracked, kind=QueryKind.STATUS, since=now)
            query.lacks_executions = True
            self.start(query)

    def is_pending(self, tracked: TrackedOrder) -> bool:
        """Whether anything is pending about the order."""
        name = tracked.order_id or id(tracked)
        return any(name == order for order, _, _ in self._pending)

    def is_idle(self) -> bool:
        """Whether nothing is pending."""
        return not self._pending

    async def wait_resolved(self, tracked: TrackedOrder) -> None:
        """Wait until it is known whether the order was placed; expedites the lookup."""
        query = self._pending.get((tracked.order_id, QueryKind.PLACE, 0))
        if query is None:
            tracked.is_in_doubt = False
            return
        query.expedite.set()
        await query.done.wait()

    async def _run(self, key: _Key, query: PendingQuery) -> None:
        try:
            for number in count():
                await self._wait(query, number)
                if await self._query_once(query, number):
                    return
        finally:
            del self._pending[key]
            query.done.set()

    async def _wait(self, query: PendingQuery, number: int) -> None:
        """Until the next lookup; less when expedited, or when the execution window ends."""
        timings, now = self._timings, self._clock()
        times = timings.confirm_delays_seconds if query.is_acked else timings.lookup_delays_seconds
        if query.lacks_executions:
            times = timings.lookup_delays_seconds
        elif query.kind is QueryKind.STATUS:
            times = (0.0, *timings.confirm_delays_seconds)
        before = times[number - 1] if 0 < number <= len(times) else 0.0
        pause = times[number] - before if number < len(times) else timings.lookup_interval_seconds
        if query.first_absent_at is not None:
            pause = min(pause, timings.absence_interval_seconds)
        else:
            window_end = query.since + timedelta(seconds=self._window())
            if window_end > now:
                pause = min(pause, (window_end - now).total_seconds() + 0.01)
        try:
            async with asyncio.timeout(pause):
                await query.expedite.wait()
        except TimeoutError:
            return
        query.expedite.clear()

    async def _query_once(self, query: PendingQuery, number: int) -> bool:
        """Looks up once; returns whether the query is resolved."""
        tracked = query.tracked
        try:
            found = await self._lookup.find(
                tracked, prove_absence=self._may_conclude_absence(query)
            )
        except ReadFailed as failed:
            _log.warning("order %d cannot be looked up: %s", tracked.order_id, failed.message)
            is_last = query.kind is QueryKind.STATUS and number + 1 >= _STATUS_ATTEMPTS_MAX
            return self._is_followed_for_long(query) if query.lacks_executions else is_last
        now = self._clock()
        if isinstance(found, OrderAbsent):
            return self._handle_absence(query, found, now)
        query.first_absent_at, tracked.missing_checked_at = None, None
        return self._handle_found(query, found, now)

    def _handle_found(self, query: PendingQuery, found: OrderFound, now: datetime) -> bool:
        tracked, request = query.tracked, query.request
        after = timedelta(seconds=self._timings.infer_fills_after_seconds)
        reports, fees = self._report_builder.from_lookup(found.order, found.trades, now, after)
        is_resolved = tracked.is_ended or query.kind in (QueryKind.PLACE, QueryKind.STATUS)
        if request is not None and query.kind in (QueryKind.CHANGE, QueryKind.CANCEL):
            decision = self._decide(query, request, now)
            is_resolved = is_resolved or decision is not None
            reports += decision or []
        self._report_buffer.put(reports, [], fees)
        lacks_executions = self._lacks_executions(found, tracked)
        if query.kind is QueryKind.STATUS:
            query.lacks_executions = lacks_executions
            return not lacks_executions or self._is_followed_for_long(query)
        if is_resolved and lacks_executions:
            self.follow(found)
        return is_resolved

    def _lacks_executions(self, found: OrderFound, tracked: TrackedOrder) -> bool:
        snapshot = found.order
        return snapshot is not None and self._report_builder.missing_qty(snapshot, tracked) > 0

    def _is_followed_for_long(self, query: PendingQuery) -> bool:
        """Whether only reconcile passes look for its executions from now on."""
        seconds = timedelta(seconds=self._timings.follow_fills_seconds)
        if self._clock() < query.since + seconds:
            return False
        _log.warning("executions of order %d are not listed", query.tracked.order_id)
        return True

    def _decide(
        self, query: PendingQuery, request: OrderRequest, now: datetime
    ) -> list[ExecutionReport] | None:
        """Returns the reports that the order's status allows; ``None``: undecided."""
        tracked, source = request.tracked, ReportSource.RECONCILE
        if tracked.is_ended:
            if query.kind is QueryKind.CANCEL:
                return []
            return build_rejection(request, "too_late", "the order has ended", source, now)
        if query.kind is QueryKind.CHANGE and _has_requested_terms(tracked, request):
            if tracked.answer_count != request.answer_count:
                return []
            tracked.answer_count += 1
            kind, qty, price = ReportKind.CHANGED, tracked.total_qty, tracked.price
            trigger_price = request.trigger_price
            return [
                build_report(
                    tracked, kind, source, now, qty=qty, price=price, trigger_price=trigger_price
                )
            ]
        may_repeat = query.kind is QueryKind.CANCEL and now < request.deadline
        has_other_id = request.target_order_id not in (None, tracked.current_order_id)
        if may_repeat and (has_other_id or not query.is_acked):
            self._queues.enqueue(request)
            return []
        if query.refusal is not None and query.kind is QueryKind.CHANGE:
            return build_rejection(request, query.refusal.code, query.refusal.message, source, now)
        if self._is_past_window(query, now):
            message = f"the {request.kind} was not executed: the order is unchanged"
            return build_rejection(request, "exchange_rejected", message, source, now)
        return None

    def _handle_absence(self, query: PendingQuery, absent: OrderAbsent, now: datetime) -> bool:
        tracked = query.tracked
        if query.kind is QueryKind.STATUS:
            tracked.missing_checked_at = now
            return not query.lacks_executions or self._is_followed_for_long(query)
        if not absent.is_complete or not self._is_past_window(query, now):
            return False
        query.first_absent_at = query.first_absent_at or now
        interval = timedelta(seconds=self._timings.absence_interval_seconds)
        if now - query.first_absent_at < interval:
            return False
        if query.kind is QueryKind.PLACE:
            if query.request is None or not self._journal.resend(query.request, now):
                self._report_buffer.put([self._not_placed_report(tracked, now)])
        elif query.request is not None:
            message = "the exchange does not list the order"
            reports = build_rejection(
                query.request, "order_not_found", message, ReportSource.RECONCILE, now
            )
            self._report_buffer.put(reports)
        return True

    def _not_placed_report(self, tracked: TrackedOrder, now: datetime) -> ExecutionReport:
        mark_ended(tracked, now)
        tracked.is_declared_absent = True
        message = "the exchange has no such order"
        return build_report(
            tracked, ReportKind.NOT_PLACED, ReportSource.RECONCILE, now, message=message
        )

    def _may_conclude_absence(self, query: PendingQuery) -> bool:
        """Whether it would prove anything that no list contains the order."""
        is_placing = query.kind is QueryKind.PLACE
        return not is_placing or self._is_past_window(query, self._clock())

    def _is_past_window(self, query: PendingQuery, now: datetime) -> bool:
        return now >= query.since + timedelta(seconds=self._window())


def _key(query: PendingQuery) -> _Key:
    tracked, kind, request = query.tracked, query.kind, query.request
    attempt = 0 if kind is QueryKind.PLACE or request is None else request.row.attempt
    return tracked.order_id or id(tracked), kind, attempt


def _has_requested_terms(tracked: TrackedOrder, request: OrderRequest) -> bool:
    return (
        request.qty in (None, tracked.total_qty)
        and request.price in (None, tracked.price)
        and request.trigger_price in (None, tracked.trigger_price)
    )
