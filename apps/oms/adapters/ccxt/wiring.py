"""Builds the object graph of one ``CcxtExchange``; every object is given what exists before it.

Two leaves keep the graph free of cycles: ``StreamStatus`` and ``PollTrigger`` are known to those
that would otherwise need the streams and the poller. The queues get their sender last.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from oms.adapters.ccxt.ccxt_exchange import CcxtExchange, ExchangeComponents
from oms.adapters.ccxt.client.connection import Connection
from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.exchange_tasks import ExchangeTasks
from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.adapters.ccxt.orders.order_cache import OrderCache
from oms.adapters.ccxt.orders.order_query import OrderQuery
from oms.adapters.ccxt.orders.order_queues import PerOrderQueue, WriteLimiter
from oms.adapters.ccxt.orders.order_replacer import OrderReplacer
from oms.adapters.ccxt.orders.placement_writer import PlacementWriter
from oms.adapters.ccxt.orders.recovery import restore_orders
from oms.adapters.ccxt.orders.replacement_reports import ReplacementReporter
from oms.adapters.ccxt.orders.request_journal import RequestJournal
from oms.adapters.ccxt.orders.request_sender import RequestSender
from oms.adapters.ccxt.orders.retrying_writer import RetryingWriter
from oms.adapters.ccxt.orders.unknown_order_resolver import UnknownOrderResolver
from oms.adapters.ccxt.prices.ticker_cache import TickerCache
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.streams.account_streams import AccountStreams
from oms.adapters.ccxt.streams.stream_ingest import StreamIngest
from oms.adapters.ccxt.streams.stream_status import StreamStatus
from oms.adapters.ccxt.streams.stream_watchdog import StreamWatchdog
from oms.adapters.ccxt.sync.account_poller import AccountPoller
from oms.adapters.ccxt.sync.account_reader import AccountReader
from oms.adapters.ccxt.sync.mark_prices import MarkPriceReader
from oms.adapters.ccxt.sync.missing_orders import MissingOrders
from oms.adapters.ccxt.sync.order_lookup import OrderLookup
from oms.adapters.ccxt.sync.poll_trigger import PollTrigger
from oms.adapters.ccxt.sync.position_modes import PositionModeReader
from oms.adapters.ccxt.sync.raw_row_buffer import RawRowBuffer
from oms.adapters.ccxt.sync.report_builder import ReportBuilder
from oms.adapters.ccxt.sync.snapshot_collector import SnapshotCollector
from oms.adapters.ccxt.sync.snapshot_processor import FindOwnOrders, SnapshotProcessor
from oms.adapters.ccxt.sync.symbol_scope import SymbolScope
from oms.adapters.ccxt.sync.wallet_reader import WalletReader
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.trading_settings import TradingSettings, load_trading_settings
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.account import Account, Engine
from oms.domain.orders.order import Order
from oms.ports.exchange import AttemptRow

INFLIGHT_WRITES_MAX = 8


def _utc_now() -> datetime:
    return datetime.now(UTC)


def build_exchange(
    *,
    account: Account,
    make_client: Callable[[], ExchangeClient],
    installation_tag: str,
    on_update: Callable[[], None],
    open_orders: Sequence[Order] = (),
    attempts: Sequence[AttemptRow] = (),
    known_symbols: Collection[str] = (),
    is_own_order: Callable[[int], Awaitable[bool]] | None = None,
    find_own_orders: FindOwnOrders | None = None,
    inflight_writes_max: int = INFLIGHT_WRITES_MAX,
    timings: Timings | None = None,
    clock: Callable[[], datetime] = _utc_now,
) -> CcxtExchange:
    """Returns the exchange of an account; called inside a running loop, where its tasks begin.

    ``open_orders`` and ``attempts`` are the stored orders that are not final and their requests,
    ``known_symbols`` those that the account ever traded or holds, ``installation_tag`` is 8 hex
    characters, ``make_client`` makes a new client at each call.
    ``is_own_order`` says whether an order of this installation belongs to this account,
    ``find_own_orders`` which orders that it sent have these exchange ids.
    ``on_update`` is called when the worker has something to fetch.
    """
    core = _build_core(
        account=account,
        make_client=make_client,
        installation_tag=installation_tag,
        on_update=on_update,
        known_symbols=known_symbols,
        timings=timings or Timings(),
        clock=clock,
    )
    restore_orders(core.orders, open_orders, attempts, core.profile)
    sending = _build_sending(core, core.settings.inflight_writes_max or inflight_writes_max)
    scope = SymbolScope(core.connection, known_symbols)
    processor = SnapshotProcessor(
        orders=core.orders,
        report_builder=core.report_builder,
        lookup=core.lookup,
        reader=core.reader,
        profile=core.profile,
        window=core.window_seconds,
        is_own_order=is_own_order,
        find_own_orders=find_own_orders,
    )
    components = _build_components(core, sending, processor, scope)
    exchange = CcxtExchange(components, clock)
    exchange.start(open_orders, attempts)
    return exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class _Core:
    """What the other objects share; none of these needs another group."""

    account: Account
    profile: VenueProfile
    settings: TradingSettings
    timings: Timings
    clock: Callable[[], datetime]
    tasks: ExchangeTasks
    watchdog: StreamWatchdog
    stream_status: StreamStatus
    trigger: PollTrigger
    report_buffer: ReportBuffer
    raw_rows: RawRowBuffer
    orders: OrderCache
    connection: Connection
    modes: PositionModeReader
    report_builder: ReportBuilder
    lookup: OrderLookup
    marks: MarkPriceReader
    wallets: WalletReader
    reader: AccountReader

    def window_seconds(self) -> float:
        """Seconds after a send in which the exchange may still execute the request."""
        timings, is_bounded = self.timings, self.profile.rejects_stale_requests
        seconds = timings.window_seconds if is_bounded else timings.unbounded_window_seconds
        seconds += self.settings.extra_window_seconds
        return seconds + self.connection.clock_error_ms / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sending:
    """The way of a request from the journal to its outcome."""

    queues: PerOrderQueue
    journal: RequestJournal
    resolver: UnknownOrderResolver


def _build_core(
    *,
    account: Account,
    make_client: Callable[[], ExchangeClient],
    installation_tag: str,
    on_update: Callable[[], None],
    known_symbols: Collection[str],
    timings: Timings,
    clock: Callable[[], datetime],
) -> _Core:
    venue, profile = account.venue, get_profile(account.venue)
    settings, raw_rows = load_trading_settings(account), RawRowBuffer(account.venue)
    watchdog = StreamWatchdog(
        silence_seconds=timings.stream_silence_seconds, delay_seconds=timings.stream_delay_seconds
    )
    stream_status = StreamStatus(
        is_enabled=account.engine is Engine.CCXTPRO,
        venue=venue,
        first_wait_seconds=timings.first_order_wait_seconds,
    )
    orders = OrderCache(ClientOrderIdCodec(installation_tag, is_short=profile.has_short_client_ids))
    connection = Connection(make_client, timings)
    marks = MarkPriceReader(connection, clock, known_symbols)
    report_buffer = ReportBuffer(on_update, lambda each: watchdog.record_reports(each, clock()))
    wallets = WalletReader(connection, profile, clock, timings, on_update)
    report_buffer.on_money = wallets.read_soon
    return _Core(
        account=account,
        profile=profile,
        settings=settings,
        timings=timings,
        clock=clock,
        tasks=ExchangeTasks(),
        watchdog=watchdog,
        stream_status=stream_status,
        trigger=PollTrigger(stream_status),
        report_buffer=report_buffer,
        raw_rows=raw_rows,
        orders=orders,
        connection=connection,
        modes=PositionModeReader(client=connection, venue=venue, mode=account.position_mode),
        report_builder=ReportBuilder(orders, infers_fills=settings.infers_fills),
        lookup=OrderLookup(connection, venue, profile, clock, orders),
        marks=marks,
        wallets=wallets,
        reader=AccountReader(
            connection, venue, profile, orders.symbols, raw_rows, marks.record_positions
        ),
    )


def _build_sending(core: _Core, inflight_writes_max: int) -> _Sending:
    queues = PerOrderQueue(core.tasks)
    journal = RequestJournal(
        orders=core.orders,
        queues=queues,
        report_buffer=core.report_buffer,
        profile=core.profile,
        timings=core.timings,
        settings=core.settings,
    )
    resolver = UnknownOrderResolver(
        lookup=core.lookup,
        report_builder=core.report_builder,
        report_buffer=core.report_buffer,
        clock=core.clock,
        timings=core.timings,
        window=core.window_seconds,
        tasks=core.tasks,
        queues=queues,
        journal=journal,
    )
    limiter = WriteLimiter(inflight_writes_max)
    sender = RequestSender(
        client=core.connection,
        profile=core.profile,
        modes=core.modes,
        orders=core.orders,
        report_buffer=core.report_buffer,
        resolver=resolver,
        clock=core.clock,
        timings=core.timings,
        limiter=limiter,
        place=_build_placements(core, journal, limiter),
        extend_deadline=journal.extend_deadline,
        replacer=_build_replacer(core, journal, limiter),
        poll_symbol_soon=core.trigger.poll_symbol_soon,
        wait_for_streams=core.stream_status.wait_first_connection,
    )
    queues.set_sender(sender.send)
    return _Sending(queues=queues, journal=journal, resolver=resolver)


def _build_placements(
    core: _Core, journal: RequestJournal, limiter: WriteLimiter
) -> PlacementWriter:
    return PlacementWriter(
        client=core.connection,
        limiter=limiter,
        batch=core.settings.allowed_batch(core.profile.order_batch),
        clock=core.clock,
        renew=journal.extend_deadline,
        renew_before=timedelta(seconds=core.timings.renew_before_seconds),
    )


def _build_replacer(core: _Core, journal: RequestJournal, limiter: WriteLimiter) -> OrderReplacer:
    return OrderReplacer(
        client=core.connection,
        profile=core.profile,
        modes=core.modes,
        orders=core.orders,
        lookup=core.lookup,
        reporter=ReplacementReporter(
            orders=core.orders,
            report_builder=core.report_builder,
            report_buffer=core.report_buffer,
            clock=core.clock,
            timings=core.timings,
        ),
        writer=RetryingWriter(
            client=core.connection, limiter=limiter, clock=core.clock, timings=core.timings
        ),
        create_replacement=journal.create_replacement,
        clock=core.clock,
        timings=core.timings,
        window=core.window_seconds,
    )


def _build_components(
    core: _Core,
    sending: _Sending,
    processor: SnapshotProcessor,
    scope: SymbolScope,
) -> ExchangeComponents:
    ingest = _build_ingest(core, sending, processor)
    return ExchangeComponents(
        account=core.account,
        tasks=core.tasks,
        report_buffer=core.report_buffer,
        raw_rows=core.raw_rows,
        orders=core.orders,
        connection=core.connection,
        position_modes=core.modes,
        reader=core.reader,
        queues=sending.queues,
        journal=sending.journal,
        resolver=sending.resolver,
        stream_status=core.stream_status,
        streams=_build_streams(core, ingest),
        stream_ingest=ingest,
        poll_trigger=core.trigger,
        poller=_build_poller(core, sending, processor),
        snapshots=SnapshotCollector(
            connection=core.connection,
            reader=core.reader,
            processor=processor,
            report_buffer=core.report_buffer,
            clock=core.clock,
            raw_rows=core.raw_rows,
            orders=core.orders,
            missing_orders=_build_missing_orders(core, sending),
            marks=core.marks,
            scope=scope,
        ),
        marks=core.marks,
        wallets=core.wallets,
        tickers=TickerCache(core.connection, core.clock, core.timings, core.profile.book_depth),
        order_query=_build_order_query(core, sending),
    )


def _build_missing_orders(core: _Core, sending: _Sending) -> MissingOrders:
    return MissingOrders(
        orders=core.orders,
        lookup=core.lookup,
        report_builder=core.report_builder,
        report_buffer=core.report_buffer,
        resolver=sending.resolver,
        clock=core.clock,
        timings=core.timings,
    )


def _build_ingest(core: _Core, sending: _Sending, processor: SnapshotProcessor) -> StreamIngest:
    return StreamIngest(
        client=core.connection,
        venue=core.account.venue,
        sections=core.reader.sections,
        processor=processor,
        report_builder=core.report_builder,
        resolver=sending.resolver,
        report_buffer=core.report_buffer,
        raw_rows=core.raw_rows,
        tasks=core.tasks,
        poll_soon=core.trigger.poll_soon,
        clock=core.clock,
        timings=core.timings,
    )


def _build_streams(core: _Core, ingest: StreamIngest) -> AccountStreams:
    return AccountStreams(
        status=core.stream_status,
        watchdog=core.watchdog,
        connection=core.connection,
        venue=core.account.venue,
        orders=core.orders,
        on_rows=ingest.enqueue,
        poll_soon=core.trigger.poll_soon,
        clock=core.clock,
        timings=core.timings,
    )


def _build_poller(core: _Core, sending: _Sending, processor: SnapshotProcessor) -> AccountPoller:
    return AccountPoller(
        connection=core.connection,
        reader=core.reader,
        processor=processor,
        orders=core.orders,
        report_builder=core.report_builder,
        resolver=sending.resolver,
        report_buffer=core.report_buffer,
        stream_status=core.stream_status,
        trigger=core.trigger,
        clock=core.clock,
        timings=core.timings,
    )


def _build_order_query(core: _Core, sending: _Sending) -> OrderQuery:
    return OrderQuery(
        orders=core.orders,
        lookup=core.lookup,
        report_builder=core.report_builder,
        report_buffer=core.report_buffer,
        journal=sending.journal,
        resolver=sending.resolver,
        clock=core.clock,
        timings=core.timings,
    )
