"""An account's home: the account as its one writer holds it in memory, and its next commit.

Orders and positions are those still open. ``draft`` collects what the next transaction writes,
``sent`` is what the one on its way writes: the account goes on working while it is. Nothing in a
home is true for others before its transaction is. After any doubt about a commit the whole home is
thrown away and loaded anew: it is never repaired.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oms.domain.account import Account
from oms.domain.commands.account_commands import Reconcile
from oms.domain.commands.command import Command, CommandResult
from oms.domain.errors import Refused
from oms.domain.ledger.allocation import ExecutionKey
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.risk.kill_switch import KillSwitch, KillTarget, strictest_switch
from oms.ports.exchange import Exchange
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch, EventRow, LoadedAccount, RiskFlagUpdate
from oms.ports.reconcile_store import ReconcileRows
from oms.ports.registry import AuditEntry


@dataclass(slots=True)
class UnitOfWork:
    """What the account's next transaction writes; a row written twice keeps its last form."""

    orders_new: dict[int, Order] = field(default_factory=dict)
    orders_changed: dict[int, Order] = field(default_factory=dict)
    deals: list[Deal] = field(default_factory=list)
    deals_changed: dict[int, Deal] = field(default_factory=dict)
    deals_removed: dict[int, Deal] = field(default_factory=dict)
    positions_new: dict[int, Position] = field(default_factory=dict)
    positions_changed: dict[int, Position] = field(default_factory=dict)
    results: dict[int, CommandResult] = field(default_factory=dict)
    events: list[EventRow] = field(default_factory=list)
    reconciled: list[ReconcileRows] = field(default_factory=list)
    switches: list[RiskFlagUpdate] = field(default_factory=list)
    #: Rows of the audit log, each with its id.
    audits: list[tuple[int, AuditEntry]] = field(default_factory=list)
    #: Trade ids of ``deals``; some of them may have been removed again.
    trade_ids: set[str] = field(default_factory=set)
    #: Ids of its orders by symbol and the exchange's id, the last that had it.
    order_ids_by_exchange_id: dict[tuple[str, str], int] = field(default_factory=dict)

    def has_content(self) -> bool:
        """Whether there is anything to write."""
        told = self.orders_new or self.orders_changed or self.results or self.events
        return bool(told or self.reconciled)


@dataclass(slots=True, kw_only=True)
class PendingCommand:
    """A command that waits for the exchange's word (``services.awaiting``)."""

    command: Command
    #: ``place``, ``change`` or ``cancel``, by the order it was asked of.
    actions: dict[int, str]
    #: What is known so far.
    result: CommandResult
    #: Orders of which it has not come to pass, and why.
    refused: dict[int, Refused] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class PendingReconcile:
    """What waits for a whole reading of the exchange, from ``since`` on; a command, if asked."""

    command: Command | None
    wish: Reconcile
    since: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class PendingCall:
    """A call of the gateway at an exchange that takes time: made once its command is stored."""

    command: Command
    make: Callable[[], Coroutine[Any, Any, CommandResult]]
    is_sent: bool = False
    task: "asyncio.Task[CommandResult] | None" = None


