"""Takes one request from its queue to its outcome: sent at most once, with a report of the outcome.

What was certainly not sent is sent again under the same client order id until its deadline. An
unknown outcome is looked up and never sent again, except for cancels, which can be repeated.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import (
    NotSent,
    OutcomeUnknown,
    Overloaded,
    ReadFailed,
    Rejected,
    RequestError,
)
from oms.adapters.ccxt.orders.ccxt_calls import (
    CcxtCall,
    add_legs,
    build_amend_call,
    build_cancel_call,
    call_params,
)
from oms.adapters.ccxt.orders.order_cache import OrderCache, mark_ended
from oms.adapters.ccxt.orders.order_queues import WriteLimiter
from oms.adapters.ccxt.orders.order_replacer import OrderReplacer
from oms.adapters.ccxt.orders.order_request import CANCEL, CHANGE, PLACE, AmendMode, OrderRequest
from oms.adapters.ccxt.orders.placement_writer import PlacementWriter, RefusedTogether
from oms.adapters.ccxt.orders.retrying_writer import EXPIRED_BEFORE_SEND, is_transient
from oms.adapters.ccxt.orders.unknown_order_resolver import (
    PendingQuery,
    QueryKind,
    UnknownOrderResolver,
)
from oms.adapters.ccxt.ratelimit.request_throttle import send_within
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.sync.position_modes import POSITION_MODE_MISMATCH, PositionModeReader
from oms.adapters.ccxt.sync.report_builder import build_rejection, build_report, mark_accepted
from oms.adapters.ccxt.timings import Timings, nth_delay
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.adapters.ccxt.venues.venue_errors import OVERLOAD
from oms.domain.money import add, decimal_text
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.value import evolve


class RequestSender:
    """Sends the requests of one account."""

    def __init__(
        self,
        *,
        client: ExchangeClient,
        profile: VenueProfile,
        modes: PositionModeReader,
        orders: OrderCache,
        report_buffer: ReportBuffer,
        resolver: UnknownOrderResolver,
        clock: Callable[[], datetime],
        timings: Timings,
        limiter: WriteLimiter,
        place: PlacementWriter,
        extend_deadline: Callable[[OrderRequest, datetime], Awaitable[None]],
        replacer: OrderReplacer,
        poll_symbol_soon: Callable[[str], None],
        wait_for_streams: Callable[[], Awaitable[None]],
    ) -> None:
        self._client = client
        self._profile = profile
        self._modes = modes
        self._orders = orders
        self._report_buffer = report_buffer
        self._resolver = resolver
        self._clock = clock
        self._timings = timings
        self._limiter = limiter
        self._place_order = place
        #: Stores a later deadline of a placement that waits for the rate limit.
        self._extend_deadline = extend_deadline
        self._replacer = replacer
        #: Called with a symbol that has changed at the exchange.
        self._poll_symbol_soon = poll_symbol_soon
        #: What a placement waits for, unless it only reduces.
        self._wait_for_streams = wait_for_streams

    async def send(self, request: OrderRequest) -> None:
        """Takes the request to its outcome; raises only bugs."""
        if request.kind != PLACE:
            if not await self._can_proceed(request):
                return
            if request.kind == CHANGE and request.amend_mode is not AmendMode.NATIVE:
                await self._replacer(request)
                self._poll_symbol_soon(request.tracked.symbol)
                return
        # What only reduces may be a stop after a takeover; a poll reports it as well.
        if request.kind == PLACE and not request.tracked.is_reduce_only:
            await self._wait_for_streams()
        error: RequestError | None = None
        for number in range(1_000_000):
            if request.is_revoked:
                return
            if self._clock() >= request.deadline:
                break
            if request.kind == PLACE:
                error = await self._place(request)
            else:
                async with self._limiter.acquire(request):
                    if request.is_revoked:
                        return
                    error = await self._send(request)
            if error is None:
                return
            if isinstance(error, RefusedTogether):
                continue
            if not is_transient(error):
                break
            pause = nth_delay(self._timings.resend_delays_seconds, number)
            longest = max(pause, error.retry_after if isinstance(error, Overloaded) else 0)
            if longest >= (_wait_end(request, error) - self._clock()).total_seconds():
                break
            # A venue's pause is waited for in the request throttle, where cancels go first.
            await asyncio.sleep(pause)
            remaining = (request.deadline - self._clock()).total_seconds()
            if error.code == OVERLOAD and remaining < self._timings.renew_before_seconds:
                await self._extend_deadline(request, self._clock())
        if not request.is_revoked:
            self._report_not_sent(request, error)

    async def _place(self, request: OrderRequest) -> RequestError | None:
        """Sends a placement, perhaps with others; returns why it was not sent."""
        try:
            call = await self._call(request)
        except ReadFailed as failed:
            return NotSent("exchange_unavailable", failed.message, headers_sent=False)
        return await self._settle(request, self._place_order(request, call))

    async def _can_proceed(self, request: OrderRequest) -> bool:
        """Waits until it is known whether the order exists; returns whether it is open."""
        # An earlier amendment may have replaced the order.
        tracked = request.tracked = (
            self._orders.by_order_id(request.tracked.order_id) or request.tracked
        )
        while tracked.is_in_doubt and not tracked.is_ended:
            await self._resolver.wait_resolved(tracked)
        if request.kind == CANCEL:  # the wait was not its own: a cancel may always be sent
            earliest = self._clock() + timedelta(seconds=self._timings.send_within_seconds / 2)
            request.deadline = max(request.deadline, earliest)
        if request.is_revoked:
            return False
        reason = _find_reason_too_late(request)
        if reason is not None:
            row = evolve(request.row, outcome="not_sent", code="too_late")
            self._report_buffer.put(self._rejection(request, "too_late", reason), [row])
        return reason is None

    async def _send(self, request: OrderRequest) -> RequestError | None:
        """Sends it once; returns why it was not sent, ``None`` if it has an outcome."""
        try:
            call = await self._call(request)
        except ReadFailed as failed:
            return NotSent("exchange_unavailable", failed.message, headers_sent=False)
        if request.is_revoked:
            return None
        if self._clock() >= request.deadline:
            return NotSent(
                EXPIRED_BEFORE_SEND, "the time limit for sending has passed", headers_sent=False
            )
        return await self._settle(request, self._write(request, call))

    async def _write(self, request: OrderRequest, call: CcxtCall) -> Any:
        """Returns the reply. Raises ``RequestError``."""
        request.is_sending = True
        request.tracked.is_changing |= request.kind == CHANGE
        request.row = evolve(request.row, sent_at=self._clock())
        try:
            with send_within((request.deadline - self._clock()).total_seconds()):
                return await self._client.write(call.method, *call.args, **call_params(call))
        finally:
            request.is_sending = False

    async def _settle(self, request: OrderRequest, reply: Awaitable[Any]) -> RequestError | None:
        """Reports the outcome; returns why it was not sent, ``None`` also if it was revoked."""
        try:
            answer = await reply
        except (NotSent, Overloaded, RefusedTogether) as error:
            return error
        except Rejected as error:
            self._rejected(request, error)
        except OutcomeUnknown as error:
            self._unknown(request, error)
        else:
            if answer is not None:
                self._acknowledged(request, answer)
        return None

    async def _call(self, request: OrderRequest) -> CcxtCall:
        """Returns the request to send. Raises ``ReadFailed`` if the position mode is unknown."""
        tracked = request.tracked
        if request.kind == PLACE:
            assert request.call is not None, "a placement has a call"
            instrument = self._client.instruments[tracked.symbol]
            return add_legs(request.call, instrument, await self._modes.legs(tracked.symbol))
        if request.kind == CANCEL:
            request.target_order_id = tracked.current_order_id
            return build_cancel_call(tracked, self._profile)
        instrument = self._client.instruments[tracked.symbol]
        return build_amend_call(
            tracked,
            instrument,
            request.qty or tracked.qty,
            request.price or tracked.price,
            request.trigger_price,
        )

    def _acknowledged(self, request: OrderRequest, reply: Any) -> None:
        """The exchange accepted it: the order exists; what became of it is looked up."""
        now, tracked = self._clock(), request.tracked
        name = reply.get("id") or tracked.exchange_order_id
        if name is not None:
            self._orders.link(tracked, str(name))
        request.row = evolve(request.row, acked_at=now, outcome="acked", exchange_order_id=name)
        reports: list[ExecutionReport] = []
        if request.kind == PLACE and not tracked.is_accepted:
            mark_accepted(tracked, now)
            reports.append(build_report(tracked, ReportKind.ACCEPTED, ReportSource.REPLY, now))
        self._report_buffer.put(reports, [request.row])
        if request.kind == PLACE:
            self._poll_symbol_soon(tracked.symbol)
        else:
            kind = QueryKind.CANCEL if request.kind == CANCEL else QueryKind.CHANGE
            self._query(request, kind, is_acked=True)

    def _rejected(self, request: OrderRequest, error: Rejected) -> None:
        now, tracked = self._clock(), request.tracked
        if error.code == POSITION_MODE_MISMATCH:
            self._modes.forget()
        request.row = evolve(request.row, acked_at=now, outcome="rejected", code=error.code)
        if request.kind == PLACE:
            mark_ended(tracked, now)
            self._report_buffer.put(
                self._rejection(request, error.code, error.message), [request.row]
            )
            return
        if error.code == "order_not_found":
            # "Not open" is all that this says: what became of the order is looked up first.
            self._report_buffer.put([], [request.row])
            kind = QueryKind.CANCEL if request.kind == CANCEL else QueryKind.CHANGE
            self._query(request, kind, is_acked=True, refusal=error)
            return
        self._report_buffer.put(self._rejection(request, error.code, error.message), [request.row])
        self._poll_symbol_soon(tracked.symbol)

    def _unknown(self, request: OrderRequest, error: OutcomeUnknown) -> None:
        """Reports that the outcome is unknown, and looks it up."""
        now, tracked = self._clock(), request.tracked
        request.row = evolve(request.row, outcome="unknown", code=error.cause)
        report = build_report(
            tracked,
            ReportKind.UNKNOWN,
            ReportSource.REPLY,
            now,
            code=error.code,
            message=error.message,
        )
        kind = {PLACE: QueryKind.PLACE, CHANGE: QueryKind.CHANGE, CANCEL: QueryKind.CANCEL}[
            request.kind
        ]
        if kind is QueryKind.PLACE and not tracked.is_accepted:
            tracked.is_in_doubt = True
        self._report_buffer.put([report], [request.row])
        self._query(request, kind, is_acked=False)

    def _query(
        self,
        request: OrderRequest,
        kind: QueryKind,
        *,
        is_acked: bool,
        refusal: Rejected | None = None,
    ) -> None:
        since = request.row.sent_at or self._clock()
        self._resolver.start(
            PendingQuery(
                tracked=request.tracked,
                kind=kind,
                since=since,
                is_acked=is_acked,
                request=request,
                refusal=refusal,
            )
        )

    def _report_not_sent(self, request: OrderRequest, error: RequestError | None) -> None:
        """Reports that it was not sent and will not be."""
        now = self._clock()
        code = EXPIRED_BEFORE_SEND if error is None else error.code
        message = "the time limit for sending has passed" if error is None else error.message
        is_late = code in (EXPIRED_BEFORE_SEND, OVERLOAD)
        wait = self._expected_wait(request, error) if is_late else None
        if code == OVERLOAD and isinstance(error, NotSent):
            code, message = EXPIRED_BEFORE_SEND, "the rate limit left no room for it in time"
        request.row = evolve(request.row, sent_at=None, outcome="not_sent", code=code)
        if request.kind == PLACE:
            mark_ended(request.tracked, now)
        reports = self._rejection(request, code, message)
        if wait is not None:
            reports = [evolve(each, retry_after_s=ceil(wait)) for each in reports]
        self._report_buffer.put(reports, [request.row])

    def _expected_wait(self, request: OrderRequest, error: RequestError | None) -> float | None:
        """Returns in how many seconds it could be sent; ``None`` if nothing says so."""
        waits = (
            [self._client.order_wait(request.tracked.symbol, 1)] if request.kind == PLACE else []
        )
        if error is not None and error.retry_after is not None:
            waits.append(error.retry_after)
        return max(waits, default=None)

    def _rejection(self, request: OrderRequest, code: str, message: str) -> list[ExecutionReport]:
        return build_rejection(request, code, message, ReportSource.REPLY, self._clock())


def _wait_end(request: OrderRequest, error: RequestError) -> datetime:
    """Until when a request may wait after ``error``: longer where a placement met a rate limit."""
    if error.code == OVERLOAD and request.queue_until is not None:
        return request.queue_until
    return request.deadline


def _find_reason_too_late(request: OrderRequest) -> str | None:
    """Returns why the request is too late, ``None`` if it is not.

    Some venues end an order that is amended to its executed quantity.
    """
    tracked = request.tracked
    if tracked.is_ended:
        return "the order has ended"
    executed = add(tracked.filled_before, tracked.filled)
    if request.kind == CHANGE and request.qty is not None and request.qty <= executed:
        return f"{decimal_text(executed)} is already executed"
    return None
