"""``CcxtExchange``: one account at a real exchange behind the exchange port.

Requests are written to the journal, stored by the worker, and sent by tasks of this adapter; what
the exchange reports goes into a buffer that the worker empties. Nothing is stored here, and nothing
is sent that is not stored before.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from oms.adapters.ccxt.client.connection import Connection
from oms.adapters.ccxt.client.gateway_calls import call_read, call_write
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.exchange_tasks import ExchangeTasks
from oms.adapters.ccxt.orders.ccxt_calls import is_trigger_reached
from oms.adapters.ccxt.orders.order_cache import OrderCache
from oms.adapters.ccxt.orders.order_query import OrderQuery
from oms.adapters.ccxt.orders.order_queues import PerOrderQueue
from oms.adapters.ccxt.orders.recovery import resume_requests
from oms.adapters.ccxt.orders.request_journal import RequestJournal
from oms.adapters.ccxt.orders.time_terms import refuse_expired, report_time_change
from oms.adapters.ccxt.orders.unknown_order_resolver import (
    PendingQuery,
    QueryKind,
    UnknownOrderResolver,
)
from oms.adapters.ccxt.prices.ticker_cache import TickerCache
from oms.adapters.ccxt.report_buffer import ReportBuffer
from oms.adapters.ccxt.streams.account_streams import AccountStreams
from oms.adapters.ccxt.streams.stream_ingest import StreamIngest
from oms.adapters.ccxt.streams.stream_status import StreamStatus
from oms.adapters.ccxt.sync.account_poller import AccountPoller
from oms.adapters.ccxt.sync.account_reader import AccountReader
from oms.adapters.ccxt.sync.mark_prices import MarkPriceReader
from oms.adapters.ccxt.sync.poll_trigger import PollTrigger
from oms.adapters.ccxt.sync.position_modes import PositionModeReader
from oms.adapters.ccxt.sync.raw_row_buffer import RawRowBuffer
from oms.adapters.ccxt.sync.snapshot_collector import SnapshotCollector
from oms.adapters.ccxt.sync.wallet_reader import WalletReader
from oms.domain.account import Account
from oms.domain.errors import Conflict, Invalid, Refused
from oms.domain.instrument import Instrument
from oms.domain.money import decimal_text
from oms.domain.orders.execution_report import Charge, ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order
from oms.domain.orders.order_terms import NewTerms
from oms.domain.quotes import Quote
from oms.ports.exchange import (
    AttemptRow,
    ConnectionState,
    DirectTradeResult,
    ExchangeSnapshot,
    ExchangeStateRows,
    OrderQueryResult,
)

_ANSWER_KINDS = (ReportKind.CHANGED, ReportKind.REJECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeComponents:
    """The objects of one exchange, as ``wiring.build_exchange`` builds them."""

    account: Account
    tasks: ExchangeTasks
    report_buffer: ReportBuffer
    raw_rows: RawRowBuffer
    orders: OrderCache
    connection: Connection
    position_modes: PositionModeReader
    reader: AccountReader
    queues: PerOrderQueue
    journal: RequestJournal
    resolver: UnknownOrderResolver
    stream_status: StreamStatus
    streams: AccountStreams
    stream_ingest: StreamIngest
    poll_trigger: PollTrigger
    poller: AccountPoller
    snapshots: SnapshotCollector
    tickers: TickerCache
    marks: MarkPriceReader
    wallets: WalletReader
    order_query: OrderQuery


class CcxtExchange:
    """An ``Exchange`` of the port; ``wiring.build_exchange`` builds and starts it."""

    def __init__(self, components: ExchangeComponents, clock: Callable[[], datetime]) -> None:
        self._components = components
        self._clock = clock

    def start(self, open_orders: Sequence[Order], attempts: Sequence[AttemptRow]) -> None:
        """Start the tasks of the exchange, inside a running loop."""
        self._components.tasks.start(self._run(open_orders, attempts))

    async def _run(self, open_orders: Sequence[Order], attempts: Sequence[AttemptRow]) -> None:
        """Open the client, resume what the last run left, then poll until canceled."""
        parts = self._components
        await parts.connection.open()
        resume_requests(
            parts.orders,
            open_orders,
            attempts,
            parts.report_buffer,
            parts.resolver,
            parts.queues,
            self._clock(),
        )
        parts.tasks.start(parts.snapshots.run())
        parts.tasks.start(parts.tickers.run())
        parts.tasks.start(parts.wallets.run())
        parts.tasks.start(parts.stream_ingest.run())
        parts.tasks.start(parts.streams.run())
        await parts.poller.run()

    def instruments(self) -> Mapping[str, Instrument]:
        """Returns all instruments by symbol; none before the client is open."""
        return self._components.connection.instruments

    def quote(self, symbol: str, now: datetime) -> Quote | None:
        """Returns the last ticker; requesting it keeps it up to date for a while."""
        return self._components.tickers.quote(symbol) if symbol in self.instruments() else None

    async def fetch_quote(self, symbol: str, now: datetime) -> Quote | None:
        """As ``quote``; a ticker that is not current is read first, within a time limit."""
        if symbol not in self.instruments():
            return None
        return await self._components.tickers.fetch(symbol)

    def holds_exits(self, symbol: str) -> bool:
        """Returns what the venue's table says, and the settings of the account permit."""
        return self._components.journal.holds_exits(self.instruments().get(symbol))

    def holds_trailing(self, symbol: str, percent: Decimal | None, amount: Decimal | None) -> bool:
        """Returns what the venue's table says, and the settings of the account permit."""
        instrument = self.instruments().get(symbol)
        return self._components.journal.holds_trailing(instrument, percent, amount)

    def attaches_exits(self, symbol: str) -> bool:
        """Returns whether the venue makes them in a form that is known, and they are permitted."""
        return self._components.journal.attaches_exits(self.instruments().get(symbol))

    def terms(self, symbol: str) -> None:
        """Returns nothing: what an account pays is not read from its exchange."""

    async def place(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Record a new order; one that cannot be sent in any form is refused in the reports."""
        try:
            refuse_expired(order.expires_at, now)
            self._components.journal.place(order, self.instruments()[order.symbol], now)
        except Invalid as error:
            return [_refusal_report(order, ReportKind.REFUSED, error, now)]
        return []

    async def change(
        self,
        order: Order,
        price: Decimal | None,
        qty: Decimal | None,
        now: datetime,
        terms: NewTerms | None = None,
    ) -> Sequence[ExecutionReport]:
        """Record an amendment; ``None`` keeps the value.

        Refused in the reports where the exchange cannot move one of the terms, where an order from
        elsewhere would have to be placed again, or where the market has reached the new trigger. A
        new expiry is complete at once: it is not sent.
        """
        instrument = self.instruments()[order.symbol]
        try:
            if terms is not None and terms.moves_time:
                return [report_time_change(order, price, qty, terms, now)]
            if terms is not None and terms.trigger_price is not None:
                await self._refuse_reached_trigger(order, terms.trigger_price, now)
            self._components.journal.change(order, instrument, price, qty, now, terms)
        except Invalid as error:
            return [_refusal_report(order, ReportKind.REJECTED, error, now)]
        return []

    async def cancel(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Record a cancel; an order that was not sent yet is revoked and never sent."""
        self._components.journal.cancel(order, now)
        return []

    async def query_order(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Start to look the order up; ``poll_reports`` returns what was found."""
        tracked = self._components.journal.track(order)
        kind = QueryKind.PLACE if tracked.is_in_doubt else QueryKind.STATUS
        self._components.resolver.start(PendingQuery(tracked=tracked, kind=kind, since=now))
        return []

    async def find_order(
        self, order: Order, exchange_order_id: str | None, now: datetime
    ) -> OrderQueryResult:
        """Look the order up once; ``poll_reports`` returns what was found."""
        return await self._components.order_query(order, exchange_order_id)

    def declare_not_placed(self, order: Order, now: datetime) -> None:
        """Count the order as never placed until the exchange lists it."""
        self._components.order_query.declare_not_placed(order)

    async def snapshot(self, since: datetime, now: datetime) -> ExchangeSnapshot:
        """Returns a snapshot of the whole account. Raises ``Conflict`` if a read fails."""
        try:
            return self._deliver(await self._components.snapshots.snapshot(since))
        except ReadFailed as failed:
            raise Conflict(failed.message, code=failed.code) from None

    async def poll_reports(self, now: datetime) -> Sequence[ExecutionReport]:
        """Returns the reports since the last call. Raises the failure of a background task."""
        self._components.tasks.check()
        reports = self._components.report_buffer.take_reports()
        self._count_answers(reports)
        return reports

    def needs_polling(self) -> bool:
        """Returns whether there is something to fetch: ``on_update`` wakes the worker."""
        return not self._components.report_buffer.is_empty()

    def take_charges(self) -> Sequence[Charge]:
        """Returns the payments that belong to the reports of ``poll_reports``."""
        return self._components.report_buffer.take_charges()

    async def call(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> object:
        """Returns what a read by its ccxt name returns, in ccxt's shape.

        Raises ``Invalid`` with code ``unsupported_func`` for a method that ccxt does not have
        here, ``Conflict`` with the code of the failure.
        """
        return await call_read(self._components.connection, func, args, kwargs)

    async def trade(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> DirectTradeResult:
        """Send one write; the next poll reports the orders it makes, as external orders."""
        result = await call_write(self._components.connection, func, args, kwargs)
        if func == "set_position_mode":
            self._components.position_modes.forget()
        texts = {each for each in (*args, *kwargs.values()) if isinstance(each, str)}
        for symbol in self.instruments().keys() & texts:
            self._components.poll_trigger.poll_symbol_soon(symbol)
        return result

    def take_state_changes(self) -> ExchangeStateRows | None:
        """Returns new and changed attempts, marks and balances; ``None`` if there are none."""
        rows = self._components.journal.take_unsaved(self._components.report_buffer.take_rows())
        prices, balances = self._components.marks.take(), self._components.wallets.take()
        if not rows and not prices and balances is None:
            return None
        return ExchangeStateRows(attempts=rows, prices=prices, balances=balances)

    def needs_commit(self) -> bool:
        """Returns whether the adapter itself has something to store: a request, a price, a
        balance.
        """
        parts = self._components
        return (
            parts.journal.has_unsaved() or parts.marks.has_unsaved() or parts.wallets.has_unsaved()
        )

    def on_committed(self) -> None:
        """Let the requests go that ``take_state_changes`` returned: they are stored."""
        self._components.journal.on_committed()

    def sends_after_commit(self) -> bool:
        """Returns ``True``: nothing is sent before it is stored."""
        return True

    def is_ready(self) -> bool:
        """Returns whether the client is open and the first poll is over."""
        return self._components.poller.is_ready

    def unavailable_reason(self) -> Refused | None:
        """Returns why the exchange cannot be reached or refuses the credentials, if it does."""
        return self._components.connection.unavailable_reason()

    def connection(self) -> ConnectionState:
        """Returns how the exchange is reached now."""
        parts = self._components
        return ConnectionState(
            engine=parts.account.engine.value,
            environment=parts.account.environment.value,
            hosts_called=parts.connection.hosts_called,
            last_call_at=parts.connection.last_call_at,
            stream=parts.stream_status.state,
            last_event_at=parts.stream_status.last_event_at,
            gaps=parts.stream_status.gaps,
            reconciled_at=parts.poller.fully_polled_at,
            funding_unavailable=parts.reader.funding_unavailable,
        )

    def start_snapshot(
        self, since: datetime, until: datetime | None = None, symbols: Collection[str] = ()
    ) -> int:
        """Request a snapshot for ``take_snapshots``; returns the number of the request."""
        return self._components.snapshots.request(since, until, symbols)

    def take_snapshots(self) -> Sequence[ExchangeSnapshot]:
        """Returns the snapshots read since the last call."""
        return [self._deliver(each) for each in self._components.report_buffer.take_snapshots()]

    async def close(self) -> None:
        """Stop all tasks and the client."""
        await self._components.tasks.close()
        await self._components.tickers.close()
        await self._components.connection.close()

    async def _refuse_reached_trigger(
        self, order: Order, trigger_price: Decimal, now: datetime
    ) -> None:
        """Raises ``Invalid`` where the market has reached the price, or cannot be read.

        Where an order is placed again for its new trigger, the exchange would refuse that one after
        the order was canceled, or wait for the market to come back.
        """
        quote = await self.fetch_quote(order.symbol, now)
        if quote is None:
            message = f"the price of {order.symbol} cannot be read; the order is unchanged"
            raise Invalid(message, code="exchange_unavailable")
        if is_trigger_reached(order, trigger_price, quote):
            message = (
                f"the market has reached {decimal_text(trigger_price)}; the order is unchanged"
            )
            raise Invalid(message, code="exchange_rejected")

    def _deliver(self, snapshot: ExchangeSnapshot) -> ExchangeSnapshot:
        self._count_answers(snapshot.orders)
        return snapshot

    def _count_answers(self, reports: Sequence[ExecutionReport]) -> None:
        """Note that the worker gets the answers to its amendments and cancels."""
        for report in reports:
            is_answer = report.kind in _ANSWER_KINDS
            is_answer &= report.edit is None or not report.edit.is_in_progress
            tracked = self._components.orders.by_order_id(report.order_id) if is_answer else None
            if tracked is not None:
                tracked.delivered_answer_count += 1


def _refusal_report(
    order: Order, kind: ReportKind, error: Invalid, now: datetime
) -> ExecutionReport:
    """The report that an order was refused before it was recorded."""
    return ExecutionReport(
        kind=kind,
        order_id=order.id,
        source=ReportSource.OPERATOR,
        received_at=now,
        code=error.code,
        message=error.message,
    )
