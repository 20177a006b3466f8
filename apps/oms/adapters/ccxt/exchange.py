"""``CcxtExchange``: one account at a real exchange behind the exchange port.

Requests are taken down, stored by the worker, and sent by tasks of this adapter; what is heard goes
into an inbox that ``advance`` empties. Nothing is written here and nothing is sent that is not
stored before.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from oms.adapters.ccxt.faults import ReadFailed
from oms.adapters.ccxt.gateway_calls import asked, traded
from oms.adapters.ccxt.looking_up import Doubt, Question
from oms.adapters.ccxt.pace import Pace
from oms.adapters.ccxt.parts import Parts
from oms.adapters.ccxt.resuming import remembered, resume
from oms.adapters.ccxt.rules import rules_of
from oms.adapters.ccxt.venue import Venue
from oms.domain.account import Account
from oms.domain.errors import Conflict, Invalid, Refused
from oms.domain.instrument import Instrument
from oms.domain.order import Order
from oms.domain.report import Charge, Heard, Report, ReportKind
from oms.ports.exchange import (
    AttemptRow,
    ConnectionState,
    Looked,
    MemoryRows,
    Print,
    Quote,
    Snapshot,
    StalePrice,
    Traded,
)

INFLIGHT_WRITES_MAX = 8
_ANSWERS = (ReportKind.CHANGED, ReportKind.REJECTED)


def _now() -> datetime:
    return datetime.now(UTC)


class CcxtExchange:
    """An ``Exchange`` of the port; made inside a running loop, where its tasks begin at once.

    ``open_orders`` and ``attempts`` are what the store knows of orders that are not final, ``tag``
    the installation's 8 hex characters, ``make_client`` a fresh client each time. ``belongs`` tells
    whether an order of this installation is one of this account.
    """

    def __init__(
        self,
        *,
        account: Account,
        make_client: Callable[[], Venue],
        tag: str,
        on_news: Callable[[], None],
        open_orders: Sequence[Order] = (),
        attempts: Sequence[AttemptRow] = (),
        belongs: Callable[[int], Awaitable[bool]] | None = None,
        inflight_writes_max: int = INFLIGHT_WRITES_MAX,
        pace: Pace | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._clock = clock
        self._parts = Parts(
            account=account,
            make_client=make_client,
            tag=tag,
            on_news=on_news,
            belongs=belongs,
            inflight_writes_max=inflight_writes_max,
            pace=pace or Pace(),
            clock=clock,
        )
        remembered(self._parts.orders, open_orders, attempts, rules_of(account.venue))
        self._parts.chores.begin(self._live(open_orders, attempts))

    async def _live(self, open_orders: Sequence[Order], attempts: Sequence[AttemptRow]) -> None:
        """Open, tell what the last run left, then read for ever."""
        parts = self._parts
        await parts.connection.open()
        now = self._clock()
        resume(parts.orders, open_orders, attempts, parts.inbox, parts.looking_up, parts.lanes, now)
        parts.chores.begin(parts.sweeping.run())
        parts.chores.begin(parts.tickers.run())
        parts.chores.begin(parts.watching.run())
        parts.chores.begin(parts.streams.run())
        await parts.polling.run()

    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol; none before it is ready."""
        return self._parts.connection.instruments

    def quote(self, symbol: str, now: datetime) -> Quote | None:
        """The last ticker known; asking keeps it fresh."""
        return self._parts.tickers.quote(symbol, now) if symbol in self.instruments() else None

    async def place(self, order: Order, now: datetime) -> Sequence[Report]:
        """Take the wish down; what cannot be sent in any form is refused at once."""
        try:
            self._parts.taking_down.place(order, self.instruments()[order.symbol], now)
        except Invalid as wrong:
            return [_refused(order, ReportKind.REFUSED, wrong, now)]
        return []

    async def change(
        self, order: Order, price: Decimal | None, qty: Decimal | None, now: datetime
    ) -> Sequence[Report]:
        """Take the wish down; an absent term keeps its value."""
        instrument = self.instruments()[order.symbol]
        self._parts.taking_down.change(order, instrument, price, qty, now)
        return []

    async def cancel(self, order: Order, now: datetime) -> Sequence[Report]:
        """Take the wish down; an order that has not left is taken back, and never leaves."""
        self._parts.taking_down.cancel(order, now)
        return []

    async def ask(self, order: Order, now: datetime) -> Sequence[Report]:
        """Begin to look the order up; ``advance`` tells what was found."""
        known = self._parts.taking_down.known(order)
        kind = Doubt.PLACE if known.is_in_doubt else Doubt.SEEN
        self._parts.looking_up.begin(Question(known=known, kind=kind, since=now))
        return []

    async def find(self, order: Order, exchange_order_id: str | None, now: datetime) -> Looked:
        """Look once; what is found is told by ``advance``."""
        return await self._parts.asking(order, exchange_order_id)

    def declared_absent(self, order: Order, now: datetime) -> None:
        """Believe it until the order is seen."""
        self._parts.asking.absent(order)

    async def snapshot(self, since: datetime, now: datetime) -> Snapshot:
        """One whole reading, awaited. Raises ``Conflict`` where it fails."""
        try:
            return self._heard_of(await self._parts.sweeping.snapshot(since))
        except ReadFailed as failed:
            raise Conflict(failed.message, code=failed.code) from None

    async def advance(self, now: datetime) -> Sequence[Report]:
        """What was heard since the last call. Raises what a task of the adapter died of."""
        self._parts.chores.check()
        reports = self._parts.inbox.reports()
        self._note_answers(reports)
        return reports

    def is_moved_by_time(self) -> bool:
        """Whether anything was heard: it wakes its worker by itself."""
        return not self._parts.inbox.is_empty()

    def charges(self) -> Sequence[Charge]:
        """Payments heard with the reports of ``advance``."""
        return self._parts.inbox.charges()

    def set_price(self, quote: Quote) -> Sequence[Report]:
        """Raises ``Conflict``: prices are the exchange's."""
        raise _paper_only("the price")

    def set_print(self, trade: Print) -> Sequence[Report]:
        """Raises ``Conflict``: trades are the exchange's."""
        raise _paper_only("a trade of others")

    def deposit(self, currency: str, amount: Decimal, now: datetime) -> Sequence[Report]:
        """Raises ``Conflict``: money is paid in at the exchange."""
        raise _paper_only("a deposit")

    async def reset(
        self, balances: Mapping[str, Decimal] | None, now: datetime
    ) -> Sequence[Report]:
        """Raises ``Conflict``: nothing begins anew at a real exchange."""
        raise _paper_only("a new beginning")

    async def call(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> object:
        """A read by its ccxt name, in ccxt's shape.

        Raises ``Invalid`` with code ``unsupported_func`` for what ccxt does not have here,
        ``Conflict`` with the failure's code where it fails.
        """
        return await asked(self._parts.connection, func, args, kwargs)

    async def trade(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> Traded:
        """One write; the orders it makes are heard by the next reading, as orders of nobody."""
        told = await traded(self._parts.connection, func, args, kwargs)
        if func == "set_position_mode":
            self._parts.modes.forget()
        words = {each for each in (*args, *kwargs.values()) if isinstance(each, str)}
        for symbol in self.instruments().keys() & words:
            self._parts.polling.stir(symbol)
        return told

    def changed_memory(self) -> MemoryRows | None:
        """Attempts that are new or have changed."""
        rows = self._parts.taking_down.handed_out(self._parts.inbox.rows())
        return MemoryRows(attempts=rows) if rows else None

    def stale(self) -> Sequence[StalePrice]:
        """None: no fill hangs on a price that is read here."""
        return ()

    def stored(self) -> None:
        """What was handed out may leave now."""
        self._parts.taking_down.stored()

    def answers_later(self) -> bool:
        """Yes: nothing is sent before it is stored."""
        return True

    def is_ready(self) -> bool:
        """Once it is open and the first reading is over."""
        return self._parts.polling.is_ready

    def trouble(self) -> Refused | None:
        """Why it cannot be reached, or lets nobody in."""
        return self._parts.connection.trouble()

    def connection(self) -> ConnectionState:
        """How it is reached now."""
        return self._parts.connection_state()

    def begin_sweep(self, since: datetime, until: datetime | None = None) -> None:
        """Begin to read all; ``swept`` tells it."""
        self._parts.sweeping.begin(since, until)

    def swept(self) -> Sequence[Snapshot]:
        """Snapshots read since the last call."""
        return [self._heard_of(each) for each in self._parts.inbox.snapshots()]

    async def close(self) -> None:
        """Stop all tasks and the client."""
        await self._parts.chores.close()
        await self._parts.connection.close()

    def _heard_of(self, snapshot: Snapshot) -> Snapshot:
        self._note_answers(snapshot.orders)
        return snapshot

    def _note_answers(self, reports: Sequence[Report]) -> None:
        """The worker hears now how wishes ended."""
        for report in reports:
            is_answer = report.kind in _ANSWERS
            is_answer &= report.edit is None or not report.edit.is_on_its_way
            known = self._parts.orders.own(report.order_id) if is_answer else None
            if known is not None:
                known.answers_heard += 1


def _refused(order: Order, kind: ReportKind, wrong: Invalid, now: datetime) -> Report:
    """That a wish was not even taken down."""
    return Report(
        kind=kind,
        order_id=order.id,
        heard=Heard.OPERATOR,
        heard_at=now,
        code=wrong.code,
        message=wrong.message,
    )


def _paper_only(what: str) -> Conflict:
    message = f"{what} is for paper accounts alone"
    return Conflict(message, reason="paper_only")
