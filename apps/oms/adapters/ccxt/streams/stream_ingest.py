"""Turns stream rows into reports, in the same way as polled rows.

Executions are reported before the end of their order. An order with a filled quantity above its
reported executions is looked up soon: a message was lost or is late. A row that cannot be
identified is left to polling.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

from oms.adapters.ccxt.client.exchange_client import ExchangeClient, Row
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.exchange_tasks import ExchangeTasks
from oms.adapters.ccxt.orders.order_cache import TrackedOrder
from oms.adapters.ccxt.orders.unknown_order_resolver import (
    PendingQuery,
    QueryKind,
    UnknownOrderResolver,
)
from oms.adapters.ccxt.parsing.fields import get_row_id
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot, parse_order
from oms.adapters.ccxt.parsing.trade_snapshot import TradeSnapshot, parse_trades
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.streams.account_streams import ORDERS
from oms.adapters.ccxt.sync.raw_row_buffer import ORDER, TRADE, RawRowBuffer
from oms.adapters.ccxt.sync.report_builder import ReportBuilder
from oms.adapters.ccxt.sync.snapshot_processor import SnapshotProcessor
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.venues.account_sections import AccountSection
from oms.adapters.ccxt.venues.order_status import VenueOrderStatus
from oms.domain.orders.execution_report import ReportSource
from oms.domain.value import evolve

_ENDS = (VenueOrderStatus.CANCELED, VenueOrderStatus.EXPIRED)


class StreamIngest:
    """The stream rows of one account."""

    def __init__(
        self,
        *,
        client: ExchangeClient,
        venue: str,
        sections: Callable[[], Sequence[AccountSection]],
        processor: SnapshotProcessor,
        report_builder: ReportBuilder,
        resolver: UnknownOrderResolver,
        report_buffer: ReportBuffer,
        raw_rows: RawRowBuffer,
        tasks: ExchangeTasks,
        poll_soon: Callable[[], None],
        clock: Callable[[], datetime],
        timings: Timings,
    ) -> None:
        self._client = client
        self._venue = venue
        self._sections = sections
        self._processor = processor
        self._report_builder = report_builder
        self._resolver = resolver
        self._report_buffer = report_buffer
        self._raw_rows = raw_rows
        self._tasks = tasks
        self._poll_soon = poll_soon
        self._clock = clock
        self._timings = timings
        self._pending: list[tuple[bool, Row]] = []
        self._has_pending = asyncio.Event()
        #: Snapshots with missing executions, by order.
        self._missing_fills: dict[int, tuple[TrackedOrder, OrderSnapshot]] = {}

    def enqueue(self, method: str, rows: Sequence[Row]) -> None:
        """Queue rows of a subscription, in the order received."""
        self._pending += [(method == ORDERS, row) for row in rows]
        self._has_pending.set()

    async def run(self) -> None:
        """Process queued rows until canceled."""
        while True:
            await self._has_pending.wait()
            self._has_pending.clear()
            source, self._pending = self._pending, []
            try:
                await self._process(source)
            except ReadFailed:
                self._poll_soon()  # it finds the same rows

    async def _process(self, source: Sequence[tuple[bool, Row]]) -> None:
        orders = self._orders_of(row for is_order, row in source if is_order)
        trades = self._trades_of([row for is_order, row in source if not is_order])
        for section in self._sections():
            snapshots = [each for each in orders if each.symbol in section.symbols]
            executed = [each for each in trades if each.symbol in section.symbols]
            if snapshots or executed:
                await self._process_section(section, snapshots, executed)

    def _orders_of(self, rows: Iterable[Row]) -> list[OrderSnapshot]:
        parsed = []
        for row in rows:
            try:
                snapshot = parse_order(row, self._venue, self._client.instruments)
            except ReadFailed as error:
                self._raw_rows.quarantine(ORDER, error.message, row)
                continue
            if snapshot is not None:
                parsed.append(snapshot)
        return parsed

    def _trades_of(self, rows: Sequence[Row]) -> list[TradeSnapshot]:
        """Executions with an id: of two others that are equal, one may be a repetition."""
        with_id = [row for row in rows if get_row_id(row) is not None]
        unique = {(row.get("symbol"), get_row_id(row)): row for row in with_id}
        if len(with_id) < len(rows):
            self._poll_soon()
        quarantine = partial(self._raw_rows.quarantine, TRADE)
        return parse_trades(unique.values(), self._venue, self._client.instruments, quarantine)

    async def _process_section(
        self,
        section: AccountSection,
        snapshots: Sequence[OrderSnapshot],
        trades: Sequence[TradeSnapshot],
    ) -> None:
        now, source = self._clock(), ReportSource.STREAM
        without_ends = [
            evolve(o, status=VenueOrderStatus.OPEN) if o.status in _ENDS else o for o in snapshots
        ]
        # Orders first: an execution may be known by its order's id alone.
        for orders, executed in ((without_ends, ()), ((), trades)):
            processed = await self._processor(section, orders, executed, now, source=source)
            reports = [*processed.orders, *(report for _, report in processed.trades)]
            self._report_buffer.put(reports, [], processed.charges)
            if processed.unattributed_since is not None:
                self._poll_soon()
        for each in snapshots:
            self._handle_end(each, now)
        for tracked, snapshot in list(self._missing_fills.values()):
            if not self._report_builder.missing_qty(snapshot, tracked):
                del self._missing_fills[id(tracked)]
                self._report_buffer.put(self._report_builder.from_order(snapshot, source, now))

    def _handle_end(self, snapshot: OrderSnapshot, now: datetime) -> None:
        """Report an end whose executions were reported; wait for missing ones."""
        tracked = self._report_builder.track(snapshot, now)
        if tracked is None:
            return
        if not self._report_builder.missing_qty(snapshot, tracked):
            if snapshot.status in _ENDS:
                self._report_buffer.put(
                    self._report_builder.from_order(snapshot, ReportSource.STREAM, now)
                )
            return
        is_new = id(tracked) not in self._missing_fills
        if is_new or snapshot.filled >= self._missing_fills[id(tracked)][1].filled:
            self._missing_fills[id(tracked)] = tracked, snapshot
        if is_new:
            self._tasks.start(self._query_later(tracked))

    async def _query_later(self, tracked: TrackedOrder) -> None:
        await asyncio.sleep(self._timings.missing_fills_seconds)
        if self._missing_fills.pop(id(tracked), None) is not None:
            query = PendingQuery(tracked=tracked, kind=QueryKind.STATUS, since=self._clock())
            self._resolver.start(query)
