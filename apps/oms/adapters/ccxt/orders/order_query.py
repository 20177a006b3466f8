"""One look for an order because somebody asks: by its own names, or under an id that is given.

What is found goes into the inbox like anything heard. A look that finds nothing proves nothing
here: what was never placed is found out by ``looking_up``, or declared.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder, mark_ended
from oms.adapters.ccxt.orders.request_journal import RequestJournal
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.sync.order_lookup import OrderFound, OrderLookup
from oms.adapters.ccxt.sync.report_builder import ReportBuilder
from oms.adapters.ccxt.timings import Timings
from oms.domain.errors import Refused
from oms.domain.orders.order import Order, OrderState
from oms.ports.exchange import OrderQueryResult

NOT_PLACED = "not_placed"


class OrderQuery:
    """For one account."""

    def __init__(
        self,
        *,
        orders: OrderCache,
        lookup: OrderLookup,
        report_builder: ReportBuilder,
        report_buffer: ReportBuffer,
        journal: RequestJournal,
        clock: Callable[[], datetime],
        timings: Timings,
    ) -> None:
        self._orders = orders
        self._lookup = lookup
        self._report_builder = report_builder
        self._report_buffer = report_buffer
        self._journal = journal
        self._clock = clock
        self._timings = timings

    async def __call__(self, order: Order, name: str | None) -> OrderQueryResult:
        """Look once; ``name`` is the exchange's id of an order that shall be this one."""
        tracked = self._known(order)
        sought = tracked if name is None else _named(tracked, name)
        try:
            found = await self._lookup.find(sought)
        except ReadFailed as failed:
            return _refused(failed.code, failed.message)
        shown = found.shown if isinstance(found, OrderFound) else None
        if name is not None:
            if shown is None:
                return _refused("order_not_found", f"the exchange shows no {tracked.symbol} {name}")
            why = self._differs(tracked, name, shown.side.value, shown.client_id)
            if why is not None:
                return _refused("conflict", why, reason="order_differs")
            self._orders.link(tracked, name)
        if isinstance(found, OrderFound):
            self._tell(found)
        return OrderQueryResult()

    def absent(self, order: Order) -> None:
        """Somebody says that it was never placed; it may turn up all the same."""
        tracked = self._known(order)
        mark_ended(tracked, self._clock())
        tracked.is_declared_absent = True

    def _known(self, order: Order) -> TrackedOrder:
        """The order, also one that ended before this process began."""
        tracked = self._journal.tracked(order)
        tracked.client_id = tracked.client_id or self._orders.names.encode(order.id, 1)
        if not order.is_open and tracked.ended_at is None:
            mark_ended(tracked, self._clock())
        if order.state is OrderState.REJECTED and order.reject_code == NOT_PLACED:
            tracked.is_declared_absent, tracked.is_accepted = (
                True,
                False,
            )  # it is news that it exists
        return tracked

    def _differs(
        self, tracked: TrackedOrder, name: str, side: str, bears: str | None
    ) -> str | None:
        """Why the order found cannot be this one."""
        if side != tracked.side.value:
            return f"{name} is a {side}, this order a {tracked.side.value}"
        other = self._orders.names.order_id_of(bears)
        if other not in (None, tracked.order_id):
            return f"{name} bears the name of order {other}"
        held = self._orders.named(tracked.symbol, name, None)
        if held is not None and held is not tracked:
            return f"{name} is known already, as an order of its own: reassign that one"
        return None

    def _tell(self, found: OrderFound) -> None:
        after = timedelta(seconds=self._timings.provisional)
        reports, fees = self._report_builder.from_lookup(
            found.shown, found.trades, self._clock(), after
        )
        self._report_buffer.put(reports, [], fees)


def _named(tracked: TrackedOrder, name: str) -> TrackedOrder:
    """What is looked for under an id of the exchange: nothing is known of it yet."""
    return TrackedOrder(
        order_id=0,
        symbol=tracked.symbol,
        side=tracked.side,
        order_type=tracked.order_type,
        qty=tracked.qty,
        price=tracked.price,
        created_at=tracked.created_at,
        exchange_order_id=name,
    )


def _refused(code: str, message: str, reason: str | None = None) -> OrderQueryResult:
    return OrderQueryResult(refused=Refused(code=code, message=message, reason=reason))
