"""The parts of one ``CcxtExchange``, put together once; which part does what is told by each."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from oms.adapters.ccxt.background_tasks import BackgroundTasks
from oms.adapters.ccxt.client.connection import Connection
from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.adapters.ccxt.orders.order_cache import OrderCache
from oms.adapters.ccxt.orders.order_query import OrderQuery
from oms.adapters.ccxt.orders.order_queues import PerOrderQueue, WriteLimiter
from oms.adapters.ccxt.orders.order_replacer import OrderReplacer
from oms.adapters.ccxt.orders.order_requests import OrderRequest
from oms.adapters.ccxt.orders.replacement_reports import ReplacementReporter
from oms.adapters.ccxt.orders.request_journal import RequestJournal
from oms.adapters.ccxt.orders.request_sender import RequestSender
from oms.adapters.ccxt.orders.retrying_writer import RetryingWriter
from oms.adapters.ccxt.orders.unknown_order_resolver import UnknownOrderResolver
from oms.adapters.ccxt.prices.ticker_cache import TickerCache
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.streams.account_streams import AccountStreams
from oms.adapters.ccxt.streams.stream_ingest import StreamIngest
from oms.adapters.ccxt.sync.account_poller import AccountPoller
from oms.adapters.ccxt.sync.account_reader import AccountReader
from oms.adapters.ccxt.sync.order_lookup import OrderLookup
from oms.adapters.ccxt.sync.position_modes import PositionModeReader
from oms.adapters.ccxt.sync.raw_row_buffer import RawRowBuffer
from oms.adapters.ccxt.sync.report_builder import ReportBuilder
from oms.adapters.ccxt.sync.snapshot_collector import SnapshotCollector
from oms.adapters.ccxt.sync.snapshot_processor import SnapshotProcessor
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.trading_settings import load_trading_settings
from oms.adapters.ccxt.venues.profile import get_profile
from oms.domain.account import Account, Engine
from oms.ports.exchange import ConnectionState


class ExchangeParts:
    """All of them; nothing runs yet."""

    def __init__(
        self,
        *,
        account: Account,
        make_client: Callable[[], ExchangeClient],
        tag: str,
        on_update: Callable[[], None],
        is_own_order: Callable[[int], Awaitable[bool]] | None,
        inflight_writes_max: int,
        timings: Timings,
        clock: Callable[[], datetime],
    ) -> None:
        self._account = account
        self._timings = timings
        self._clock = clock
        self.tasks = BackgroundTasks()
        self.report_buffer = ReportBuffer(
            on_update, lambda reports: self.streams.record_reports(reports)
        )
        client_ids = ClientOrderIdCodec(
            tag, is_short=get_profile(account.venue).has_short_client_ids
        )
        self.orders = OrderCache(client_ids)
        self.connection = Connection(make_client, timings)
        self._profile = get_profile(account.venue)
        self.modes = PositionModeReader(
            client=self.connection, venue=account.venue, mode=account.position_mode
        )
        self._settings = load_trading_settings(account)
        self._report_builder = ReportBuilder(self.orders, infers_fills=self._settings.infers_fills)
        self._lookup = OrderLookup(self.connection, account.venue, self._profile, clock)
        self.raw_rows = RawRowBuffer(account.venue)
        self._reader = AccountReader(
            self.connection, account.venue, self._profile, self._symbols, self.raw_rows
        )
        self.resolver = self._asks()
        self._processor = self._digests(is_own_order)
        self.streams = self._streams()
        self.polling = self._polls()
        self.watching = self._watches()
        self.sweeping = self._sweeps()
        room = self._settings.inflight_writes_max or inflight_writes_max
        self.queues = PerOrderQueue(self._carries(room).send, self.tasks)
        self.tickers = TickerCache(self.connection, clock, timings)
        self.journal = RequestJournal(
            orders=self.orders,
            queues=self.queues,
            report_buffer=self.report_buffer,
            venue=account.venue,
            profile=self._profile,
            timings=timings,
            settings=self._settings,
        )
        self.asking = self._looks()

    def connection_state(self) -> ConnectionState:
        """How the exchange is reached now."""
        return ConnectionState(
            engine=self._account.engine.value,
            environment=self._account.environment.value,
            hosts_called=self.connection.hosts_called,
            last_call_at=self.connection.last_call_at,
            stream=self.streams.state,
            last_event_at=self.streams.last_event_at,
            gaps=self.streams.gaps,
            reconciled_at=self.polling.fully_polled_at,
        )

    def _asks(self) -> UnknownOrderResolver:
        return UnknownOrderResolver(
            lookup=self._lookup,
            report_builder=self._report_builder,
            report_buffer=self.report_buffer,
            clock=self._clock,
            timings=self._timings,
            window=self._window,
            tasks=self.tasks,
            retry_cancel=self._again,
            resend=self._resend,
        )

    def _digests(self, is_own_order: Callable[[int], Awaitable[bool]] | None) -> SnapshotProcessor:
        return SnapshotProcessor(
            orders=self.orders,
            report_builder=self._report_builder,
            lookup=self._lookup,
            reader=self._reader,
            profile=self._profile,
            window=self._window,
            is_own_order=is_own_order,
        )

    def _polls(self) -> AccountPoller:
        return AccountPoller(
            connection=self.connection,
            reader=self._reader,
            processor=self._processor,
            orders=self.orders,
            report_builder=self._report_builder,
            resolver=self.resolver,
            report_buffer=self.report_buffer,
            streams=self.streams,
            clock=self._clock,
            timings=self._timings,
        )

    def _streams(self) -> AccountStreams:
        return AccountStreams(
            is_enabled=self._account.engine is Engine.CCXTPRO,
            connection=self.connection,
            venue=self._account.venue,
            orders=self.orders,
            on_rows=lambda method, rows: self.watching.enqueue(method, rows),
            poll_soon=lambda: self.polling.poll_soon(),
            clock=self._clock,
            timings=self._timings,
        )

    def _watches(self) -> StreamIngest:
        return StreamIngest(
            client=self.connection,
            venue=self._account.venue,
            sections=self._reader.sections,
            processor=self._processor,
            report_builder=self._report_builder,
            resolver=self.resolver,
            report_buffer=self.report_buffer,
            raw_rows=self.raw_rows,
            tasks=self.tasks,
            poll_soon=self.polling.poll_soon,
            clock=self._clock,
            timings=self._timings,
        )

    def _sweeps(self) -> SnapshotCollector:
        return SnapshotCollector(
            connection=self.connection,
            reader=self._reader,
            processor=self._processor,
            report_buffer=self.report_buffer,
            clock=self._clock,
            raw_rows=self.raw_rows,
            orders=self.orders,
        )

    def _looks(self) -> OrderQuery:
        return OrderQuery(
            orders=self.orders,
            lookup=self._lookup,
            report_builder=self._report_builder,
            report_buffer=self.report_buffer,
            journal=self.journal,
            clock=self._clock,
            timings=self._timings,
        )

    def _replaces(self, limiter: WriteLimiter) -> OrderReplacer:
        return OrderReplacer(
            client=self.connection,
            modes=self.modes,
            orders=self.orders,
            lookup=self._lookup,
            reporter=ReplacementReporter(
                orders=self.orders,
                report_builder=self._report_builder,
                report_buffer=self.report_buffer,
                clock=self._clock,
                timings=self._timings,
            ),
            writer=RetryingWriter(
                client=self.connection, limiter=limiter, clock=self._clock, timings=self._timings
            ),
            create_replacement=lambda *wished: self.journal.create_replacement(*wished),
            clock=self._clock,
            timings=self._timings,
            window=self._window,
        )

    def _carries(self, room: int) -> RequestSender:
        limiter = WriteLimiter(room)
        return RequestSender(
            client=self.connection,
            modes=self.modes,
            orders=self.orders,
            report_buffer=self.report_buffer,
            resolver=self.resolver,
            clock=self._clock,
            timings=self._timings,
            limiter=limiter,
            replacing=self._replaces(limiter),
            poll_symbol_soon=self.polling.poll_symbol_soon,
            wait_for_streams=self.streams.wait_first_connection,
        )

    def _again(self, request: OrderRequest) -> None:
        self.queues.enqueue(request)

    def _resend(self, request: OrderRequest) -> bool:
        """Once more, unless something else was wished of the order meanwhile."""
        if not self._settings.resends_not_placed or self.queues.pending_requests(
            request.tracked.order_id
        ):
            return False
        return self.journal.resend(request, self._clock())

    def _window(self) -> float:
        """Seconds after a send in which it may still be carried out."""
        profile, timings = self._profile, self._timings
        seconds = (
            timings.window_seconds
            if profile.rejects_stale_requests
            else timings.unbounded_window_seconds
        )
        return seconds + self.connection.clock_error_ms / 1000

    def _symbols(self) -> list[str]:
        return [tracked.symbol for tracked in self.orders]
