"""``CcxtExchange``: one account at a real exchange behind the exchange port.

Requests are taken down, stored by the worker, and sent by tasks of this adapter; what is heard goes
into an inbox that ``advance`` empties. Nothing is written here and nothing is sent that is not
stored before.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.gateway_calls import call_read, call_write
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.orders.recovery import restore_orders, resume_requests
from oms.adapters.ccxt.orders.unknown_order_resolver import PendingQuery, QueryKind
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.venues.profile import get_profile
from oms.adapters.ccxt.wiring import ExchangeParts
from oms.domain.account import Account
from oms.domain.errors import Conflict, Invalid, Refused
from oms.domain.instrument import Instrument
from oms.domain.orders.execution_report import Charge, ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order
from oms.ports.exchange import (
    AttemptRow,
    ConnectionState,
    DirectTradeResult,
    ExchangeSnapshot,
    ExchangeStateRows,
    OrderQueryResult,
    Quote,
)

INFLIGHT_WRITES_MAX = 8
_ANSWER_KINDS = (ReportKind.CHANGED, ReportKind.REJECTED)


def _now() -> datetime:
    return datetime.now(UTC)


class CcxtExchange:
    """An ``Exchange`` of the port; made inside a running loop, where its tasks begin at once.

    ``open_orders`` and ``attempts`` are what the store knows of orders that are not final, ``tag``
    the installation's 8 hex characters, ``make_client`` a fresh client each time. ``is_own_order`` tells
    whether an order of this installation is one of this account.
    """

    def __init__(
        self,
        *,
        account: Account,
        make_client: Callable[[], ExchangeClient],
        tag: str,
        on_update: Callable[[], None],
        open_orders: Sequence[Order] = (),
        attempts: Sequence[AttemptRow] = (),
        is_own_order: Callable[[int], Awaitable[bool]] | None = None,
        inflight_writes_max: int = INFLIGHT_WRITES_MAX,
        timings: Timings | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._clock = clock
        self._parts = ExchangeParts(
            account=account,
            make_client=make_client,
            tag=tag,
            on_update=on_update,
            is_own_order=is_own_order,
            inflight_writes_max=inflight_writes_max,
            timings=timings or Timings(),
            clock=clock,
        )
        restore_orders(self._parts.orders, open_orders, attempts, get_profile(account.venue))
        self._parts.tasks.start(self._run(open_orders, attempts))

    async def _run(self, open_orders: Sequence[Order], attempts: Sequence[AttemptRow]) -> None:
        """Open, tell what the last run left, then read for ever."""
        parts = self._parts
        await parts.connection.open()
        now = self._clock()
        resume_requests(
            parts.orders,
            open_orders,
            attempts,
            parts.report_buffer,
            parts.resolver,
            parts.queues,
            now,
        )
        parts.tasks.start(parts.sweeping.run())
        parts.tasks.start(parts.tickers.run())
        parts.tasks.start(parts.watching.run())
        parts.tasks.start(parts.streams.run())
        await parts.polling.run()

    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol; none before it is ready."""
        return self._parts.connection.instruments

    def quote(self, symbol: str, now: datetime) -> Quote | None:
        """The last ticker known; asking keeps it fresh."""
        return self._parts.tickers.quote(symbol, now) if symbol in self.instruments() else None

    async def place(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Take the wish down; what cannot be sent in any form is refused at once."""
        try:
            self._parts.journal.place(order, self.instruments()[order.symbol], now)
        except Invalid as error:
            return [_refusal_report(order, ReportKind.REFUSED, error, now)]
        return []

    async def change(
        self, order: Order, price: Decimal | None, qty: Decimal | None, now: datetime
    ) -> Sequence[ExecutionReport]:
        """Take the wish down; an absent term keeps its value."""
        instrument = self.instruments()[order.symbol]
        self._parts.journal.change(order, instrument, price, qty, now)
        return []

    async def cancel(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Take the wish down; an order that has not left is taken back, and never leaves."""
        self._parts.journal.cancel(order, now)
        return []

    async def query_order(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Begin to look the order up; ``advance`` tells what was found."""
        tracked = self._parts.journal.track(order)
        kind = QueryKind.PLACE if tracked.is_in_doubt else QueryKind.STATUS
        self._parts.resolver.start(PendingQuery(tracked=tracked, kind=kind, since=now))
        return []

    async def find_order(
        self, order: Order, exchange_order_id: str | None, now: datetime
    ) -> OrderQueryResult:
        """Look once; what is found is result by ``advance``."""
        return await self._parts.asking(order, exchange_order_id)

    def declare_not_placed(self, order: Order, now: datetime) -> None:
        """Believe it until the order is seen."""
        self._parts.asking.declare_not_placed(order)

    async def snapshot(self, since: datetime, now: datetime) -> ExchangeSnapshot:
        """One whole reading, awaited. Raises ``Conflict`` where it fails."""
        try:
            return self._deliver(await self._parts.sweeping.snapshot(since))
        except ReadFailed as failed:
            raise Conflict(failed.message, code=failed.code) from None

    async def poll_reports(self, now: datetime) -> Sequence[ExecutionReport]:
        """What was heard since the last call. Raises what a task of the adapter died of."""
        self._parts.tasks.check()
        reports = self._parts.report_buffer.take_reports()
        self._count_answers(reports)
        return reports

    def needs_polling(self) -> bool:
        """Whether anything was heard: it wakes its worker by itself."""
        return not self._parts.report_buffer.is_empty()

    def take_charges(self) -> Sequence[Charge]:
        """Payments heard with the reports of ``advance``."""
        return self._parts.report_buffer.take_charges()

    async def call(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> object:
        """A read by its ccxt name, in ccxt's shape.

        Raises ``Invalid`` with code ``unsupported_func`` for what ccxt does not have here,
        ``Conflict`` with the failure's code where it fails.
        """
        return await call_read(self._parts.connection, func, args, kwargs)

    async def trade(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> DirectTradeResult:
        """One write; the orders it makes are heard by the next reading, as orders of nobody."""
        result = await call_write(self._parts.connection, func, args, kwargs)
        if func == "set_position_mode":
            self._parts.modes.forget()
        texts = {each for each in (*args, *kwargs.values()) if isinstance(each, str)}
        for symbol in self.instruments().keys() & texts:
            self._parts.polling.poll_symbol_soon(symbol)
        return result

    def take_state_changes(self) -> ExchangeStateRows | None:
        """Attempts that are new or have changed."""
        rows = self._parts.journal.take_unsaved(self._parts.report_buffer.take_rows())
        return ExchangeStateRows(attempts=rows) if rows else None

    def on_committed(self) -> None:
        """What was handed out may leave now."""
        self._parts.journal.on_committed()

    def sends_after_commit(self) -> bool:
        """Yes: nothing is sent before it is stored."""
        return True

    def is_ready(self) -> bool:
        """Once it is open and the first reading is over."""
        return self._parts.polling.is_ready

    def unavailable_reason(self) -> Refused | None:
        """Why it cannot be reached, or lets nobody in."""
        return self._parts.connection.unavailable_reason()

    def connection(self) -> ConnectionState:
        """How it is reached now."""
        return self._parts.connection_state()

    def start_snapshot(self, since: datetime, until: datetime | None = None) -> None:
        """Begin to read all; ``swept`` tells it."""
        self._parts.sweeping.request(since, until)

    def take_snapshots(self) -> Sequence[ExchangeSnapshot]:
        """Snapshots read since the last call."""
        return [self._deliver(each) for each in self._parts.report_buffer.take_snapshots()]

    async def close(self) -> None:
        """Stop all tasks and the client."""
        await self._parts.tasks.close()
        await self._parts.connection.close()

    def _deliver(self, snapshot: ExchangeSnapshot) -> ExchangeSnapshot:
        self._count_answers(snapshot.orders)
        return snapshot

    def _count_answers(self, reports: Sequence[ExecutionReport]) -> None:
        """The worker hears now how wishes ended."""
        for report in reports:
            is_answer = report.kind in _ANSWER_KINDS
            is_answer &= report.edit is None or not report.edit.is_in_progress
            tracked = self._parts.orders.by_order_id(report.order_id) if is_answer else None
            if tracked is not None:
                tracked.delivered_answer_count += 1


def _refusal_report(
    order: Order, kind: ReportKind, error: Invalid, now: datetime
) -> ExecutionReport:
    """That a wish was not even taken down."""
    return ExecutionReport(
        kind=kind,
        order_id=order.id,
        source=ReportSource.OPERATOR,
        received_at=now,
        code=error.code,
        message=error.message,
    )
