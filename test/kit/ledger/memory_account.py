"""One paper account with its real services, its rows in dictionaries, and simulated crashes.

Only committed rows are durable. The test decides when the process crashes; commands without a
committed result are executed again.
"""

import itertools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from kit.builders import NOON
from kit.exchanges.paper_harness import a_paper_account
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.account import PositionMode
from oms.domain.commands.command import Actor, CcxtCall, Command, CommandPayload, CommandResult
from oms.domain.ids import IdKind
from oms.domain.ledger.allocation import ExecutionKey, boundary_key, step_key
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.ledger.dust import DUST_PREFIX
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.reconcile.discrepancy import TRACKED_STATUSES, Discrepancy
from oms.domain.signals.signal import SignalOutcome
from oms.ports.command_queue import NewCommand
from oms.ports.exchange import ExchangePorts, ExchangeStateRows
from oms.ports.leases import Lease
from oms.ports.ledger_store import (
    AccountBatch,
    EventRow,
    LedgerStore,
    LoadedAccount,
    SymbolHistoryRows,
)
from oms.ports.reconcile_store import Cursor, ReconcileStore
from oms.services.access.command_permissions import CommandPermissions
from oms.services.account_state.state import AccountState
from oms.services.commands.bulk_close import BulkClose
from oms.services.commands.execute import ExecuteCommand
from oms.services.commands.place_order import PlaceOrder
from oms.services.commands.position_ops import PositionOps
from oms.services.ledger.load_history import LoadHistory
from oms.services.ledger.record import RecordReports
from oms.services.reconcile import ReconcileAccount

ACTOR = Actor(user_id=1, api_key_id=1, role="trader")
STRATEGIES = frozenset({1, 2})


class MemoryIds:
    """Sequential ids per kind."""

    def __init__(self) -> None:
        self._next: dict[IdKind, int] = defaultdict(lambda: 1)

    async def ensure(self, kind: IdKind, count: int) -> None:
        """Does nothing: there are always enough."""

    async def allocate(self, kind: IdKind, count: int = 1) -> int:
        """Returns the first of ``count`` consecutive ids."""
        return self.reserve_range(kind, count)

    def __call__(self, kind: IdKind) -> int:
        return self.reserve_range(kind, 1)

    def reserve_range(self, kind: IdKind, count: int) -> int:
        """Returns the first of ``count`` consecutive ids."""
        first = self._next[kind]
        self._next[kind] += count
        return first

    def renew(self) -> None:
        """Does nothing: no other process gives out ids."""


