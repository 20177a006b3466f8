"""Amends an order where the venue cannot: the order ends at the exchange and another is placed.

First the end of the order is certain, with all its executions; then the remaining quantity is
placed, under an attempt that is stored before it is sent: two of them are never open. The ledger's
order keeps its id and the exchange's first id. Unknown outcomes are looked up; nothing is placed
twice.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import (
    OutcomeUnknown,
    ReadFailed,
    Rejected,
    RequestError,
)
from oms.adapters.ccxt.orders.ccxt_calls import add_legs, build_cancel_call, build_replace_call
from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder
from oms.adapters.ccxt.orders.order_request import (
    AmendMode,
    OrderRequest,
    build_successor,
    switch_to_emulated,
)
from oms.adapters.ccxt.orders.replacement_reports import (
    ReplacementReporter,
    are_fills_reported,
    is_ended,
)
from oms.adapters.ccxt.orders.request_journal import ReplacementTerms
from oms.adapters.ccxt.orders.retrying_writer import RetryingWriter
from oms.adapters.ccxt.sync.order_lookup import OrderAbsent, OrderFound, OrderLookup
from oms.adapters.ccxt.sync.position_modes import PositionModeReader
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.venues.order_status import VenueOrderStatus
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO, add, decimal_text, multiply, subtract
from oms.domain.orders.execution_report import EditState
from oms.domain.value import evolve

_log = logging.getLogger("oms.ccxt")
ReplacementFactory = Callable[
    [TrackedOrder, Instrument, ReplacementTerms, datetime], tuple[OrderRequest, TrackedOrder]
]


class OrderReplacer:
    """Executes amendments of one account, each within the queue of its order."""

    def __init__(
        self,
        *,
        client: ExchangeClient,
        profile: VenueProfile,
        modes: PositionModeReader,
        orders: OrderCache,
        lookup: OrderLookup,
        reporter: ReplacementReporter,
        writer: RetryingWriter,
        create_replacement: ReplacementFactory,
        clock: Callable[[], datetime],
        timings: Timings,
        window: Callable[[], float],
    ) -> None:
        self._client = client
        self._profile = profile
        self._modes = modes
        self._orders = orders
        self._lookup = lookup
        self._reporter = reporter
        self._writer = writer
        self._create_replacement = create_replacement
        self._clock = clock
        self._timings = timings
        self._window = window

    async def __call__(self, request: OrderRequest) -> None:
        """Takes the amendment to its end, from wherever a restart left it."""
        tracked = request.tracked
        refusal = None if request.is_resumed else self._refusal_before_start(request)
        if refusal is not None:
            self._reporter.reject(request, *refusal)
            return
        tracked.is_replacing = True
        try:
            new = tracked.successor
            if new is not None and request.amend_mode is AmendMode.EMULATED:
                await self._settle_create(request, new)
            elif request.amend_mode is AmendMode.REPLACE and (
                request.is_resumed or tracked.filled == ZERO
            ):
                await self._replace(request)
            else:
                await self._replace_in_two_steps(request)
        finally:
            tracked.is_replacing, tracked.successor = False, None

    def _refusal_before_start(self, request: OrderRequest) -> tuple[str, str] | None:
        """Why it is not started: the order would be canceled and nothing could replace it."""
        tracked, instrument = request.tracked, self._client.instruments[request.tracked.symbol]
        assert request.qty is not None, "a change knows all its terms"
        executed = add(tracked.filled_before, tracked.filled)
        if executed >= request.qty:
            return "too_late", f"{decimal_text(executed)} of it are executed"
        remaining = subtract(request.qty, executed)
        notional = None if request.price is None else multiply(remaining, request.price)
        is_too_small = notional is not None and notional < instrument.min_notional
        if is_too_small and not tracked.is_reduce_only:
            minimum = decimal_text(instrument.min_notional)
            return "exchange_rejected", f"the remaining notional is below {minimum}"
        return None

    async def _replace(self, request: OrderRequest) -> None:
        """One request; the exchange executes it only while the order has no fills."""
        tracked = request.tracked
        assert request.qty is not None, "a change knows all its terms"
        own_qty = subtract(request.qty, tracked.filled_before)
        new = build_successor(
            tracked, request.row.client_id, own_qty, request.price, tracked.filled_before
        )
        tracked.successor, refusal = new, None
        if not request.is_resumed:
            request.row = evolve(request.row, sent_at=self._clock())
            self._reporter.report_step(request, EditState.CHANGING)
            call = build_replace_call(tracked, new, self._client.instruments[tracked.symbol])
            try:
                answer = await self._writer(request, call)
            except Rejected as error:
                refusal = error
            except OutcomeUnknown as error:
                self._reporter.report_unknown(request, error)
            except RequestError as error:
                self._reporter.reject(request, error.code, error.message, outcome="not_sent")
                return
            else:
                self._orders.link(new, str(answer["id"]))
                self._reporter.report_done(request)
                return
        if not await self._settle_replace(request, new, refusal):
            tracked.successor = None
            request.amend_mode, request.row = AmendMode.EMULATED, switch_to_emulated(request.row)
            self._reporter.save(request)
            await self._replace_in_two_steps(request)

    async def _settle_replace(
        self, request: OrderRequest, new: TrackedOrder, refusal: Rejected | None
    ) -> bool:
        """Looks up the outcome of the request; ``False``: it has to be done in two steps."""
        tracked, since, absent = request.tracked, self._since(request), 0
        for number in count():
            new_found, old_found = await self._query(new), await self._query(tracked)
            is_certain = refusal is not None or self._is_past(since)
            if isinstance(new_found, OrderFound):
                self._reporter.report_found(new, new_found)
                self._reporter.report_done(request)
                return True
            if (
                isinstance(old_found, OrderFound)
                and isinstance(new_found, OrderAbsent)
                and is_certain
            ):
                absent += 1
                if old_found.order is not None and not is_ended(old_found.order):
                    if refusal is not None and old_found.order.filled > ZERO:
                        return False
                    code = "exchange_rejected" if refusal is None else refusal.code
                    self._reporter.reject(request, code, "the order is unchanged", old_found)
                    return True
                if are_fills_reported(tracked, old_found) and (refusal is not None or absent > 1):
                    self._reporter.report_failed(request, old_found, "the new order was not placed")
                    return True
            await asyncio.sleep(self._pause(number))
        raise AssertionError("the lookup ends with an outcome")

    async def _replace_in_two_steps(self, request: OrderRequest) -> None:
        """Cancel, confirm the cancel, place the remaining quantity."""
        found = await self._cancel_and_confirm(request)
        if found is None:
            return
        tracked, snapshot = request.tracked, found.order
        assert snapshot is not None and request.qty is not None, (
            "the order was found and the terms are set"
        )
        filled = add(tracked.filled_before, snapshot.filled)
        if snapshot.status is VenueOrderStatus.FILLED or filled >= request.qty:
            self._reporter.report_failed(request, found, "it was executed before", code="too_late")
            return
        self._reporter.report_found(tracked, found)
        remaining = subtract(request.qty, filled)
        terms = remaining, request.price, filled, request.trigger_price
        await self._create(request, terms)

    async def _cancel_and_confirm(self, request: OrderRequest) -> OrderFound | None:
        """Returns the ended order with all executions; ``None`` if it stays open, which is
        reported.

        A cancel whose outcome is unknown is repeated until the deadline.
        """
        tracked, sent_at, is_acked = request.tracked, self._since(request), False
        for number in count(1 if request.is_resumed else 0):
            found = await self._query(tracked) if number else None
            if isinstance(found, OrderFound) and is_ended(found.order):
                if are_fills_reported(tracked, found):
                    return found
                self._reporter.infer_fills(tracked, found)
            is_open = isinstance(found, OrderFound) and not is_ended(found.order)
            if number and is_open and self._clock() >= request.deadline and self._is_past(sent_at):
                self._reporter.reject(
                    request, "exchange_rejected", "it could not be canceled", found
                )
                return None
            if not is_acked and (not number or is_open) and self._clock() < request.deadline:
                sent_at = self._clock()
                request.row = evolve(request.row, sent_at=sent_at)
                self._reporter.report_step(request, EditState.CANCEL_PENDING)
                try:
                    await self._writer(request, build_cancel_call(tracked, self._profile))
                except OutcomeUnknown as error:
                    self._reporter.report_unknown(request, error)
                except Rejected as error:
                    if error.code != "order_not_found":
                        self._reporter.reject(request, error.code, error.message)
                        return None
                except RequestError as error:
                    if not number:
                        self._reporter.reject(
                            request, error.code, error.message, outcome="not_sent"
                        )
                        return None
                is_acked = True
            await asyncio.sleep(self._pause(number))
        raise AssertionError("the lookup ends with an outcome")

    async def _create(self, request: OrderRequest, terms: ReplacementTerms) -> None:
        """Place the remaining quantity once its attempt is stored."""
        tracked, instrument = request.tracked, self._client.instruments[request.tracked.symbol]
        create, new = self._create_replacement(tracked, instrument, terms, self._clock())
        tracked.successor = new
        self._reporter.report_step(request, EditState.CREATE_PENDING)
        assert create.saved is not None and create.call is not None, (
            "a replacement has an event and a call"
        )
        await create.saved.wait()
        if create.is_revoked:
            return
        create.deadline = self._clock() + timedelta(seconds=self._timings.send_within_seconds)
        create.row = evolve(create.row, sent_at=self._clock())
        try:
            call = add_legs(create.call, instrument, await self._modes.legs(tracked.symbol))
            answer = await self._writer(create, call)
        except OutcomeUnknown as error:
            self._reporter.close(create, "unknown", error.cause)
            self._reporter.report_unknown(request, error)
            await self._settle_create(request, new)
        except RequestError as error:
            outcome = "rejected" if isinstance(error, Rejected) else "not_sent"
            self._reporter.close(create, outcome, error.code)
            self._reporter.report_failed(request, None, error.message)
        else:
            self._orders.link(new, str(answer["id"]))
            self._reporter.close(create, "acked", None, exchange_order_id=new.exchange_order_id)
            self._reporter.report_done(request)

    async def _settle_create(self, request: OrderRequest, new: TrackedOrder) -> None:
        """Looks up whether a placement with an unknown outcome was executed."""
        since, absent = self._clock(), 0
        for number in count():
            if new.exchange_order_id is not None:
                self._reporter.report_done(request)
                return
            found = await self._query(new)
            if isinstance(found, OrderFound):
                self._reporter.report_found(new, found)
                self._reporter.report_done(request)
                return
            absent += isinstance(found, OrderAbsent) and found.is_complete and self._is_past(since)
            if absent > 1:
                self._reporter.report_failed(request, None, "the exchange does not list it")
                return
            await asyncio.sleep(
                self._timings.absence_interval_seconds if absent else self._pause(number)
            )

    async def _query(self, tracked: TrackedOrder) -> OrderFound | OrderAbsent | None:
        """Looks the order up; ``None`` where it could not be read."""
        try:
            return await self._lookup.find(tracked)
        except ReadFailed as failed:
            _log.warning("order %d cannot be looked up: %s", tracked.order_id, failed.message)
            return None

    def _since(self, request: OrderRequest) -> datetime:
        return request.row.sent_at or request.row.may_send_until

    def _is_past(self, since: datetime) -> bool:
        return self._clock() >= since + timedelta(seconds=self._window())

    def _pause(self, number: int) -> float:
        times = (*self._timings.confirm_delays_seconds, self._timings.lookup_interval_seconds)
        return times[min(number, len(times) - 1)]
