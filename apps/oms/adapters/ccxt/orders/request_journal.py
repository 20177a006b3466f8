"""The write-ahead journal of requests: recorded as attempts, sent once the store has them.

An order that was not sent yet is revoked by its cancel, with all other requests about it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from oms.adapters.ccxt.orders.ccxt_calls import (
    CcxtCall,
    build_place_call,
    build_replacement_call,
    refuse_unsupported_order,
)
from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder, mark_ended
from oms.adapters.ccxt.orders.order_queues import PerOrderQueue
from oms.adapters.ccxt.orders.order_request import (
    CANCEL,
    CHANGE,
    PLACE,
    REVOKED,
    AmendMode,
    OrderRequest,
    build_successor,
    choose_amend_mode,
    compute_deadline,
    encode_request,
    refuse_terms,
    refuse_unknown_request,
    track_order,
)
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.sync.report_builder import build_report
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.trading_settings import TradingSettings
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.orders.execution_report import ReportKind, ReportSource
from oms.domain.orders.order import Order
from oms.domain.orders.order_terms import NewTerms
from oms.domain.value import evolve
from oms.ports.exchange import AttemptRow

#: A request is sent once more only within this time of its first recording: as long as a command
#: may wait.
RESEND_WITHIN = timedelta(seconds=60)

ReplacementTerms = tuple[Decimal, Decimal | None, Decimal, Decimal | None]
"""Quantity and price of a replacement, what was filled before it, and a new trigger price."""


class RequestJournal:
    """The requests of one account that are not stored yet."""

    def __init__(
        self,
        *,
        orders: OrderCache,
        queues: PerOrderQueue,
        report_buffer: ReportBuffer,
        profile: VenueProfile,
        timings: Timings,
        settings: TradingSettings,
    ) -> None:
        self._orders = orders
        self._queues = queues
        self._report_buffer = report_buffer
        self._profile = profile
        self._timings = timings
        self._settings = settings
        self._unsaved: list[OrderRequest] = []
        self._saving: list[OrderRequest] = []

    def holds_exits(self, instrument: Instrument | None) -> bool:
        """Return whether stop levels of positions in it may be orders at the exchange."""
        if instrument is None or instrument.kind not in self._profile.native_exit_kinds:
            return False
        return self._settings.permits_exits(instrument)

    def holds_trailing(
        self, instrument: Instrument | None, percent: Decimal | None, amount: Decimal | None
    ) -> bool:
        """Return whether a trailing stop of positions in it may be an order at the exchange."""
        if instrument is None or not self.holds_exits(instrument):
            return False
        distances = self._profile.trailing_distances.get(instrument.kind)
        is_permitted = self._settings.permits_trailing(instrument)
        return distances is not None and is_permitted and distances.has(percent, amount)

    def attaches_exits(self, instrument: Instrument | None) -> bool:
        """Return whether the exits of an order in it become orders that are recognised."""
        if instrument is None or not self._profile.create_exits:
            return False
        is_contract = instrument.kind is not InstrumentKind.SPOT
        return is_contract and self._settings.permits_attached(instrument)

    def place(self, order: Order, instrument: Instrument, now: datetime) -> None:
        """Record a new order. Raises ``Invalid`` for forms that are not sent."""
        refuse_unsupported_order(order, instrument, self._profile)
        self._settings.refuse(order, instrument)
        client_id = self._orders.client_ids.encode(order.id, 1)
        call = build_place_call(order, instrument, self._profile, client_id)
        tracked = self._orders.add(track_order(order, self._profile))
        tracked.client_id = client_id
        tracked.params = {
            name: each for name, each in call.params.items() if name != "clientOrderId"
        }
        self._add(PLACE, tracked, order, now, call=call)

    def change(
        self,
        order: Order,
        instrument: Instrument,
        price: Decimal | None,
        qty: Decimal | None,
        now: datetime,
        terms: NewTerms | None = None,
    ) -> None:
        """Record an amendment; ``None`` keeps a value.

        Raises ``Invalid`` for terms that the exchange cannot move, or an order whose replacement
        could lack terms that it has.
        """
        tracked = self.track(order)
        trigger_price = None if terms is None else terms.trigger_price
        qty, price = qty or tracked.total_qty, price or tracked.price
        amend_mode = choose_amend_mode(
            tracked,
            instrument.kind,
            self._profile,
            self._settings.restrictions,
            moves_trigger=trigger_price is not None,
        )
        refuse_unknown_request(tracked, instrument.kind, amend_mode)
        if terms is not None:
            refuse_terms(terms, tracked)
        self._add(
            CHANGE,
            tracked,
            order,
            now,
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            amend_mode=amend_mode,
        )

    def create_replacement(
        self, tracked: TrackedOrder, instrument: Instrument, terms: ReplacementTerms, now: datetime
    ) -> tuple[OrderRequest, TrackedOrder]:
        """Record the replacement of ``tracked``; its ``saved`` is set once it is stored."""
        tracked.attempts += 1
        qty, price, filled_before, trigger_price = terms
        client_id = self._orders.client_ids.encode(tracked.order_id, tracked.attempts)
        new = build_successor(tracked, client_id, qty, price, filled_before, trigger_price)
        call, deadline = (
            build_replacement_call(new, instrument),
            now + timedelta(seconds=self._timings.send_within_seconds),
        )
        row = AttemptRow(
            order_id=tracked.order_id,
            attempt=tracked.attempts,
            kind=PLACE,
            client_id=client_id,
            request=encode_request(new, call, qty, price, trigger_price=trigger_price),
            may_send_until=deadline,
            created_at=now,
        )
        request = OrderRequest(
            kind=PLACE, tracked=new, row=row, deadline=deadline, call=call, saved=asyncio.Event()
        )
        self._unsaved.append(request)
        self._report_buffer.put([], [row])
        return request, new

    async def extend_deadline(self, request: OrderRequest, now: datetime) -> None:
        """Store a later deadline of a request that waits; nothing where it may not wait longer."""
        if request.queue_until is None or request.is_revoked or request.is_sending:
            return
        deadline = now + timedelta(seconds=self._timings.send_within_seconds)
        deadline = min(deadline, request.queue_until)
        if deadline <= request.deadline:
            return
        request.row = evolve(request.row, may_send_until=deadline)
        request.saved = asyncio.Event()
        self._unsaved.append(request)
        self._report_buffer.put([], [request.row])
        await request.saved.wait()
        request.saved = None
        request.deadline = deadline

    def resend(self, request: OrderRequest, now: datetime) -> bool:
        """Record the same request once more; returns whether it did.

        It does not where the settings do not allow it, where other requests about the order are
        pending, where the request had a deadline of its own, or after ``RESEND_WITHIN``.
        """
        is_alone = not self._queues.pending_requests(request.tracked.order_id)
        if not self._settings.resends_not_placed or not is_alone:
            return False
        row = request.row
        has_short_deadline = row.may_send_until < row.created_at + timedelta(
            seconds=self._timings.send_within_seconds
        )
        if request.is_resent or has_short_deadline or now >= row.created_at + RESEND_WITHIN:
            return False
        request.is_resent = True
        request.deadline = now + timedelta(seconds=self._timings.send_within_seconds)
        request.row = evolve(
            row, may_send_until=request.deadline, sent_at=None, outcome=None, code=None
        )
        self._unsaved.append(request)
        self._report_buffer.put([], [request.row])
        return True

    def cancel(self, order: Order, now: datetime) -> None:
        """Record a cancel, or revoke what was not sent yet."""
        tracked = self.track(order)
        waiting = [each for each in self._unsent(order.id) if not each.is_revoked]
        if any(each.kind == PLACE for each in waiting):
            self._revoke(tracked, waiting, now)
        else:
            self._add(CANCEL, tracked, order, now)

    def track(self, order: Order) -> TrackedOrder:
        """Returns the tracked order; an external one becomes the ledger's."""
        tracked = self._orders.by_order_id(order.id)
        if tracked is not None:
            return tracked
        tracked = self._orders.find(order.symbol, order.exchange_order_id, None)
        if tracked is None:
            tracked = track_order(order, self._profile)
        tracked.order_id, tracked.external = order.id, None
        return self._orders.add(tracked)

    def has_unsaved(self) -> bool:
        """Returns whether requests wait to be stored."""
        return bool(self._unsaved)

    def take_unsaved(self, changed: Sequence[AttemptRow]) -> tuple[AttemptRow, ...]:
        """Returns new and changed rows, to be stored in one transaction."""
        rows = {
            (request.row.order_id, request.row.attempt): request.row for request in self._unsaved
        }
        rows |= {(row.order_id, row.attempt): row for row in changed}
        self._saving += self._unsaved
        self._unsaved = []
        return tuple(rows.values())

    def on_committed(self) -> None:
        """Enqueue the requests that were stored."""
        saved_requests, self._saving = self._saving, []
        for request in saved_requests:
            if request.saved is not None:
                request.saved.set()
            elif not request.is_revoked:
                self._queues.enqueue(request)

    def _add(
        self,
        kind: str,
        tracked: TrackedOrder,
        order: Order,
        now: datetime,
        *,
        call: CcxtCall | None = None,
        qty: Decimal | None = None,
        price: Decimal | None = None,
        trigger_price: Decimal | None = None,
        amend_mode: AmendMode | None = None,
    ) -> None:
        tracked.attempts += 1
        deadline = now + timedelta(seconds=self._timings.send_within_seconds)
        queue_until = None
        if kind == PLACE:
            deadline = compute_deadline(order, now, self._timings.send_within_seconds)
            queue_until = compute_deadline(order, now, self._timings.queue_seconds)
        row = AttemptRow(
            order_id=order.id,
            attempt=tracked.attempts,
            kind=kind,
            client_id=self._orders.client_ids.encode(order.id, tracked.attempts),
            request=encode_request(
                tracked,
                call,
                qty or tracked.qty,
                price or tracked.price,
                amend_mode,
                trigger_price,
            ),
            may_send_until=deadline,
            created_at=now,
        )
        request = OrderRequest(
            kind=kind,
            tracked=tracked,
            row=row,
            deadline=deadline,
            queue_until=queue_until,
            qty=qty,
            price=price,
            trigger_price=trigger_price,
            call=call,
            answer_count=tracked.delivered_answer_count,
            amend_mode=amend_mode or AmendMode.NATIVE,
        )
        self._unsaved.append(request)

    def _unsent(self, order_id: int) -> Sequence[OrderRequest]:
        """The requests about an order that were not sent, if its placement is among them."""
        unsaved = [
            each for each in (*self._saving, *self._unsaved) if each.tracked.order_id == order_id
        ]
        return [*self._queues.unsent_requests(order_id), *unsaved]

    def _revoke(
        self, tracked: TrackedOrder, requests: Sequence[OrderRequest], now: datetime
    ) -> None:
        rows = []
        for request in requests:
            request.is_revoked = True
            request.row = evolve(request.row, outcome="not_sent", code=REVOKED)
            rows.append(request.row)
        mark_ended(tracked, now)
        self._report_buffer.put(
            [build_report(tracked, ReportKind.CANCELED, ReportSource.REPLY, now)], rows
        )