class MemoryLedger:
    """The rows of one account; implements parts of ``LedgerStore`` and ``ReconcileStore``."""

    def __init__(self) -> None:
        self.head = 0
        self.orders: dict[int, Order] = {}
        self.positions: dict[int, Position] = {}
        self.deals: dict[int, Deal] = {}
        self.events: list[EventRow] = []
        self.results: dict[int, list[CommandResult]] = defaultdict(list)
        self.memory = ExchangeStateRows()
        self.follow_ups: list[NewCommand] = []
        self.signals: dict[int, SignalOutcome] = {}
        self.cursor: dict[str, str] = {}
        self.discrepancies: dict[int, Discrepancy] = {}

    async def order(self, account_id: int, order_id: int) -> Order | None:
        """The order in any state, or None."""
        return self.orders.get(order_id)

    async def position(self, account_id: int, position_id: int) -> Position | None:
        """The position in any state, or None."""
        return self.positions.get(position_id)

    async def deals_of(
        self, account_id: int, symbol: str, trade_ids: Collection[str]
    ) -> Mapping[str, Sequence[Deal]]:
        """Deals by trade id, legs ascending."""
        found: dict[str, list[Deal]] = {}
        for deal in self.deals.values():
            if deal.symbol == symbol and deal.exchange_trade_id in trade_ids:
                found.setdefault(deal.exchange_trade_id, []).append(deal)
        return {name: sorted(legs, key=lambda leg: leg.leg) for name, legs in found.items()}

    async def archived_trades(
        self, account_id: int, symbol: str, trade_ids: Sequence[str]
    ) -> frozenset[str]:
        """Nothing is archived."""
        return frozenset()

    async def archived_orders(
        self, account_id: int, symbol: str, exchange_order_ids: Sequence[str]
    ) -> frozenset[str]:
        """Nothing is archived."""
        return frozenset()

    async def entry_orders(self, account_id: int, position_ids: Sequence[int]) -> frozenset[int]:
        """The orders that opened the positions or added to them."""
        return frozenset(
            deal.order_id
            for deal in self.deals.values()
            if deal.position_id in position_ids
            and deal.entry is DealEntry.IN
            and deal.order_id is not None
        )

    async def newest_execution_key(self, account_id: int, symbol: str) -> ExecutionKey | None:
        """The replay key of the newest trade or merge, or None."""
        kinds = (DealType.TRADE, DealType.FUNDING)
        keys = [
            step_key(d.executed_at, d.exchange_sequence, d.exchange_trade_id, d.type, d.entry)
            for d in self.deals.values()
            if d.symbol == symbol and d.type in kinds
        ]
        for position in self.positions.values():
            if position.symbol == symbol and position.merged_into and position.closed_at:
                keys.append(boundary_key(position.closed_at))
        return max(keys, default=None)

    async def orders_by_exchange_id(
        self, account_id: int, symbol: str, names: Sequence[str]
    ) -> Mapping[str, Order]:
        """Orders by exchange order id."""
        return {
            order.exchange_order_id: order
            for order in self.orders.values()
            if order.symbol == symbol and order.exchange_order_id in names
        }

    async def orders_by_client_id(
        self, names: Sequence[tuple[int, str]]
    ) -> Mapping[tuple[int, str], Order]:
        """Orders by account and client order id."""
        by_name = {(o.account_id, o.client_order_id or ""): o for o in self.orders.values()}
        return {name: by_name[name] for name in names if name in by_name}

    async def history_since(
        self, account_id: int, symbol: str, moment: datetime, position_ids: Sequence[int] = ()
    ) -> SymbolHistoryRows:
        """The positions open at ``moment`` or later, those connected with them, and their rows."""
        rows = {key: row for key, row in self.positions.items() if row.symbol == symbol}
        ids = {i for i, p in rows.items() if p.closed_at is None or p.closed_at >= moment}
        ids |= rows.keys() & set(position_ids)
        size = -1
        while size < len(ids):
            size = len(ids)
            ids |= {i for i, p in rows.items() if p.merged_into in ids}
            ids |= rows.keys() & {rows[i].merged_into for i in ids}
            names = {d.exchange_trade_id for d in self._deals_of(ids) if d.entry == "out_by"}
            ids |= {d.position_id for d in self.deals.values() if d.exchange_trade_id in names}
        deals = self._deals_of(ids)
        free = [d for d in self._deals_of([0]) if d.symbol == symbol]
        kinds = (DealType.FUNDING, DealType.TRADE)
        moved = [d for d in free if d.type in kinds and d.executed_at >= moment]
        names = {f"{prefix}{d.exchange_trade_id}" for d in moved for prefix in ("fee:", "bust:")}
        deals += [*moved, *(d for d in free if d.exchange_trade_id in names)]
        order_ids = {deal.order_id for deal in deals}
        return SymbolHistoryRows(
            positions=[rows[i] for i in sorted(ids)],
            deals=deals,
            orders=[order for order in self.orders.values() if order.id in order_ids],
        )

    def _deals_of(self, position_ids: Collection[int]) -> list[Deal]:
        return [deal for deal in self.deals.values() if deal.position_id in position_ids]

    async def cursors(self, account_ids: Sequence[int]) -> Sequence[Cursor]:
        """The cursors of reconcile runs."""
        return [
            Cursor(account_id=account_ids[0], entity=name, value=text, updated_at=NOON)
            for name, text in self.cursor.items()
        ]

    async def tracked_discrepancies(
        self, account_ids: Sequence[int], since: datetime | None = None
    ) -> Sequence[Discrepancy]:
        """Open discrepancies; those that ``since`` would leave out do no harm."""
        return [row for row in self.discrepancies.values() if row.status in TRACKED_STATUSES]

    async def balance_entries(self, account_id: int) -> dict[str, Decimal]:
        """Sums of balance entries by currency."""
        sums: dict[str, Decimal] = {}
        for deal in self.deals.values():
            if deal.type is DealType.BALANCE:
                sums[deal.symbol] = sums.get(deal.symbol, Decimal(0)) + deal.profit
        return sums

    async def deals_outside_positions(self, account_id: int) -> Sequence[Deal]:
        """Executions without a position, with their busts."""
        kinds = (DealType.TRADE, DealType.CORRECTION)
        return [d for d in self.deals.values() if d.type in kinds and not d.position_id]

    async def dust_deals(self, account_id: int, symbols: Sequence[str]) -> Sequence[Deal]:
        """The written-off dust of ``symbols``."""
        dust = (d for d in self.deals.values() if d.exchange_trade_id.startswith(DUST_PREFIX))
        return [deal for deal in dust if deal.symbol in symbols]

    async def booked_executions(
        self, account_id: int, since: datetime, until: datetime
    ) -> Sequence[Deal]:
        """Deals of executions in ``[since, until)``."""
        kinds = (DealType.TRADE, DealType.CORRECTION)
        found = (deal for deal in self.deals.values() if since <= deal.executed_at < until)
        return [deal for deal in found if deal.type in kinds]

    async def booked_funding(
        self, account_id: int, since: datetime, until: datetime
    ) -> Sequence[Deal]:
        """Deals of funding that was due in ``[since, until)``."""
        found = (deal for deal in self.deals.values() if since <= deal.executed_at < until)
        return [deal for deal in found if deal.type is DealType.FUNDING]

    def write(self, batch: AccountBatch) -> None:
        """Writes a batch as one transaction."""
        assert batch.head_before == self.head, "the batch starts at the stored head"
        self.head = batch.head_after
        for order in (*batch.orders_new, *batch.orders_changed):
            self.orders[order.id] = order
        if not batch.positions_changed:
            assert not any(row.id in self.positions for row in batch.positions_new)
        for position in (*batch.positions_new, *batch.positions_changed):
            self.positions[position.id] = position
        for deal in batch.deals_removed:
            del self.deals[deal.id]
        for deal in batch.deals:
            assert deal.id not in self.deals, "a row is inserted once"
        for deal in (*batch.deals, *batch.deals_changed):
            self.deals[deal.id] = deal
        keys = {(d.symbol, d.exchange_trade_id, d.leg) for d in self.deals.values()}
        assert len(keys) == len(self.deals), "legs of an execution are unique"
        for command_id, result in batch.results.items():
            self.results[command_id].append(result)
        for rows in batch.reconciled:
            self.cursor |= rows.cursors
            self.discrepancies |= {row.id: row for row in rows.discrepancies}
        self.events += batch.events
        self.follow_ups += batch.follow_ups
        for signal_id, outcome in batch.signals.items():
            assert signal_id not in self.signals, "a signal ends once"
            self.signals[signal_id] = outcome
        if batch.exchange_state is not None:
            self._merge_exchange_state(batch.exchange_state)

    def _merge_exchange_state(self, changes: ExchangeStateRows) -> None:
        orders = {**self.memory.orders, **changes.orders}
        self.memory = ExchangeStateRows(
            state=changes.state if changes.state is not None else self.memory.state,
            state_hash=changes.state_hash if changes.state is not None else self.memory.state_hash,
            version=changes.version if changes.state is not None else self.memory.version,
            orders={name: text for name, text in orders.items() if text is not None},
            trades=(*self.memory.trades, *changes.trades),
            prices={**self.memory.prices, **changes.prices},
        )


