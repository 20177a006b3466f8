"""Looks up orders that a list of open orders no longer contains: a snapshot reports how they ended.

Lists of closed orders do not serve: venues select them by the time an order was created, and the
executions of an own order are reported before its end.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.orders.order_cache import OrderCache
from oms.adapters.ccxt.orders.unknown_order_resolver import UnknownOrderResolver
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.sync.order_lookup import OrderFound, OrderLookup
from oms.adapters.ccxt.sync.report_builder import ReportBuilder
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.venues.account_sections import AccountSection

_log = logging.getLogger("oms.ccxt")


class MissingOrders:
    """The orders of one account that were open and are not listed as open."""

    def __init__(
        self,
        *,
        orders: OrderCache,
        lookup: OrderLookup,
        report_builder: ReportBuilder,
        report_buffer: ReportBuffer,
        resolver: UnknownOrderResolver,
        clock: Callable[[], datetime],
        timings: Timings,
    ) -> None:
        self._orders = orders
        self._lookup = lookup
        self._report_builder = report_builder
        self._report_buffer = report_buffer
        self._resolver = resolver
        self._clock = clock
        self._timings = timings

    async def report(
        self, section: AccountSection, listed: Iterable[OrderSnapshot], began: datetime
    ) -> None:
        """Reports the orders of the section that ``listed``, read since ``began``, lacks."""
        names = {each.exchange_order_id for each in listed}
        after = timedelta(seconds=self._timings.infer_fills_after_seconds)
        for tracked in self._orders.live_orders():
            is_listed = tracked.symbol not in section.symbols or tracked.current_order_id in names
            is_new = (tracked.accepted_at or began) >= began
            if is_listed or is_new or tracked.is_changing or self._resolver.is_pending(tracked):
                continue
            try:
                found = await self._lookup.find(tracked)
            except ReadFailed as failed:
                _log.warning("order %d cannot be looked up: %s", tracked.order_id, failed.message)
                continue
            if isinstance(found, OrderFound):
                reports, fees = self._report_builder.from_lookup(
                    found.order, found.trades, self._clock(), after
                )
                self._report_buffer.put(reports, [], fees)
                self._resolver.follow(found)
