"""The single writer of the ledger: execution reports become orders, deals, positions and events.

``RecordReports`` is the only caller of ``domain.ledger.book.apply_report``. It applies the reports
of one command, or of one poll of the exchange, in order, and numbers the resulting events as one
row of the outbox. It only fills the account's unit of work; ``services.account_state.commit``
writes the units of many accounts in one transaction.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.commands.command import Command, CommandResult
from oms.domain.event import Event
from oms.domain.ledger.allocation import ExecutionKey, has_ties
from oms.domain.ledger.book import Book, apply_report, needs_history
from oms.domain.ledger.charges import attribute_fee, find_trade
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.history_replay import SymbolHistory
from oms.domain.ledger.ledger_events import resolution_events
from oms.domain.ledger.ledger_update import EXEC_TYPES, LedgerUpdate
from oms.domain.ledger.position import Position
from oms.domain.ledger.restatement import apply_late_fills
from oms.domain.orders.execution_report import (
    Charge,
    ChargeKind,
    Execution,
    ExecutionReport,
    ReportKind,
)
from oms.domain.orders.expiry import as_expiry
from oms.domain.orders.order import Order
from oms.domain.value import constructor
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import EventRow, LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.booked_deals import find_booked_deals
from oms.services.ledger.charges import (
    PastHoldings,
    book_charge,
    drop_known_charges,
    earliest_funding,
)
from oms.services.ledger.external_orders import complete_sender, get_or_create_external_order
from oms.services.ledger.fee_rates import value_fees, value_waiting
from oms.services.ledger.late_fills import UNCONFIRMED_STATES, LateFillBatch, in_execution_order
from oms.services.ledger.load_history import LoadHistory, replay_key, uncommitted_keys
from oms.services.ledger.over_fills import open_over_fills
from oms.services.ledger.post_apply import close_dust, recompute_close_locks
from oms.services.ledger.prefetch import NOT_PREFETCHED, PrefetchedRows, prefetch_rows
from oms.services.ledger.replay_ids import reserve_replay_ids
from oms.services.risk.reject_rate import watch_rejections
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
"""Upper bound of the deals and positions that one report creates."""


@dataclass(slots=True)
class Changes:
    """What the reports of one command changed so far; of each row the last version."""

    deals: list[Deal] = field(default_factory=list)
    deals_removed: list[Deal] = field(default_factory=list)
    orders: dict[int, Order] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    exec_types: dict[int, tuple[str, bool]] = field(default_factory=dict)

    def has_content(self) -> bool:
        """Return whether there is anything to report."""
        return bool(self.deals or self.orders or self.positions or self.events)

    def add(self, entry: LedgerUpdate) -> None:
        """Add what one report changed."""
        self.events += entry.events
        self.deals += entry.deals
        self.deals += entry.deals_changed
        self.deals_removed += entry.deals_removed
        for order in entry.orders:
            self.orders[order.id] = order
        for position in entry.positions:
            self.positions[position.id] = position
        if entry.order is not None:
            self.orders[entry.order.id] = entry.order
            self.exec_types[entry.order.id] = (entry.exec_type or "new", entry.late_fill)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReports:
    """Applies reports to an account state."""

    ledger: LedgerStore
    ids: IdBlocks
    load_history: LoadHistory

    async def __call__(
        self, state: AccountState, reports: Sequence[ExecutionReport], changes: Changes
    ) -> None:
        """Apply ``reports`` in order, then the payments that the exchange reported with them.

        The changes are in the account's unit of work and in ``changes``.
        """
        await self.ids.ensure("deal", IDS_PER_REPORT_MAX * len(reports))
        await self.ids.ensure("position", IDS_PER_REPORT_MAX * len(reports))
        read = await prefetch_rows(self.ledger, state, reports)
        for group in _execution_groups(reports):
            remaining = (
                group
                if len(group) < 2
                else await self._apply_late_fills(state, group, changes, read)
            )
            for report in remaining:
                order = await self._order(state, report, changes, read)
                await self._apply(state, order, report, changes, read)
        await self.book_charges(state, state.exchange.take_charges(), changes)
        for entry in await close_dust(state, changes.orders.values(), changes.deals, self.ids):
            self.stage(state, entry, changes)

    async def _apply_late_fills(
        self,
        state: AccountState,
        reports: Sequence[ExecutionReport],
        changes: Changes,
        read: PrefetchedRows,
    ) -> list[ExecutionReport]:
        """Apply late executions with one replay per symbol. Returns the reports that are left."""
        batches: dict[str, LateFillBatch] = {}
        remaining: list[ExecutionReport] = []
        for report in reports:
            order = await self._order(state, report, changes, read)
            newest_key = await self._newest_key(state, order.symbol)
            batch = batches.setdefault(order.symbol, LateFillBatch())
            if not batch.accepts(order, report, newest_key):
                remaining.append(report)
                continue
            booked = await find_booked_deals(self.ledger, state, order.symbol, report, read)
            if booked.trades:
                remaining.append(report)
            else:
                batch.add(order, report, booked.fees)
        for symbol, batch in batches.items():
            if len(batch.reports) < 2:
                remaining = [*batch.received, *remaining]
                continue
            instrument = state.exchange.instruments()[symbol]
            history = await self.load_history(state, instrument, batch.earliest_executed_at())
            await reserve_replay_ids(self.ids, history, len(batch.reports))
            entry = apply_late_fills(history, batch.orders, batch.reports, self.ids)
            self.stage(state, entry, changes, history.position_ids)
            await self._attribute_fees(state, batch.fees, entry.deals, changes)
            exec_type = (EXEC_TYPES[ReportKind.EXECUTION], True)
            changes.exec_types.update(dict.fromkeys(batch.orders, exec_type))
            changes.events.extend(batch.resolution_events_of(entry))
        return in_execution_order(remaining)

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
        stored = state.find_order(report.order_id)
        if stored is None:
            stored = await self.ledger.order(state.account.id, report.order_id)
        assert stored is not None, "adapters look orders up before they report on them"
        return await complete_sender(self.ledger, state, stored, report, read)

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
            self._stage_report(state, book, as_expiry(order, report), changes)
            return
        booked = await find_booked_deals(self.ledger, state, order.symbol, report, read)
        newest_key = await self._newest_key(state, order.symbol)
        positions = state.positions_in(order.symbol)
        history: SymbolHistory | None = None
        if needs_history(
            state.account.position_mode,
            instrument,
            order,
            report,
            newest_key,
            booked.trades,
            positions,
        ):
            assert instrument is not None, "executed symbols have an instrument"
            history = await self.load_history(state, instrument, _replay_start(execution, order))
            await reserve_replay_ids(self.ids, history, added=1)
            positions = state.positions_in(order.symbol)
        book = _new_book(
            mode=state.account.position_mode,
            instrument=instrument,
            order=order,
            positions=positions,
            deals={execution.exchange_trade_id: booked.trades},
            history=history,
        )
        deals = self._stage_report(state, book, report, changes).deals
        if deals and booked.fees:
            await self._attribute_fees(state, booked.fees, deals, changes)

    def _stage_report(
        self, state: AccountState, book: Book, report: ExecutionReport, changes: Changes
    ) -> LedgerUpdate:
        """Add the effect of ``report`` on ``book`` to the unit of work, and return it."""
        entry = apply_report(book, report, self.ids)
        stored_ids = NONE_STORED if book.history is None else book.history.position_ids
        self.stage(state, entry, changes, stored_ids)
        if book.order.state in UNCONFIRMED_STATES and entry.order is not None:
            changes.events.extend(resolution_events(book.order, entry.order, report))
        return entry

    def stage(
        self,
        state: AccountState,
        entry: LedgerUpdate,
        changes: Changes,
        stored_ids: Collection[int] = NONE_STORED,
    ) -> None:
        """Add the rows of ``entry`` to the unit of work and to ``changes``.

        ``stored_ids`` are those of positions that are not new though they may not be open.
        """
        if entry.deals:
            entry = value_fees(state, entry)
        if entry.order is not None:
            state.put_order(entry.order)
        for order in entry.orders:
            state.put_order(order)
        state.put_positions(entry.positions, stored_ids)
        state.work.put_deals(entry)
        for deal in entry.deals:
            if (key := replay_key(deal)) is not None:
                state.advance_newest_key(deal.symbol, key)
        changes.add(entry)

    async def value_fees(self, state: AccountState, changes: Changes, now: datetime) -> None:
        """Store the rates of fees in third currencies that waited for a price, if one is known."""
        if state.unvalued_fees:
            update = await value_waiting(self.ledger, state, now)
            if update is not None:
                self.stage(state, update, changes)

    async def book_charges(
        self, state: AccountState, charges: Sequence[Charge], changes: Changes
    ) -> None:
        """Book payments that are not executions, each once.

        The history of a symbol is read once for all of its funding, and only if some is new.
        """
        if not charges:
            return
        held: dict[str, PastHoldings] = {}
        charges = await drop_known_charges(self.ledger, state, charges)
        for charge in charges:
            past = None
            if charge.symbol is not None and await self._is_funding_of_the_past(state, charge):
                if charge.symbol not in held:
                    instrument = state.exchange.instruments()[charge.symbol]
                    since = earliest_funding(charges, charge.symbol)
                    history = await self.load_history(state, instrument, since)
                    held[charge.symbol] = PastHoldings.of_history(history)
                past = held[charge.symbol]
            entry = await book_charge(self.ledger, self.ids, state, charge, past)
            self.stage(state, entry, changes, {position.id for position in entry.positions})

    async def _is_funding_of_the_past(self, state: AccountState, charge: Charge) -> bool:
        """Return whether executions since the funding was due may have changed who shares it."""
        instrument = state.exchange.instruments().get(charge.symbol or "")
        if charge.kind is not ChargeKind.FUNDING or instrument is None:
            return False
        newest = await self._newest_key(state, instrument.symbol)
        is_settled = newest is None or newest[0] < charge.executed_at
        return not is_settled or has_ties(state.positions_in(instrument.symbol))

    async def _attribute_fees(
        self,
        state: AccountState,
        fees: Sequence[Deal],
        deals: Sequence[Deal],
        changes: Changes,
    ) -> None:
        """Charge fees that arrived before their trades to the positions of these ``deals``."""
        for fee in fees:
            trade = find_trade(fee, deals)
            position = state.find_position(trade.position_id)
            if position is None and trade.position_id:
                # closed, and as it was with an inferred execution
                position = await self.ledger.position(state.account.id, trade.position_id)
                assert position is not None, "the trade was booked just now"
            entry = attribute_fee(fee, trade, position, state.exchange.instruments()[trade.symbol])
            self.stage(state, entry, changes, {trade.position_id})

    async def _newest_key(self, state: AccountState, symbol: str) -> ExecutionKey | None:
        if symbol not in state.newest_key:
            uncommitted = [*uncommitted_keys(state, symbol)]
            stored = await self.ledger.newest_execution_key(state.account.id, symbol)
            state.newest_key[symbol] = max(
                (stored, *uncommitted) if stored else uncommitted, default=None
            )
        return state.newest_key[symbol]

    async def append_events(
        self,
        state: AccountState,
        changes: Changes,
        command: tuple[Command, CommandResult] | None = None,
    ) -> None:
        """Number the events of ``changes`` and add them to the outbox of the unit of work.

        The end of a call that only reads emits no event.
        """
        emits_command = command is not None and not command[0].is_read_only
        for position in recompute_close_locks(state, changes.orders, changes.positions):
            state.put_positions((position,))
            changes.positions[position.id] = position
        if state.policy is not None and changes.orders:
            tripped = await watch_rejections(state, self.ids, changes.orders.values())
            changes.events += [] if tripped is None else [tripped]
        if changes.events:
            await open_over_fills(state, changes.events, changes.orders, self.ids)
        source = EventSource(
            account_id=state.account.id,
            events=changes.events,
            deals=changes.deals,
            deals_removed=changes.deals_removed,
            orders=tuple(changes.orders.values()),
            positions=tuple(changes.positions.values()),
            exec_types=changes.exec_types,
            command=command if emits_command else None,
        )
        events = build_events(source)
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


def _execution_groups(reports: Sequence[ExecutionReport]) -> Iterator[Sequence[ExecutionReport]]:
    """Yield sequences of consecutive executions, and every other report alone."""
    group: list[ExecutionReport] = []
    for report in reports:
        if group and not group[-1].kind is report.kind is ReportKind.EXECUTION:
            yield group
            group = []
        group.append(report)
    if group:
        yield group


def _replay_start(execution: Execution, order: Order) -> datetime:
    """Return the time from which the history must be replayed."""
    if order.provisional_qty:
        return min(execution.executed_at, order.created_at)
    return execution.executed_at
