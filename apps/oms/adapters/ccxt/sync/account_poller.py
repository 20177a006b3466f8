"""Polls an account: often while orders are open, seldom otherwise.

An open order of the gateway that a list does not contain is looked up, never assumed to have ended.
A poll that follows a request reads no executions if the list of open orders contains all of them
unchanged; the next regular poll does. An empty list of executions may be wrong: the next poll reads
from the same time on, at most ten minutes back.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from oms.adapters.ccxt.client.connection import Connection
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder
from oms.adapters.ccxt.orders.unknown_order_resolver import (
    PendingQuery,
    QueryKind,
    UnknownOrderResolver,
)
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.streams.stream_status import StreamStatus
from oms.adapters.ccxt.sync.account_reader import AccountReader
from oms.adapters.ccxt.sync.poll_trigger import PollTrigger
from oms.adapters.ccxt.sync.report_builder import ReportBuilder
from oms.adapters.ccxt.sync.snapshot_processor import SnapshotProcessor
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.venues.account_sections import AccountSection
from oms.domain.money import ZERO

FIRST_LOOKBACK = timedelta(seconds=600)


class AccountPoller:
    """Polls one account once its client is open."""

    def __init__(
        self,
        *,
        connection: Connection,
        reader: AccountReader,
        processor: SnapshotProcessor,
        orders: OrderCache,
        report_builder: ReportBuilder,
        resolver: UnknownOrderResolver,
        report_buffer: ReportBuffer,
        stream_status: StreamStatus,
        trigger: PollTrigger,
        clock: Callable[[], datetime],
        timings: Timings,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._processor = processor
        self._orders = orders
        self._report_builder = report_builder
        self._resolver = resolver
        self._report_buffer = report_buffer
        self._stream_status = stream_status
        self._trigger = trigger
        self._clock = clock
        self._timings = timings
        #: By section: the time from which executions are read next, and of the last read.
        self._read_until: dict[str, datetime] = {}
        self._read_at: dict[str, datetime] = {}
        self._all_read_at: datetime | None = None
        self.is_ready = False

    @property
    def fully_polled_at(self) -> datetime | None:
        """Start of the last poll of the whole account."""
        return self._all_read_at

    async def run(self) -> None:
        """Poll until canceled. The exchange is ready after the first poll, whatever its result."""
        while True:
            try:
                await self._read()
            except ReadFailed as failed:
                pause = self._connection.record_failure(failed)
                self._trigger.set_full_due()
                self._set_ready()
                await asyncio.sleep(pause)
            else:
                self._connection.record_success()
                self._set_ready()
                await self._wait_next()

    def _set_ready(self) -> None:
        if not self.is_ready:
            self.is_ready = True
            self._report_buffer.notify()

    async def _wait_next(self) -> None:
        """Wait until the next poll is due; less after a change."""
        pause = (
            self._timings.live_poll_seconds
            if self._orders.live_orders()
            else self._timings.idle_poll_seconds
        )
        if self._stream_status.is_connected:
            pause = self._timings.streaming_poll_seconds
        try:
            async with asyncio.timeout(pause):
                await self._trigger.wait()
        except TimeoutError:
            return
        await asyncio.sleep(self._timings.wake_delay_seconds)

    async def _read(self) -> None:
        now = self._clock()
        interval = timedelta(seconds=self._timings.idle_poll_seconds)
        is_full = self._all_read_at is None or abs(now - self._all_read_at) >= interval
        is_full |= self._trigger.take_full_due() or self._stream_status.is_connected
        active_symbols = {tracked.symbol for tracked in self._orders.live_orders()}
        active_symbols |= self._trigger.changed_symbols
        self._trigger.clear()
        for section in self._reader.sections():
            if is_full or section.symbols & active_symbols:
                await self._read_section(
                    section, is_whole=is_full or self._are_trades_due(section, now)
                )
        self._trigger.changed_symbols -= active_symbols
        if is_full:
            self._all_read_at = now
            self._orders.prune(now - timedelta(seconds=self._timings.remember_seconds))

    def _are_trades_due(self, section: AccountSection, now: datetime) -> bool:
        """Whether executions are to be read, whatever the list of open orders contains."""
        read_at = self._read_at.get(section.name)
        return read_at is None or abs(now - read_at) >= timedelta(
            seconds=self._timings.live_poll_seconds
        )

    async def _read_section(self, section: AccountSection, *, is_whole: bool) -> None:
        began = self._clock()
        snapshots = await self._reader.open_orders(section)
        if not is_whole and self._is_unchanged(section, snapshots):
            processed = await self._processor(section, snapshots, (), self._clock())
            self._report_buffer.put(processed.orders)
            return
        self._read_at[section.name] = began
        until = self._read_until.get(section.name)
        since = began - FIRST_LOOKBACK
        if until is not None:
            since = until - timedelta(seconds=self._timings.trade_overlap_seconds)
        now = self._clock()
        trades, _ = await self._reader.trades(section, since, now, all_kinds=False, now=now)
        processed = await self._processor(section, snapshots, trades, now)
        reports = [*processed.orders, *(report for _, report in processed.trades)]
        self._report_buffer.put(reports, [], processed.charges)
        read_until = began if trades else max(until or since, began - FIRST_LOOKBACK)
        first = processed.unattributed_since
        self._read_until[section.name] = read_until if first is None else min(read_until, first)
        self._query_missing(section, snapshots, began)

    def _is_unchanged(self, section: AccountSection, snapshots: Sequence[OrderSnapshot]) -> bool:
        """Whether the list contains each open order, and no order has new fills."""
        live = [
            tracked for tracked in self._orders.live_orders() if tracked.symbol in section.symbols
        ]
        filled = {tracked.current_order_id: tracked.filled for tracked in live}
        has_no_new_fills = all(
            each.filled <= filled.get(each.exchange_order_id, ZERO) for each in snapshots
        )
        return has_no_new_fills and filled.keys() <= {each.exchange_order_id for each in snapshots}

    def _query_missing(
        self, section: AccountSection, snapshots: Sequence[OrderSnapshot], began: datetime
    ) -> None:
        """Look up orders that the list does not contain, and orders with missing executions."""
        names = {each.exchange_order_id for each in snapshots}
        for tracked in self._orders.live_orders():
            is_listed = tracked.symbol not in section.symbols or tracked.current_order_id in names
            if not is_listed and (tracked.accepted_at or began) < began:
                self._query_order(tracked, began)
        for each in snapshots:
            order = self._orders.find(each.symbol, each.exchange_order_id, each.client_id)
            if order is not None and self._report_builder.missing_qty(each, order):
                self._query_order(order, began)

    def _query_order(self, tracked: TrackedOrder, now: datetime) -> None:
        pause = timedelta(seconds=self._timings.lookup_interval_seconds)
        if tracked.missing_checked_at is not None and now - tracked.missing_checked_at < pause:
            return
        if not self._resolver.is_pending(tracked):
            self._resolver.start(PendingQuery(tracked=tracked, kind=QueryKind.STATUS, since=now))
