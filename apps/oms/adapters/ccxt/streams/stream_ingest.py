"""What streams tell becomes reports, by the same ways as what is read.

Executions are told before the end of their order. An order whose state says that more was executed
than was told is looked up soon: a frame got lost, or is late. A row that cannot be trusted to be
told once alone is left to readings.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

from oms.adapters.ccxt.background_tasks import BackgroundTasks
from oms.adapters.ccxt.client.exchange_client import ExchangeClient, Row
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.orders.order_cache import TrackedOrder
from oms.adapters.ccxt.orders.unknown_order_resolver import (
    PendingQuery,
    QueryKind,
    UnknownOrderResolver,
)
from oms.adapters.ccxt.parsing.fields import get_row_id
from oms.adapters.ccxt.parsing.order_parser import OrderSnapshot, VenueOrderStatus, parse_order
from oms.adapters.ccxt.parsing.trade_parser import TradeSnapshot, parse_trades
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.streams.account_streams import ORDERS
from oms.adapters.ccxt.sync.raw_row_buffer import ORDER, TRADE, RawRowBuffer
from oms.adapters.ccxt.sync.report_builder import ReportBuilder
from oms.adapters.ccxt.sync.snapshot_processor import SnapshotProcessor
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.venues.profile import AccountSection
from oms.domain.orders.execution_report import ReportSource
from oms.domain.value import evolve

_ENDS = (VenueOrderStatus.CANCELED, VenueOrderStatus.EXPIRED)


class StreamIngest:
    """Of one account."""

    def __init__(
        self,
        *,
        client: ExchangeClient,
        venue: str,
        parts: Callable[[], Sequence[AccountSection]],
        processor: SnapshotProcessor,
        report_builder: ReportBuilder,
        resolver: UnknownOrderResolver,
        report_buffer: ReportBuffer,
        raw_rows: RawRowBuffer,
        tasks: BackgroundTasks,
        poll_soon: Callable[[], None],
        clock: Callable[[], datetime],
        timings: Timings,
    ) -> None:
        self._client = client
        self._venue = venue
        self._parts = parts
        self._processor = processor
        self._report_builder = report_builder
        self._resolver = resolver
        self._report_buffer = report_buffer
        self._raw_rows = raw_rows
        self._background_tasks = tasks
        self._read_soon = poll_soon
        self._clock = clock
        self._timings = timings
        self._heard: list[tuple[bool, Row]] = []
        self._news = asyncio.Event()
        #: States that say more was executed than was told, by order.
        self._short: dict[int, tuple[TrackedOrder, OrderSnapshot]] = {}

    def take(self, method: str, rows: Sequence[Row]) -> None:
        """Put rows of a topic aside, in the order heard."""
        self._heard += [(method == ORDERS, row) for row in rows]
        self._news.set()

    async def run(self) -> None:
        """Tell what was put aside, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            source, self._heard = self._heard, []
            try:
                await self._tell(source)
            except ReadFailed:
                self._read_soon()  # it will find the same, and try again

    async def _tell(self, source: Sequence[tuple[bool, Row]]) -> None:
        orders = self._orders_of(row for is_order, row in source if is_order)
        trades = self._trades_of([row for is_order, row in source if not is_order])
        for part in self._parts():
            shown = [each for each in orders if each.symbol in part.symbols]
            executed = [each for each in trades if each.symbol in part.symbols]
            if shown or executed:
                await self._tell_part(part, shown, executed)

    def _orders_of(self, rows: Iterable[Row]) -> list[OrderSnapshot]:
        found = []
        for row in rows:
            try:
                shown = parse_order(row, self._venue, self._client.instruments)
            except ReadFailed as wrong:
                self._raw_rows.quarantine(ORDER, wrong.message, row)
                continue
            if shown is not None:
                found.append(shown)
        return found

    def _trades_of(self, rows: Sequence[Row]) -> list[TradeSnapshot]:
        """Those with an id: of two that are alike in all else, one may be a repetition."""
        named = [row for row in rows if get_row_id(row) is not None]
        once = {(row.get("symbol"), get_row_id(row)): row for row in named}
        if len(named) < len(rows):
            self._read_soon()
        quarantine = partial(self._raw_rows.quarantine, TRADE)
        return parse_trades(once.values(), self._venue, self._client.instruments, quarantine)

    async def _tell_part(
        self, part: AccountSection, shown: Sequence[OrderSnapshot], trades: Sequence[TradeSnapshot]
    ) -> None:
        now, source = self._clock(), ReportSource.STREAM
        standing = [
            evolve(o, shown=VenueOrderStatus.OPEN) if o.shown in _ENDS else o for o in shown
        ]
        # Orders first: an execution may be known by its order's id alone.
        for orders, executed in ((standing, ()), ((), trades)):
            told = await self._processor(part, orders, executed, now, source=source)
            reports = [*told.orders, *(report for _, report in told.trades)]
            self._report_buffer.put(reports, [], told.charges)
            if told.unattributed_since is not None:
                self._read_soon()
        for each in shown:
            self._judge(each, now)
        for tracked, short in list(self._short.values()):
            if not self._report_builder.missing(short, tracked):
                del self._short[id(tracked)]
                self._report_buffer.put(self._report_builder.from_order(short, source, now))

    def _judge(self, shown: OrderSnapshot, now: datetime) -> None:
        """Tell an end whose executions were told; wait for those that are missing."""
        tracked = self._report_builder.track(shown, now)
        if tracked is None:
            return
        if not self._report_builder.missing(shown, tracked):
            if shown.shown in _ENDS:
                self._report_buffer.put(
                    self._report_builder.from_order(shown, ReportSource.STREAM, now)
                )
            return
        is_new = id(tracked) not in self._short
        if is_new or shown.filled >= self._short[id(tracked)][1].filled:
            self._short[id(tracked)] = tracked, shown
        if is_new:
            self._background_tasks.begin(self._look_up_later(tracked))

    async def _look_up_later(self, tracked: TrackedOrder) -> None:
        await asyncio.sleep(self._timings.missing)
        if self._short.pop(id(tracked), None) is not None:
            question = PendingQuery(tracked=tracked, kind=QueryKind.SEEN, since=self._clock())
            self._resolver.begin(question)
