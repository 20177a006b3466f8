"""Readings that go on by themselves: often while orders are live, seldom else.

An order of ours that is live and that a list does not show is looked up, never assumed to have
ended. A reading that an order's send has called for reads no executions where the list of open
orders shows all of them as they are known; the next one of the usual pace does.
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
from oms.adapters.ccxt.parsing.order_parser import OrderSnapshot
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.streams.account_streams import AccountStreams
from oms.adapters.ccxt.sync.account_reader import AccountReader
from oms.adapters.ccxt.sync.report_builder import ReportBuilder
from oms.adapters.ccxt.sync.snapshot_processor import SnapshotProcessor
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.venues.profile import AccountSection
from oms.domain.money import ZERO

FIRST_LOOKBACK = timedelta(seconds=600)


class AccountPoller:
    """Polls one account once it is open."""

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
        streams: AccountStreams,
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
        self._streams = streams
        self._clock = clock
        self._timings = timings
        #: Until when executions of a part were told, and when they were asked for.
        self._read_until: dict[str, datetime] = {}
        self._read_at: dict[str, datetime] = {}
        self._all_read_at: datetime | None = None
        self._stirred: set[str] = set()
        self._stir = asyncio.Event()
        self._all_is_due = True
        self.is_ready = False

    @property
    def fully_polled_at(self) -> datetime | None:
        """When the last reading of all began."""
        return self._all_read_at

    def poll_symbol_soon(self, symbol: str) -> None:
        """Something has happened in the symbol: read it soon, unless streams tell."""
        if self._streams.is_connected:
            return
        self._stirred.add(symbol)
        self._stir.set()

    def poll_soon(self) -> None:
        """Something may have happened anywhere: read all soon."""
        self._all_is_due = True
        self._stir.set()

    async def run(self) -> None:
        """Read for ever. It is ready once the first reading is over, whatever it came to."""
        while True:
            try:
                await self._read()
            except ReadFailed as failed:
                pause = self._connection.failed(failed)
                self._all_is_due = True
                self._become_ready()
                await asyncio.sleep(pause)
            else:
                self._connection.record_success()
                self._become_ready()
                await self._rest()

    def _become_ready(self) -> None:
        if not self.is_ready:
            self.is_ready = True
            self._report_buffer.notify()

    async def _rest(self) -> None:
        """Until the next reading is due; soon, if something has happened."""
        pause = self._timings.live if self._orders.live() else self._timings.idle_poll_seconds
        if self._streams.is_connected:
            pause = self._timings.streaming_poll_seconds
        try:
            async with asyncio.timeout(pause):
                await self._stir.wait()
        except TimeoutError:
            return
        await asyncio.sleep(self._timings.soon)

    async def _read(self) -> None:
        now = self._clock()
        idle_poll_seconds = timedelta(seconds=self._timings.idle_poll_seconds)
        is_all = self._all_read_at is None or now - self._all_read_at >= idle_poll_seconds
        is_all = is_all or self._all_is_due or self._streams.is_connected
        self._all_is_due = False
        busy = {tracked.symbol for tracked in self._orders.live()} | self._stirred
        self._stir.clear()
        for part in self._reader.parts():
            if is_all or part.symbols & busy:
                await self._read_part(part, is_whole=is_all or self._is_due(part, now))
        self._stirred -= busy
        if is_all:
            self._all_read_at = now
            self._orders.forget(now - timedelta(seconds=self._timings.remember_seconds))

    def _is_due(self, part: AccountSection, now: datetime) -> bool:
        """Whether executions are to be read, whatever the list of open orders shows."""
        read_at = self._read_at.get(part.name)
        return read_at is None or now - read_at >= timedelta(seconds=self._timings.live)

    async def _read_part(self, part: AccountSection, *, is_whole: bool) -> None:
        began = self._clock()
        shown = await self._reader.open_orders(part)
        if not is_whole and self._shows_all_resting(part, shown):
            digested = await self._processor(part, shown, (), self._clock())
            self._report_buffer.put(digested.orders)
            return
        self._read_at[part.name] = began
        until = self._read_until.get(part.name)
        since = began - FIRST_LOOKBACK
        if until is not None:
            since = until - timedelta(seconds=self._timings.trade_overlap_seconds)
        now = self._clock()
        trades, _ = await self._reader.trades(part, since, now, all_kinds=False, now=now)
        digested = await self._processor(part, shown, trades, now)
        reports = [*digested.orders, *(report for _, report in digested.trades)]
        self._report_buffer.put(reports, [], digested.charges)
        self._read_until[part.name] = min(began, digested.unattributed_since or began)
        self._look_for_missing(part, shown, began)

    def _shows_all_resting(self, part: AccountSection, shown: Sequence[OrderSnapshot]) -> bool:
        """Whether each live order is in the list, and nothing new was executed of any there."""
        live = [tracked for tracked in self._orders.live() if tracked.symbol in part.symbols]
        filled = {tracked.current_order_id: tracked.filled for tracked in live}
        is_quiet = all(each.filled <= filled.get(each.exchange_order_id, ZERO) for each in shown)
        return is_quiet and filled.keys() <= {each.exchange_order_id for each in shown}

    def _look_for_missing(
        self, part: AccountSection, shown: Sequence[OrderSnapshot], began: datetime
    ) -> None:
        """Ask for orders that are not in the list, and for executions that are not told."""
        names = {each.exchange_order_id for each in shown}
        for tracked in self._orders.live():
            is_shown = tracked.symbol not in part.symbols or tracked.current_order_id in names
            if not is_shown and (tracked.accepted_at or began) < began:
                self._ask(tracked, began)
        for each in shown:
            known_as = self._orders.named(each.symbol, each.exchange_order_id, each.client_id)
            if known_as is not None and self._report_builder.missing(each, known_as):
                self._ask(known_as, began)

    def _ask(self, tracked: TrackedOrder, now: datetime) -> None:
        pause = timedelta(seconds=self._timings.lookup_interval_seconds)
        if tracked.missing_checked_at is not None and now - tracked.missing_checked_at < pause:
            return
        if not self._resolver.is_pending(tracked):
            self._resolver.begin(PendingQuery(tracked=tracked, kind=QueryKind.SEEN, since=now))