class MemoryAccount:
    """The account, its queue, and the process that executes its commands."""

    def __init__(self, mode: PositionMode, **paper: Any) -> None:
        self.account = a_paper_account(mode, **paper)
        self.ledger = MemoryLedger()
        self.now = NOON
        self.commands: list[Command] = []
        self._ids = MemoryIds()
        self._names = itertools.count(1)
        self._execute = self._services()
        self._state: AccountState | None = None
        self._token = 0

    @property
    def state(self) -> AccountState:
        """The account state; after a crash loaded from the stored rows."""
        if self._state is None:
            self._token += 1
            open_positions = (p for p in self.ledger.positions.values() if p.is_open)
            loaded = LoadedAccount(
                account=self.account,
                head_seq=self.ledger.head,
                orders=[order for order in self.ledger.orders.values() if order.is_open],
                positions=sorted(open_positions, key=lambda position: position.id),
                strategy_ids=STRATEGIES,
                exchange_state=self.ledger.memory,
            )
            exchange = PaperExchange.restore(self.account, self.ledger.memory)
            ports = ExchangePorts(trading=exchange, calls=exchange, paper=exchange)
            lease = Lease(account_id=self.account.id, token=self._token)
            self._state = AccountState.from_loaded(loaded, lease, ports)
        return self._state

    def enqueue(self, payload: CommandPayload) -> Command:
        """Adds a command for the next ``process``."""
        command = Command(
            id=len(self.commands) + 1,
            account_id=self.account.id,
            payload=payload,
            actor=ACTOR,
            created_at=self.now,
        )
        self.commands.append(command)
        return command

    def pending(self) -> list[Command]:
        """Commands without a stored result."""
        return [command for command in self.commands if command.id not in self.ledger.results]

    async def process(self, *, limit: int = 10**9) -> None:
        """Executes up to ``limit`` pending commands without committing."""
        processed = {*self.state.work.results, *self.state.committing.results}
        for command in [each for each in self.pending() if each.id not in processed][:limit]:
            self.now += timedelta(milliseconds=7)
            await self._execute(self.state, command, self.now)

    def commit(self, *, then_crash: bool = False) -> None:
        """Commits; with ``then_crash`` the process crashes before the commit is confirmed."""
        self.ledger.write(self.state.begin_commit())
        if then_crash:
            self.crash()
        else:
            self.state.mark_committed()

    def crash(self) -> None:
        """Drops the account state in memory."""
        self._state = None

    async def call_exchange(self, func: str, *args: object) -> Any:
        """The result of a ccxt call at the exchange."""
        return await self.state.ccxt_calls.call(func, args, {}, self.now)

    def emits_no_event(self, command: Command) -> bool:
        """Whether the command emits no event."""
        return isinstance(command.payload, CcxtCall)

    def _services(self) -> ExecuteCommand:
        ledger = cast(LedgerStore, self.ledger)
        load_history = LoadHistory(ledger=ledger)
        record = RecordReports(ledger=ledger, ids=self._ids, load_history=load_history)
        place = PlaceOrder(
            ledger=ledger,
            record=record,
            ids=self._ids,
            new_client_order_id=lambda: f"NAME{next(self._names):022d}",
        )
        return ExecuteCommand(
            ledger=ledger,
            record=record,
            reconcile=ReconcileAccount(
                ledger=ledger, record=record, ids=self._ids, rows=cast(ReconcileStore, self.ledger)
            ),
            permissions=cast(CommandPermissions, _allow),
            place=place,
            bulk_close=BulkClose(place=place),
            position_ops=PositionOps(
                ledger=ledger, record=record, ids=self._ids, place=place, load_history=load_history
            ),
            max_queue_seconds=60,
        )


async def _allow(*args: object) -> None:
    """Permits everything."""


def total_balance(balances: Mapping[str, Any], currency: str) -> Decimal:
    """The total of a currency in the result of ``fetch_balance``."""
    return Decimal(str(balances["total"].get(currency, 0)))