@dataclass(slots=True)
class AccountState:
    """One leased account in memory."""

    lease: Lease
    account: Account
    exchange: Exchange
    strategy_ids: frozenset[int]
    head_seq: int
    orders: dict[int, Order]
    positions: dict[int, Position]
    #: Event number of the last transaction sent; ``head_seq`` runs ahead of it by the draft.
    committing_seq: int
    work: UnitOfWork = field(default_factory=UnitOfWork)
    committing: UnitOfWork = field(default_factory=UnitOfWork)
    #: The newest trade folded in each symbol that was traded since the home was furnished.
    newest_key: dict[str, ExecutionKey | None] = field(default_factory=dict)
    #: Commands that wait for the exchange's word, by their ids.
    pending: dict[int, PendingCommand] = field(default_factory=dict)
    #: Sweeps that are on their way.
    pending_reconciles: list[PendingReconcile] = field(default_factory=list)
    #: Up to when it was swept since the home was furnished.
    reconciled_until: datetime | None = None
    #: From when on its executions are told, where a sweep asked for older ones.
    reaches_from: datetime | None = None
    #: Orders in doubt that an alarm was raised for.
    alerted_order_ids: set[int] = field(default_factory=set)
    #: Calls that are being made.
    pending_calls: list[PendingCall] = field(default_factory=list)
    #: Called when something of the account's can be recorded.
    on_news: Callable[[], None] = lambda: None
    #: Kill switches that may be about an order of the account.
    kills: tuple[KillSwitch, ...] = ()

    @classmethod
    def from_loaded(cls, image: LoadedAccount, lease: Lease, exchange: Exchange) -> "AccountState":
        """A home as the store tells of it."""
        return cls(
            lease=lease,
            account=image.account,
            exchange=exchange,
            strategy_ids=image.strategy_ids,
            head_seq=image.head_seq,
            committing_seq=image.head_seq,
            orders={order.id: order for order in image.orders},
            positions={position.id: position for position in image.positions},
        )

    def positions_in(self, symbol: str) -> list[Position]:
        """Open positions of the symbol, oldest first."""
        found = [p for p in self.positions.values() if p.symbol == symbol]
        return found if len(found) < 2 else sorted(found, key=lambda position: position.id)

    def orders_in(self, symbol: str) -> Collection[Order]:
        """Open orders of the symbol."""
        return [order for order in self.orders.values() if order.symbol == symbol]

    def kill_switch(self, symbol: str, strategy_id: int, api_key_id: int) -> KillSwitch | None:
        """The kill switch that rules orders of the symbol, strategy and key."""
        if not self.kills:
            return None
        aim = KillTarget(
            account_id=self.account.id,
            strategy_id=strategy_id,
            symbol=symbol,
            api_key_id=api_key_id,
        )
        return strictest_switch(self.kills, aim)

    def find_order(self, order_id: int) -> Order | None:
        """An order that is open, or whose last change is not stored yet."""
        order = self.orders.get(order_id)
        for work in (self.work, self.committing):
            order = order or work.orders_changed.get(order_id) or work.orders_new.get(order_id)
        return order

    def find_order_by_exchange_id(self, symbol: str, name: str) -> Order | None:
        """An order by the exchange's id, if it is open or its last change is not stored yet."""
        for work in (self.work, self.committing):
            order = self.find_order(work.order_ids_by_exchange_id.get((symbol, name), 0))
            if order is not None and order.exchange_order_id == name:
                return order
        for order in self.orders.values():
            if order.exchange_order_id == name and order.symbol == symbol:
                return order
        return None

    def uncommitted_orders(self) -> Iterator[Order]:
        """Orders that are new since the last transaction that is known to be stored."""
        yield from self.work.orders_new.values()
        yield from self.committing.orders_new.values()

    def uncommitted_deals(self) -> Iterator[Deal]:
        """Deals since the last transaction that is known to be stored."""
        yield from self.work.deals
        yield from self.committing.deals

    def uncommitted_deals_by_trade_id(self, symbol: str, trade_ids: Collection[str]) -> list[Deal]:
        """Deals with these trade ids since the last transaction that is known to be stored."""
        drafted, committing = self.work.trade_ids, self.committing.trade_ids
        if drafted.isdisjoint(trade_ids) and committing.isdisjoint(trade_ids):
            return []
        found = (deal for deal in self.uncommitted_deals() if deal.symbol == symbol)
        return [deal for deal in found if deal.exchange_trade_id in trade_ids]

    def put_deals(self, entry: LedgerUpdate) -> None:
        """Write the deals of ``entry`` with the next commit."""
        work = self.work
        work.deals.extend(entry.deals)
        work.trade_ids.update(deal.exchange_trade_id for deal in entry.deals)
        if not entry.deals_changed and not entry.deals_removed:
            return
        changed = {deal.id: deal for deal in entry.deals_changed}
        gone = {deal.id: deal for deal in entry.deals_removed}
        drafted = {deal.id for deal in work.deals}
        work.deals = [changed.get(d.id, d) for d in work.deals if d.id not in gone]
        work.deals_changed |= {i: d for i, d in changed.items() if i not in drafted}
        work.deals_removed |= {i: d for i, d in gone.items() if i not in drafted}

    def units_of_work(self) -> tuple[UnitOfWork, UnitOfWork]:
        """What is on its way to the store, the older first."""
        return self.committing, self.work

    def put_order(self, order: Order, *, is_new: bool = False) -> None:
        """Hold ``order`` and write it with the next commit; a final one leaves the memory."""
        if order.is_open:
            self.orders[order.id] = order
        else:
            self.orders.pop(order.id, None)
        new = is_new or order.id in self.work.orders_new
        (self.work.orders_new if new else self.work.orders_changed)[order.id] = order
        if order.exchange_order_id is not None:
            self.work.order_ids_by_exchange_id[order.symbol, order.exchange_order_id] = order.id

    def put_positions(
        self, positions: Iterable[Position], on_committed: Collection[int] = frozenset()
    ) -> None:
        """Hold ``positions`` and write them with the next commit; closed ones leave the memory.

        ``stored`` are ids of rows that exist though they are not in memory.
        """
        for position in positions:
            known = position.id in self.positions or position.id in on_committed
            fresh = position.id in self.work.positions_new or not known
            if position.is_open:
                self.positions[position.id] = position
            else:
                self.positions.pop(position.id, None)
            target = self.work.positions_new if fresh else self.work.positions_changed
            target[position.id] = position

    def begin_commit(self) -> AccountBatch:
        """The draft and the exchange's memory as one transaction's part; begin a new draft."""
        work, before = self.work, self.committing_seq
        for call in self.pending_calls:
            call.is_sent = True
        self.work, self.committing, self.committing_seq = UnitOfWork(), work, self.head_seq
        return AccountBatch(
            lease=self.lease,
            head_before=before,
            head_after=self.head_seq,
            orders_new=tuple(work.orders_new.values()),
            orders_changed=tuple(work.orders_changed.values()),
            deals=tuple(work.deals),
            deals_changed=tuple(work.deals_changed.values()),
            deals_removed=tuple(work.deals_removed.values()),
            positions_new=tuple(work.positions_new.values()),
            positions_changed=tuple(work.positions_changed.values()),
            results=work.results,
            events=tuple(work.events),
            exchange_state=self.exchange.take_state_changes(),
            reconciled=tuple(work.reconciled),
            switches=tuple(work.switches),
            audits=tuple(work.audits),
        )

    def mark_committed(self) -> None:
        """What was sent is stored."""
        self.committing = UnitOfWork()
        self.exchange.on_committed()
        for call in self.pending_calls:
            if call.is_sent and call.task is None:
                call.task = asyncio.create_task(call.make())
                call.task.add_done_callback(lambda _: self.on_news())

    async def close(self) -> None:
        """Leave it: nothing of it goes on by itself. What was on its way is asked for later."""
        tasks = [call.task for call in self.pending_calls if call.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.exchange.close()
