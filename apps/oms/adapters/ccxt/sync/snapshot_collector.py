"""Collects snapshots: the whole of an account, read at one time.

Executions are read twice: those made during the first read belong to the snapshot, or positions
would differ from executions.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from oms.adapters.ccxt.client.connection import Connection
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.orders.order_cache import OrderCache
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.sync.account_reader import AccountReader, Holdings
from oms.adapters.ccxt.sync.mark_prices import MarkPriceReader
from oms.adapters.ccxt.sync.missing_orders import MissingOrders
from oms.adapters.ccxt.sync.raw_row_buffer import RawRowBuffer
from oms.adapters.ccxt.sync.snapshot_processor import SnapshotProcessor
from oms.adapters.ccxt.sync.symbol_scope import SymbolScope
from oms.adapters.ccxt.venues.account_sections import AccountSection
from oms.domain.orders.execution_report import Charge, ExecutionReport
from oms.ports.exchange import ExchangeSnapshot

_OVERLAP = timedelta(seconds=5)


class SnapshotCollector:
    """Snapshots of one account, one at a time."""

    def __init__(
        self,
        *,
        connection: Connection,
        reader: AccountReader,
        processor: SnapshotProcessor,
        report_buffer: ReportBuffer,
        clock: Callable[[], datetime],
        raw_rows: RawRowBuffer,
        orders: OrderCache,
        missing_orders: MissingOrders,
        marks: MarkPriceReader,
        scope: SymbolScope,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._processor = processor
        self._report_buffer = report_buffer
        self._clock = clock
        self._raw_rows = raw_rows
        self._orders = orders
        self._missing_orders = missing_orders
        self._marks = marks
        self._scope = scope
        self._since: datetime | None = None
        #: Requests with an end, each read by itself.
        self._periods: list[tuple[datetime, datetime]] = []
        self._requested = asyncio.Event()
        self._request_count = 0

    def request(
        self, since: datetime, until: datetime | None = None, symbols: Collection[str] = ()
    ) -> int:
        """Request a snapshot since then; with ``until`` of executions up to then only.

        Returns the number of the request. A snapshot that is being read was requested before.

        ``symbols`` are read from now on, where the venue lists nothing without one.
        """
        self._scope.add(symbols)
        if until is not None:
            self._periods.append((since, until))
        else:
            self._since = since if self._since is None else min(since, self._since)
        self._requested.set()
        self._request_count += 1
        return self._request_count

    async def run(self) -> None:
        """Collect requested snapshots until canceled; a failed one is requested again later."""
        while True:
            await self._requested.wait()
            since, until = self._next()
            try:
                snapshot = await self.snapshot(since, until)
            except ReadFailed as failed:
                self.request(since, until)
                await asyncio.sleep(self._connection.record_failure(failed))
            else:
                self._connection.record_success()
                self._report_buffer.add_snapshot(snapshot)

    def _next(self) -> tuple[datetime, datetime | None]:
        """The next request; those with an end wait for the one without."""
        since, self._since = self._since, None
        if since is not None:
            period: tuple[datetime, datetime | None] = since, None
        else:
            period = self._periods.pop(0)
        if not self._periods:
            self._requested.clear()
        return period

    async def snapshot(self, since: datetime, until: datetime | None = None) -> ExchangeSnapshot:
        """Returns one snapshot. Raises ``ReadFailed``, after reporting what was read."""
        collected, request = _Collected(), self._request_count
        try:
            holdings, balances = await self._read(since, until, collected)
            has_legs = await self._reader.has_legs(self._clock())
        except ReadFailed:
            reports = [*collected.orders, *(report for _, report in collected.trades.values())]
            self._report_buffer.put(reports, [], collected.charges)
            raise
        self._report_buffer.put([], [], collected.charges)
        return ExchangeSnapshot(
            since=since,
            until=until,
            orders=tuple(collected.orders),
            trades=tuple(collected.trades.values()),
            holdings=holdings.quantities,
            raw=self._raw_rows.take(),
            balances=balances,
            averages=holdings.averages,
            trades_whole_from=self._reader.complete_from(since, self._clock()),
            reaches_from=self._reader.reaches_from(since, self._clock()),
            has_legs=has_legs,
            funding=tuple(collected.funding),
            funding_whole_from=self._reader.funding_from(since, self._clock())
            if collected.is_funding_whole
            else None,
            request=request,
        )

    async def _read(
        self, since: datetime, until: datetime | None, collected: "_Collected"
    ) -> tuple[Holdings, dict[str, Decimal] | None]:
        """Orders and executions, holdings, and the executions made meanwhile."""
        began = self._clock()
        sections = self._reader.sections()
        if self._reader.needs_symbols:
            self._scope.add(self._orders.symbols())
            held = await self._reader.holdings(sections)
            self._scope.add_holdings(held.quantities, await self._reader.balances(sections))
            self._scope.add(await self._reader.active_symbols(since, began))
        for section in sections:
            listing_began = self._clock()
            open_orders = await self._open_orders(section)
            self._scope.add_orders(open_orders)
            if until is None:
                await self._missing_orders.report(section, open_orders, listing_began)
            due = self._scope.due(since, began)
            orders = [*open_orders, *await self._closed_external_orders(section, since, due)]
            await self._read_trades(
                section, orders, since, collected, due, until=until, all_kinds=True
            )
        holdings = await self._reader.holdings(sections)
        balances = await self._reader.balances(sections)
        if until is None:
            await self._marks.read_spot(self._orders.symbols(), balances)
            due = self._scope.due(since, began)
            for section in sections:
                await self._read_trades(
                    section, (), began - _OVERLAP, collected, due, all_kinds=False
                )
            self._scope.mark_read(due, since)
        return holdings, balances

    async def _open_orders(self, section: AccountSection) -> list[OrderSnapshot]:
        """All open orders; of the known symbols where the venue refuses to list all."""
        try:
            is_whole = self._reader.lists_all_open_orders
            symbols = None if is_whole else self._scope.symbols
            return await self._reader.open_orders(section, symbols)
        except ReadFailed as failed:
            if failed.retryable or not self._reader.needs_symbols:
                raise
            return await self._reader.open_orders(section, self._scope.symbols)

    async def _closed_external_orders(
        self, section: AccountSection, since: datetime, symbols: Collection[str]
    ) -> Sequence[OrderSnapshot]:
        """Closed external orders; none where the venue does not list them so.

        How an own order ended is looked up: its executions are reported before its end.
        """
        try:
            closed = await self._reader.closed_orders(section, since, self._clock(), symbols)
        except ReadFailed as failed:
            if failed.retryable:
                raise
            return ()
        return [each for each in closed if not self._is_own(each)]

    def _is_own(self, snapshot: OrderSnapshot) -> bool:
        if self._orders.client_ids.order_id_of(snapshot.client_id) is not None:
            return True
        tracked = self._orders.find(snapshot.symbol, snapshot.exchange_order_id, snapshot.client_id)
        return tracked is not None and tracked.order_id != 0

    async def _read_trades(
        self,
        section: AccountSection,
        orders: Sequence[OrderSnapshot],
        since: datetime,
        collected: "_Collected",
        symbols: Collection[str],
        *,
        until: datetime | None = None,
        all_kinds: bool,
    ) -> None:
        now = self._clock()
        end = now if until is None else min(until, now)
        trades, paid = await self._reader.trades(
            section, since, end, all_kinds=all_kinds, now=now, symbols=symbols
        )
        if all_kinds:
            listed = await self._reader.funding(section, since, end, now, symbols)
            collected.is_funding_whole &= listed is not None
            paid = [*paid, *(listed or ())]
            collected.funding += paid
        # Reported even if the rest fails: the list of funding is not read again from there.
        collected.charges += paid
        processed = await self._processor(section, orders, trades, now, include_reported=True)
        collected.orders += processed.orders
        collected.charges += processed.charges
        for symbol, report in processed.trades:
            assert report.execution is not None, "a trade report has an execution"
            collected.trades[symbol, report.execution.exchange_trade_id] = (symbol, report)


@dataclass(slots=True)
class _Collected:
    """What one snapshot contains so far."""

    orders: list[ExecutionReport] = field(default_factory=list)
    trades: dict[tuple[str, str], tuple[str, ExecutionReport]] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    #: Funding payments, which ``charges`` has too, and whether these are all since then.
    funding: list[Charge] = field(default_factory=list)
    is_funding_whole: bool = True
