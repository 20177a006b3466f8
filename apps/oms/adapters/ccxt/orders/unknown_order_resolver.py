"""What is in doubt is looked up until it is known, and what was acknowledged until it is seen.

An order counts as never placed when the time in which its request could be carried out is over and
two complete searches, some time apart, found nothing. Nothing is sent here but cancels again, and
what was not placed where the account wishes that.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count

from oms.adapters.ccxt.background_tasks import BackgroundTasks
from oms.adapters.ccxt.client.request_errors import ReadFailed, Rejected
from oms.adapters.ccxt.orders.order_cache import TrackedOrder, mark_ended
from oms.adapters.ccxt.orders.order_requests import OrderRequest
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.sync.order_lookup import OrderAbsent, OrderFound, OrderLookup
from oms.adapters.ccxt.sync.report_builder import ReportBuilder, build_rejection, build_report
from oms.adapters.ccxt.timings import Timings
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource

_log = logging.getLogger("oms.ccxt")
_SEEN_TRIES = 3
#: Order, kind, attempt: the next change of an order is another question than the one before.
_Key = tuple[int, "QueryKind", int]


class QueryKind(StrEnum):
    """What is asked of an order."""

    #: Whether it was placed.
    PLACE = "place"
    #: Whether it has its new terms.
    CHANGE = "change"
    #: Whether it is canceled.
    CANCEL = "cancel"
    #: What became of it: a list does not show it any more.
    SEEN = "seen"


@dataclass(slots=True, kw_only=True, eq=False)
class PendingQuery:
    """One thing to find out; ``since`` is when its request left, or could have."""

    tracked: TrackedOrder
    kind: QueryKind
    since: datetime
    is_acked: bool = False
    request: OrderRequest | None = None
    #: The exchange's refusal that has to be understood.
    refusal: Rejected | None = None
    expedite: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    #: When nothing was found first, the time for it being over.
    first_absent_at: datetime | None = None


class UnknownOrderResolver:
    """Asks about orders of one account, one task a question."""

    def __init__(
        self,
        *,
        lookup: OrderLookup,
        report_builder: ReportBuilder,
        report_buffer: ReportBuffer,
        clock: Callable[[], datetime],
        timings: Timings,
        window: Callable[[], float],
        tasks: BackgroundTasks,
        again: Callable[[OrderRequest], None],
        resend: Callable[[OrderRequest], bool],
    ) -> None:
        self._lookup = lookup
        self._report_builder = report_builder
        self._report_buffer = report_buffer
        self._clock = clock
        self._timings = timings
        self._window = window
        self._background_tasks = tasks
        #: Sends a cancel once more.
        self._again = again
        #: Sends what was not placed once more; ``False`` where that is not done.
        self._resend = resend
        self._open: dict[_Key, PendingQuery] = {}

    def begin(self, question: PendingQuery) -> None:
        """Ask until it is known; a question that is open already is not asked twice."""
        key = _key(question)
        if key in self._open:
            self._open[key].expedite.set()
            return
        self._open[key] = question
        self._background_tasks.begin(self._ask(key, question))

    def is_pending(self, tracked: TrackedOrder) -> bool:
        """Whether anything is being asked about the order."""
        name = tracked.order_id or id(tracked)
        return any(name == order for order, _, _ in self._open)

    def is_idle(self) -> bool:
        """Whether nothing is asked."""
        return not self._open

    async def wait_resolved(self, tracked: TrackedOrder) -> None:
        """Wait until it is known whether the order was placed; asks at once."""
        question = self._open.get((tracked.order_id, QueryKind.PLACE, 0))
        if question is None:
            tracked.is_in_doubt = False
            return
        question.expedite.set()
        await question.over.wait()

    async def _ask(self, key: _Key, question: PendingQuery) -> None:
        try:
            for number in count():
                await self._wait(question, number)
                if await self._is_known(question, number):
                    return
        finally:
            del self._open[key]
            question.over.set()

    async def _wait(self, question: PendingQuery, number: int) -> None:
        """Until the next look; sooner when somebody is in a hurry or a verdict is due."""
        timings, now = self._timings, self._clock()
        times = timings.confirm if question.is_acked else timings.look_up
        if question.kind is QueryKind.SEEN:
            times = (0.0, *timings.confirm)
        before = times[number - 1] if 0 < number <= len(times) else 0.0
        pause = times[number] - before if number < len(times) else timings.lookup_interval_seconds
        if question.first_absent_at is not None:
            pause = min(pause, timings.absence_interval_seconds)
        else:
            due = question.since + timedelta(seconds=self._window())
            if due > now:
                pause = min(pause, (due - now).total_seconds() + 0.01)
        try:
            async with asyncio.timeout(pause):
                await question.expedite.wait()
        except TimeoutError:
            return
        question.expedite.clear()

    async def _is_known(self, question: PendingQuery, number: int) -> bool:
        """Look once; whether the question is answered."""
        tracked = question.tracked
        try:
            found = await self._lookup.find(tracked, proves=self._may_prove(question))
        except ReadFailed as failed:
            _log.warning("order %d cannot be looked up: %s", tracked.order_id, failed.message)
            return question.kind is QueryKind.SEEN and number + 1 >= _SEEN_TRIES
        now = self._clock()
        if isinstance(found, OrderAbsent):
            return self._judge_absence(question, found, now)
        question.first_absent_at, tracked.missing_checked_at = None, None
        return self._judge(question, found, now)

    def _judge(self, question: PendingQuery, found: OrderFound, now: datetime) -> bool:
        tracked, request = question.tracked, question.request
        after = timedelta(seconds=self._timings.provisional)
        reports, fees = self._report_builder.from_lookup(found.shown, found.trades, now, after)
        is_known = tracked.is_ended or question.kind in (QueryKind.PLACE, QueryKind.SEEN)
        if request is not None and question.kind in (QueryKind.CHANGE, QueryKind.CANCEL):
            verdict = self._verdict(question, request, now)
            is_known = is_known or verdict is not None
            reports += verdict or []
        self._report_buffer.put(reports, [], fees)
        return is_known

    def _verdict(
        self, question: PendingQuery, request: OrderRequest, now: datetime
    ) -> list[ExecutionReport] | None:
        """What the order as found says of a wish; ``None``: nothing yet."""
        tracked, source = request.tracked, ReportSource.RECONCILE
        if tracked.is_ended:
            if question.kind is QueryKind.CANCEL:
                return []
            return build_rejection(request, "too_late", "the order is over", source, now)
        if question.kind is QueryKind.CHANGE and _has_terms(tracked, request):
            if tracked.answer_count != request.answer_count:
                return []
            tracked.answer_count += 1
            kind, qty, price = ReportKind.CHANGED, tracked.total_qty, tracked.price
            return [build_report(tracked, kind, source, now, qty=qty, price=price)]
        may_repeat = question.kind is QueryKind.CANCEL and now < request.deadline
        has_moved = request.target_order_id not in (None, tracked.current_order_id)
        if may_repeat and (has_moved or not question.is_acked):
            self._again(request)
            return []
        if question.refusal is not None and question.kind is QueryKind.CHANGE:
            return build_rejection(
                request, question.refusal.code, question.refusal.message, source, now
            )
        if self._is_past_window(question, now):
            message = f"the {request.kind} was not carried out: the order is as it was"
            return build_rejection(request, "exchange_rejected", message, source, now)
        return None

    def _judge_absence(self, question: PendingQuery, absent: OrderAbsent, now: datetime) -> bool:
        tracked = question.tracked
        if question.kind is QueryKind.SEEN:
            tracked.missing_checked_at = now
            return True
        if not absent.is_complete or not self._is_past_window(question, now):
            return False
        question.first_absent_at = question.first_absent_at or now
        apart = timedelta(seconds=self._timings.absence_interval_seconds)
        if now - question.first_absent_at < apart:
            return False
        if question.kind is QueryKind.PLACE:
            if question.request is None or not self._resend(question.request):
                self._report_buffer.put([self._not_placed(tracked, now)])
        elif question.request is not None:
            message = "the exchange does not show the order"
            told = build_rejection(
                question.request, "order_not_found", message, ReportSource.RECONCILE, now
            )
            self._report_buffer.put(told)
        return True

    def _not_placed(self, tracked: TrackedOrder, now: datetime) -> ExecutionReport:
        mark_ended(tracked, now)
        tracked.is_declared_absent = True
        message = "the exchange has no such order"
        return build_report(
            tracked, ReportKind.NOT_PLACED, ReportSource.RECONCILE, now, message=message
        )

    def _may_prove(self, question: PendingQuery) -> bool:
        """Whether it would mean anything that an order is not shown."""
        is_placing = question.kind is QueryKind.PLACE
        return not is_placing or self._is_past_window(question, self._clock())

    def _is_past_window(self, question: PendingQuery, now: datetime) -> bool:
        return now >= question.since + timedelta(seconds=self._window())


def _key(question: PendingQuery) -> _Key:
    tracked, kind, request = question.tracked, question.kind, question.request
    attempt = 0 if kind is QueryKind.PLACE or request is None else request.row.attempt
    return tracked.order_id or id(tracked), kind, attempt


def _has_terms(tracked: TrackedOrder, request: OrderRequest) -> bool:
    return request.qty in (None, tracked.total_qty) and request.price in (None, tracked.price)
