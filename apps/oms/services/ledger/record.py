"""THE ONE WRITER: reports become orders, deals, positions and events of an account's draft.

``Record`` is the only caller of ``domain.ledger.apply``. It takes all reports of one command (or
of one moment of the market), applies them in order, and numbers what they changed as one row of
the outbox. Nothing is written here: ``services.commit`` writes the drafts of many accounts in one
transaction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.commands.account_commands import ReadConnection
from oms.domain.commands.command import CcxtCall, Command, CommandResult
from oms.domain.event import Event
from oms.domain.ledger.allocation import ExecutionKey, execution_key
from oms.domain.ledger.book import Book, apply_report, needs_history
from oms.domain.ledger.booking import execution_key_of
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.ledger.history_replay import BUST_PREFIX, SymbolHistory
from oms.domain.ledger.ledger_events import resolution_events
from oms.domain.ledger.ledger_update import EXEC_TYPES, LedgerUpdate
from oms.domain.ledger.position import Position
from oms.domain.ledger.restatement import apply_late_fills
from oms.domain.orders.execution_report import Execution, ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order
from oms.domain.value import constructor
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import EventRow, LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.charges import book_charge
from oms.services.ledger.external_orders import get_or_create_external_order
from oms.services.ledger.late_fills import UNCONFIRMED_STATES, LateFillBatch
from oms.services.ledger.load_history import LoadHistory
from oms.services.ledger.post_apply import close_dust, recompute_close_locks
from oms.services.ledger.prefetch import NOT_PREFETCHED, PrefetchedRows, prefetch_rows
from oms.wire.responses.events import (
    EVENTS_PER_ROW_MAX,
    EventSource,
    WireEvent,
    build_events,
    outbox_payload,
)

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

    def add(self, entry: LedgerUpdate) -> None:
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
class RecordReports:
    """Applies reports to a home."""

    ledger: LedgerStore
    ids: IdBlocks
    load_history: LoadHistory

    async def __call__(
        self,
        state: AccountState,
        reports: Sequence[ExecutionReport],
        changes: Changes,
    ) -> None:
        """Apply ``reports`` in order, then the payments told with them.

        What changed is in the home's draft and in ``changes``.
        """
        await self.ids.ensure("deal", IDS_PER_REPORT_MAX * len(reports))
        await self.ids.ensure("position", IDS_PER_REPORT_MAX * len(reports))
        read = await prefetch_rows(self.ledger, state, reports)
        for run in _runs(reports):
            told = run if len(run) < 2 else await self._caught_up(state, run, changes, read)
            for report in told:
                order = await self._order(state, report, changes, read)
                await self._apply(state, order, report, changes, read)
        for charge in state.exchange.take_charges():
            self.stage(state, await book_charge(self.ledger, self.ids, state, charge), changes)
        for entry in await close_dust(state, changes.orders.values(), changes.deals, self.ids):
            self.stage(state, entry, changes)

    async def _caught_up(
        self,
        state: AccountState,
        reports: Sequence[ExecutionReport],
        changes: Changes,
        read: PrefetchedRows,
    ) -> list[ExecutionReport]:
        """Book what is late with one fold for each symbol; the reports that are left."""
        late: dict[str, LateFillBatch] = {}
        left: list[ExecutionReport] = []
        for report in reports:
            order = await self._order(state, report, changes, read)
            newest_key = await self._newest(state, order.symbol)
            run = late.setdefault(order.symbol, LateFillBatch())
            if not run.takes(order, report, newest_key) or await self._known_deals(
                state, order, report, read
            ):
                left.append(report)
            else:
                run.add(order, report)
        for symbol, run in late.items():
            if len(run.reports) < 2:
                left = [*run.told, *left]
                continue
            instrument = state.exchange.instruments()[symbol]
            history = await self.load_history(state, instrument, run.moment())
            entry = apply_late_fills(history, run.orders, run.reports, self.ids)
            self.stage(state, entry, changes, history)
            exec_type = (EXEC_TYPES[ReportKind.EXECUTION], True)
            changes.exec_types.update(dict.fromkeys(run.orders, exec_type))
            changes.events.extend(run.doubts(entry))
        return left

    async def _order(
        self,
        state: AccountState,
        report: ExecutionReport,
        changes: Changes,
        read: PrefetchedRows = NOT_PREFETCHED,
    ) -> Order:
        if not report.order_id:
            order, is_new = await get_or_create_external_order(
                self.ledger, self.ids, state, report, read
            )
            if is_new:
                changes.orders[order.id] = order
            return order
        known = state.find_order(report.order_id)
        if known is None:
            known = await self.ledger.order(state.account.id, report.order_id)
        assert known is not None, "adapters look orders up before they report on them"
        return known

    async def _apply(
        self,
        state: AccountState,
        order: Order,
        report: ExecutionReport,
        changes: Changes,
        read: PrefetchedRows,
    ) -> None:
        instrument, execution = state.exchange.instruments().get(order.symbol), report.execution
        if execution is None:
            book = _new_book(mode=state.account.position_mode, instrument=instrument, order=order)
            self._keep_of(state, book, report, changes)
            return
        known = await self._known_deals(state, order, report, read)
        newest_key = await self._newest(state, order.symbol)
        history: SymbolHistory | None = None
        if needs_history(order, report, newest_key, known):
            assert instrument is not None, "what was executed is traded"
            history = await self.load_history(state, instrument, _moment(execution, order))
        book = _new_book(
            mode=state.account.position_mode,
            instrument=instrument,
            order=order,
            positions=state.positions_in(order.symbol),
            deals={execution.exchange_trade_id: known},
            history=history,
        )
        if self._keep_of(state, book, report, changes).deals:
            key, newest_key = execution_key_of(execution), state.newest_key.get(order.symbol)
            state.newest_key[order.symbol] = key if newest_key is None else max(key, newest_key)

    def _keep_of(
        self, state: AccountState, book: Book, report: ExecutionReport, changes: Changes
    ) -> LedgerUpdate:
        """Put what ``report`` means for ``book`` into the draft; what that is."""
        entry = apply_report(book, report, self.ids)
        self.stage(state, entry, changes, book.history)
        if book.order.state in UNCONFIRMED_STATES and entry.order is not None:
            changes.events.extend(resolution_events(book.order, entry.order, report))
        return entry

    def stage(
        self,
        state: AccountState,
        entry: LedgerUpdate,
        changes: Changes,
        history: SymbolHistory | None = None,
    ) -> None:
        """Put the rows of ``entry`` into the home's draft and into ``changes``."""
        if entry.order is not None:
            state.put_order(entry.order)
        for order in entry.orders:
            state.put_order(order)
        stored = NONE_STORED if history is None else {p.id for p in history.positions}
        state.put_positions(entry.positions, stored)
        state.put_deals(entry)
        changes.add(entry)

    async def _newest(self, state: AccountState, symbol: str) -> ExecutionKey | None:
        if symbol not in state.newest_key:
            drafted = [
                execution_key(deal.executed_at, deal.exchange_sequence, deal.exchange_trade_id)
                for deal in state.uncommitted_deals()
                if deal.symbol == symbol and deal.type is DealType.TRADE
            ]
            stored = await self.ledger.newest_execution_key(state.account.id, symbol)
            state.newest_key[symbol] = max((stored, *drafted) if stored else drafted, default=None)
        return state.newest_key[symbol]

    async def _known_deals(
        self,
        state: AccountState,
        order: Order,
        report: ExecutionReport,
        read: PrefetchedRows,
    ) -> Sequence[Deal]:
        """Deals booked under the report's trade id, stored or on their way; of a bust its own."""
        assert report.execution is not None, "only executions are booked"
        trade_id = report.execution.exchange_trade_id
        busted = report.kind is ReportKind.BUSTED
        names = [trade_id, f"{BUST_PREFIX}{trade_id}"] if busted else [trade_id]
        drafted = state.uncommitted_deals_by_trade_id(order.symbol, names)
        if drafted and not busted:
            return drafted
        if report.source is ReportSource.REPLY and not busted:
            return ()  # told in answer to this very request: nobody can have told it before
        if (order.symbol, trade_id) in read.deals_queried and not busted:
            return read.deals.get((order.symbol, trade_id), ())
        stored = await self.ledger.deals_of(state.account.id, order.symbol, names)
        return [*(deal for legs in stored.values() for deal in legs), *drafted]

    async def append_events(
        self,
        state: AccountState,
        changes: Changes,
        command: tuple[Command, CommandResult] | None = None,
    ) -> None:
        """Number what changed and add it to the outbox of the draft.

        The end of a call that only reads makes no event.
        """
        is_told = command is not None and not _only_reads(command[0])
        locked = recompute_close_locks(state, changes.orders.values(), changes.positions.values())
        state.put_positions(locked)
        changes.positions.update((position.id, position) for position in locked)
        tale = EventSource(
            account_id=state.account.id,
            events=changes.events,
            deals=changes.deals,
            deals_removed=changes.deals_removed,
            orders=tuple(changes.orders.values()),
            positions=tuple(changes.positions.values()),
            exec_types=changes.exec_types,
            command=command if is_told else None,
        )
        events = list(build_events(tale))
        for start in range(0, len(events), EVENTS_PER_ROW_MAX):
            await self._add_row(state, events[start : start + EVENTS_PER_ROW_MAX])
        if command is not None:
            state.work.results[command[0].id] = command[1]

    async def _add_row(self, state: AccountState, events: Sequence[WireEvent]) -> None:
        await self.ids.ensure("event", len(events))
        first_id = self.ids.reserve_range("event", len(events))
        namespace, event_type, payload = outbox_payload(events)
        first = state.head_seq + 1
        state.head_seq += len(events)
        strategies = {event["strategy_id"] for event in events}
        row = _new_event_row(
            id=first_id,
            account_id=state.account.id,
            seq=first,
            seq_to=state.head_seq,
            strategy_id=strategies.pop() if len(strategies) == 1 else 0,
            namespace=namespace,
            event_type=event_type,
            payload=payload,
        )
        state.work.events.append(row)


def _runs(reports: Sequence[ExecutionReport]) -> Iterator[Sequence[ExecutionReport]]:
    """Executions that follow one another, and each other report alone."""
    run: list[ExecutionReport] = []
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
