"""Looks one order up on request: by its own ids, or by a given id of the exchange.

What is found goes into the report buffer. A lookup that finds nothing proves nothing here:
``UnknownOrderResolver`` proves that an order was never placed, or an admin declares it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder, mark_ended
from oms.adapters.ccxt.orders.request_journal import RequestJournal
from oms.adapters.ccxt.orders.unknown_order_resolver import UnknownOrderResolver
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.sync.order_lookup import OrderFound, OrderLookup
from oms.adapters.ccxt.sync.report_builder import ReportBuilder
from oms.adapters.ccxt.timings import Timings
from oms.domain.errors import Refused
from oms.domain.orders.order import Order, OrderState
from oms.ports.exchange import OrderQueryResult

NOT_PLACED = "not_placed"


class OrderQuery:
    """Order queries of one account."""

    def __init__(
        self,
        *,
        orders: OrderCache,
        lookup: OrderLookup,
        report_builder: ReportBuilder,
        report_buffer: ReportBuffer,
        journal: RequestJournal,
        resolver: UnknownOrderResolver,
        clock: Callable[[], datetime],
        timings: Timings,
    ) -> None:
        self._orders = orders
        self._lookup = lookup
        self._report_builder = report_builder
        self._report_buffer = report_buffer
        self._journal = journal
        self._resolver = resolver
        self._clock = clock
        self._timings = timings

    async def __call__(self, order: Order, exchange_order_id: str | None) -> OrderQueryResult:
        """Looks the order up once, or the exchange's order that it shall be linked to."""
        tracked = self._track(order)
        target = tracked if exchange_order_id is None else _query_target(tracked, exchange_order_id)
        try:
            found = await self._lookup.find(target)
        except ReadFailed as failed:
            return _refused(failed.code, failed.message)
        snapshot = found.order if isinstance(found, OrderFound) else None
        if exchange_order_id is not None:
            if snapshot is None:
                return _refused(
                    "order_not_found",
                    f"the exchange has no order {exchange_order_id} of {tracked.symbol}",
                )
            why = self._mismatch(
                tracked, exchange_order_id, snapshot.side.value, snapshot.client_id
            )
            if why is not None:
                return _refused("conflict", why, reason="order_differs")
            self._orders.link(tracked, exchange_order_id)
        if isinstance(found, OrderFound):
            self._report(found)
        return OrderQueryResult()

    def declare_not_placed(self, order: Order) -> None:
        """Count the order as never placed; it may appear all the same."""
        tracked = self._track(order)
        mark_ended(tracked, self._clock())
        tracked.is_declared_absent = True

    def _track(self, order: Order) -> TrackedOrder:
        """The tracked order, also one that ended before this process started."""
        tracked = self._journal.track(order)
        tracked.client_id = tracked.client_id or self._orders.client_ids.encode(order.id, 1)
        if not order.is_open and tracked.ended_at is None:
            mark_ended(tracked, self._clock())
        if order.state is OrderState.REJECTED and order.reject_code == NOT_PLACED:
            tracked.is_declared_absent, tracked.is_accepted = (
                True,
                False,
            )  # an ACCEPTED report is due if it exists
        return tracked

    def _mismatch(
        self, tracked: TrackedOrder, exchange_order_id: str, side: str, client_id: str | None
    ) -> str | None:
        """Returns why the order found cannot be this one."""
        if side != tracked.side.value:
            return f"{exchange_order_id} is a {side}, this order a {tracked.side.value}"
        other = self._orders.client_ids.order_id_of(client_id)
        if other not in (None, tracked.order_id):
            return f"{exchange_order_id} has the client order id of order {other}"
        existing = self._orders.find(tracked.symbol, exchange_order_id, None)
        if existing is not None and existing is not tracked:
            return f"{exchange_order_id} is tracked already as another order: reassign that one"
        return None

    def _report(self, found: OrderFound) -> None:
        after = timedelta(seconds=self._timings.infer_fills_after_seconds)
        reports, fees = self._report_builder.from_lookup(
            found.order, found.trades, self._clock(), after
        )
        self._report_buffer.put(reports, [], fees)
        self._resolver.follow(found)


def _query_target(tracked: TrackedOrder, exchange_order_id: str) -> TrackedOrder:
    """A lookup target of which nothing but the exchange's id is known."""
    return TrackedOrder(
        order_id=0,
        symbol=tracked.symbol,
        side=tracked.side,
        order_type=tracked.order_type,
        qty=tracked.qty,
        price=tracked.price,
        created_at=tracked.created_at,
        exchange_order_id=exchange_order_id,
    )


def _refused(code: str, message: str, reason: str | None = None) -> OrderQueryResult:
    return OrderQueryResult(refused=Refused(code=code, message=message, reason=reason))
