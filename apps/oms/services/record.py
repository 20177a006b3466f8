"""THE ONE WRITER: reports become orders, deals, positions and events of an account's draft.

``Record`` is the only caller of ``domain.ledger.apply``. It takes all reports of one command (or
of one moment of the market), applies them in order, and numbers what they changed as one row of
the outbox. Nothing is written here: ``services.commit`` writes the drafts of many accounts in one
transaction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.booking import key_of
from oms.domain.command import CcxtCall, Command, CommandResult
from oms.domain.control import ReadConnection
from oms.domain.deal import Deal, DealType
from oms.domain.entry import EXEC_TYPES, Entry
from oms.domain.event import Event
from oms.domain.ledger import Book, apply, needs_history
from oms.domain.ledger_events import doubt_events
from oms.domain.legs import FoldKey, fold_key
from oms.domain.order import Order
from oms.domain.position import Position
from oms.domain.refold import BUST, History
from oms.domain.report import Execution, Heard, Report, ReportKind
from oms.domain.rewrite import caught_up
from oms.domain.value import constructor
from oms.ports.ids import IdBlocks
from oms.ports.ledger import EventRow, LedgerStore
from oms.services.adopt import adopted
from oms.services.aftermath import dust, relocked
from oms.services.home import Home
from oms.services.late import DOUBTED, LateRun
from oms.services.read_ahead import NOTHING, ReadAhead, read_ahead
from oms.services.settle import settled
from oms.services.unfold import Unfold
from oms.wire.events import EVENTS_PER_ROW_MAX, Tale, Told, outbox_payload, told

_new_book, _new_event_row = constructor(Book), constructor(EventRow)

NONE_STORED: frozenset[int] = frozenset()
IDS_PER_REPORT_MAX = 16
"""Deals and positions that one report may make before more ids are fetched."""


@dataclass(slots=True)
class Changes:
    """What the reports of one command changed so far; each row in its last form."""

    deals: list[Deal] = field(default_factory=list)
    deals_removed: list[Deal] = field(default_factory=list)
    orders: dict[int, Order] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    exec_types: dict[int, tuple[str, bool]] = field(default_factory=dict)

    def has_content(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.deals or self.orders or self.positions or self.events)

    def add(self, entry: Entry) -> None:
        """Take in what one report changed."""
        self.events.extend(entry.events)
        self.deals.extend(entry.deals)
        self.deals.extend(entry.deals_changed)
        self.deals_removed.extend(entry.deals_removed)
        for order in entry.orders:
            self.orders[order.id] = order
        for position in entry.positions:
            self.positions[position.id] = position
        if entry.order is not None:
            self.orders[entry.order.id] = entry.order
            self.exec_types[entry.order.id] = (entry.exec_type or "new", entry.late_fill)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Applies reports to a home."""

    ledger: LedgerStore
    ids: IdBlocks
    unfold: Unfold

    async def __call__(
        self,
        home: Home,
        reports: Sequence[Report],
        changes: Changes,
    ) -> None:
        """Apply ``reports`` in order, then the payments told with them.

        What changed is in the home's draft and in ``changes``.
        """
        await self.ids.ensure("deal", IDS_PER_REPORT_MAX * len(reports))
        await self.ids.ensure("position", IDS_PER_REPORT_MAX * len(reports))
        read = await read_ahead(self.ledger, home, reports)
        for run in _runs(reports):
            told = run if len(run) < 2 else await self._caught_up(home, run, changes, read)
            for report in told:
                order = await self._order(home, report, changes, read)
                await self._apply(home, order, report, changes, read)
        for charge in home.exchange.charges():
            self.keep(home, await settled(self.ledger, self.ids, home, charge), changes)
        for entry in await dust(home, changes.orders.values(), changes.deals, self.ids):
            self.keep(home, entry, changes)

    async def _caught_up(
        self,
        home: Home,
        reports: Sequence[Report],
        changes: Changes,
        read: ReadAhead,
    ) -> list[Report]:
        """Book what is late with one fold for each symbol; the reports that are left."""
        late: dict[str, LateRun] = {}
        left: list[Report] = []
        for report in reports:
            order = await self._order(home, report, changes, read)
            newest = await self._newest(home, order.symbol)
            run = late.setdefault(order.symbol, LateRun())
            if not run.takes(order, report, newest) or await self._known_deals(
                home, order, report, read
            ):
                left.append(report)
            else:
                run.add(order, report)
        for symbol, run in late.items():
            if len(run.reports) < 2:
                left = [*run.told, *left]
                continue
            instrument = home.exchange.instruments()[symbol]
            history = await self.unfold(home, instrument, run.moment())
            entry = caught_up(history, run.orders, run.reports, self.ids)
            self.keep(home, entry, changes, history)
            exec_type = (EXEC_TYPES[ReportKind.EXECUTION], True)
            changes.exec_types.update(dict.fromkeys(run.orders, exec_type))
            changes.events.extend(run.doubts(entry))
        return left

    async def _order(
        self, home: Home, report: Report, changes: Changes, read: ReadAhead = NOTHING
    ) -> Order:
        if not report.order_id:
            order, is_new = await adopted(self.ledger, self.ids, home, report, read)
            if is_new:
                changes.orders[order.id] = order
            return order
        known = home.known_order(report.order_id)
        if known is None:
            known = await self.ledger.order(home.account.id, report.order_id)
        assert known is not None, "adapters look orders up before they report on them"
        return known

    async def _apply(
        self,
        home: Home,
        order: Order,
        report: Report,
        changes: Changes,
        read: ReadAhead,
    ) -> None:
        instrument, execution = home.exchange.instruments().get(order.symbol), report.execution
        if execution is None:
            book = _new_book(mode=home.account.position_mode, instrument=instrument, order=order)
            self._keep_of(home, book, report, changes)
            return
        known = await self._known_deals(home, order, report, read)
        newest = await self._newest(home, order.symbol)
        history: History | None = None
        if needs_history(order, report, newest, known):
            assert instrument is not None, "what was executed is traded"
            history = await self.unfold(home, instrument, _moment(execution, order))
        book = _new_book(
            mode=home.account.position_mode,
            instrument=instrument,
            order=order,
            positions=home.positions_in(order.symbol),
            deals={execution.exchange_trade_id: known},
            history=history,
        )
        if self._keep_of(home, book, report, changes).deals:
            key, newest = key_of(execution), home.newest.get(order.symbol)
            home.newest[order.symbol] = key if newest is None else max(key, newest)

    def _keep_of(self, home: Home, book: Book, report: Report, changes: Changes) -> Entry:
        """Put what ``report`` means for ``book`` into the draft; what that is."""
        entry = apply(book, report, self.ids)
        self.keep(home, entry, changes, book.history)
        if book.order.state in DOUBTED and entry.order is not None:
            changes.events.extend(doubt_events(book.order, entry.order, report))
        return entry

    def keep(
        self, home: Home, entry: Entry, changes: Changes, history: History | None = None
    ) -> None:
        """Put the rows of ``entry`` into the home's draft and into ``changes``."""
        if entry.order is not None:
            home.put_order(entry.order)
        for order in entry.orders:
            home.put_order(order)
        stored = NONE_STORED if history is None else {p.id for p in history.positions}
        home.put_positions(entry.positions, stored)
        home.put_deals(entry)
        changes.add(entry)

    async def _newest(self, home: Home, symbol: str) -> FoldKey | None:
        if symbol not in home.newest:
            drafted = [
                fold_key(deal.executed_at, deal.exchange_sequence, deal.exchange_trade_id)
                for deal in home.deals_not_stored()
                if deal.symbol == symbol and deal.type is DealType.TRADE
            ]
            stored = await self.ledger.newest_key(home.account.id, symbol)
            home.newest[symbol] = max((stored, *drafted) if stored else drafted, default=None)
        return home.newest[symbol]

    async def _known_deals(
        self,
        home: Home,
        order: Order,
        report: Report,
        read: ReadAhead,
    ) -> Sequence[Deal]:
        """Deals booked under the report's trade id, stored or on their way; of a bust its own."""
        assert report.execution is not None, "only executions are booked"
        trade_id = report.execution.exchange_trade_id
        busted = report.kind is ReportKind.BUSTED
        names = [trade_id, f"{BUST}{trade_id}"] if busted else [trade_id]
        drafted = home.deals_called(order.symbol, names)
        if drafted and not busted:
            return drafted
        if report.heard is Heard.REPLY and not busted:
            return ()  # told in answer to this very request: nobody can have told it before
        if (order.symbol, trade_id) in read.deals_asked and not busted:
            return read.deals.get((order.symbol, trade_id), ())
        stored = await self.ledger.deals_of(home.account.id, order.symbol, names)
        return [*(deal for legs in stored.values() for deal in legs), *drafted]

    async def tell(
        self,
        home: Home,
        changes: Changes,
        command: tuple[Command, CommandResult] | None = None,
    ) -> None:
        """Number what changed and add it to the outbox of the draft.

        The end of a call that only reads makes no event.
        """
        is_told = command is not None and not _only_reads(command[0])
        locked = relocked(home, changes.orders.values(), changes.positions.values())
        home.put_positions(locked)
        changes.positions.update((position.id, position) for position in locked)
        tale = Tale(
            account_id=home.account.id,
            events=changes.events,
            deals=changes.deals,
            deals_removed=changes.deals_removed,
            orders=tuple(changes.orders.values()),
            positions=tuple(changes.positions.values()),
            exec_types=changes.exec_types,
            command=command if is_told else None,
        )
        events = list(told(tale))
        for start in range(0, len(events), EVENTS_PER_ROW_MAX):
            await self._add_row(home, events[start : start + EVENTS_PER_ROW_MAX])
        if command is not None:
            home.draft.results[command[0].id] = command[1]

    async def _add_row(self, home: Home, events: Sequence[Told]) -> None:
        await self.ids.ensure("event", len(events))
        first_id = self.ids.run("event", len(events))
        namespace, event_type, payload = outbox_payload(events)
        first = home.head_seq + 1
        home.head_seq += len(events)
        strategies = {event["strategy_id"] for event in events}
        row = _new_event_row(
            id=first_id,
            account_id=home.account.id,
            seq=first,
            seq_to=home.head_seq,
            strategy_id=strategies.pop() if len(strategies) == 1 else 0,
            namespace=namespace,
            event_type=event_type,
            payload=payload,
        )
        home.draft.events.append(row)


def _runs(reports: Sequence[Report]) -> Iterator[Sequence[Report]]:
    """Executions that follow one another, and each other report alone."""
    run: list[Report] = []
    for report in reports:
        if run and not run[-1].kind is report.kind is ReportKind.EXECUTION:
            yield run
            run = []
        run.append(report)
    if run:
        yield run


def _only_reads(command: Command) -> bool:
    payload = command.payload
    is_call = isinstance(payload, CcxtCall) and not payload.is_trade
    return is_call or isinstance(payload, ReadConnection)


def _moment(execution: Execution, order: Order) -> datetime:
    """From when on the book must be folded again."""
    if order.provisional_qty:
        return min(execution.executed_at, order.created_at)
    return execution.executed_at
