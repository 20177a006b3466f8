"""The in-memory state of a leased account.

An account has one writer, the worker that holds its lease. ``AccountState`` holds the open orders
and positions. ``work`` collects what the next transaction writes, ``committing`` is what the
transaction in progress writes, so that the account can execute commands during a commit. Changes
become visible to others only with their transaction. If the outcome of a commit is unknown, the
whole state is discarded and loaded again; it is never repaired.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.account import Account, Engine
from oms.domain.instrument import Instrument
from oms.domain.ledger.allocation import ExecutionKey, opening_order_key
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.expiry import EXPIRED, is_expiring
from oms.domain.orders.order import Order
from oms.domain.orders.order_pair import OCO, is_pair_order
from oms.domain.protection.native_orders import is_native
from oms.domain.protection.price_alerts import PriceAlert
from oms.domain.protection.stop_rule import is_armed
from oms.domain.quotes import Quote
from oms.domain.risk.kill_switch import KillSwitch, KillTarget, strictest_switch
from oms.domain.risk.limit_context import NO_TRIPS, AccountEquity, RiskState
from oms.domain.risk.loss_limits import ObservedLosses
from oms.domain.risk.policy import NO_LIMITS, AccountPolicy, StoredLimits, policy_of
from oms.domain.value import evolve
from oms.ports.exchange import (
    CcxtCalls,
    Exchange,
    ExchangePorts,
    ExchangeStateRows,
    PaperExchangeControls,
)
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch, LoadedAccount
from oms.ports.performance.equity_snapshots import EquitySnapshot
from oms.ports.performance.recent_activity import RecentActivityReads
from oms.services.account_state.activity import Activity
from oms.services.account_state.equity_reader import EquityReader
from oms.services.account_state.pending import (
    OwnCancel,
    PendingCall,
    PendingCommand,
    PendingFlatten,
    PendingReconcile,
    PendingReverse,
    PendingSignal,
)
from oms.services.account_state.unit_of_work import UnitOfWork, current_deals
from oms.task_cancellation import cancel_all


@dataclass(slots=True)
class AccountState:
    """One leased account."""

    lease: Lease
    account: Account
    exchange: Exchange
    ccxt_calls: CcxtCalls
    #: ``None`` for a real exchange.
    paper: PaperExchangeControls | None
    strategy_ids: frozenset[int]
    head_seq: int
    orders: dict[int, Order]
    positions: dict[int, Position]
    #: Event number at the end of the last transaction begun; ``head_seq`` is ahead of it by
    #: ``work``.
    committing_seq: int
    #: The instruments stored with the account, by symbol.
    stored_instruments: dict[str, Instrument] = field(default_factory=dict)
    #: Whether a position ended since this was last reset.
    has_closed_position: bool = False
    work: UnitOfWork = field(default_factory=UnitOfWork)
    committing: UnitOfWork = field(default_factory=UnitOfWork)
    #: Place in a replay of the newest execution, funding, close-by or merge, by symbol.
    newest_key: dict[str, ExecutionKey | None] = field(default_factory=dict)
    #: Commands that wait for the exchange's response, by command id.
    pending: dict[int, PendingCommand] = field(default_factory=dict)
    #: Reconcile passes in progress.
    pending_reconciles: list[PendingReconcile] = field(default_factory=list)
    #: Kill switch commands that close positions.
    pending_flattens: list[PendingFlatten] = field(default_factory=list)
    #: Commands that reverse positions.
    pending_reverses: list[PendingReverse] = field(default_factory=list)
    #: Signals that are executed one after another, the first one now.
    pending_signals: list[PendingSignal] = field(default_factory=list)
    #: End of the last reconcile pass since the account was loaded.
    reconciled_until: datetime | None = None
    #: Start of the execution history that the exchange returns, if a pass requested older data.
    reaches_from: datetime | None = None
    #: Orders of unknown outcome for which an alert was already logged.
    alerted_order_ids: set[int] = field(default_factory=set)
    #: Gateway calls that are queued or in progress.
    pending_calls: list[PendingCall] = field(default_factory=list)
    #: Stored deals outside positions, by id, once a comparison has read them.
    deals_outside_positions: dict[int, Deal] | None = None
    #: Deals with a fee in a third currency that wait for its rate, by symbol, trade id, currency.
    unvalued_fees: dict[tuple[str, str, str], Deal] = field(default_factory=dict)
    #: Called when the exchange has new events to record.
    on_update: Callable[[], None] = lambda: None
    #: Active kill switches that may apply to orders of the account.
    kill_switches: tuple[KillSwitch, ...] = ()
    #: Switches that this worker activated, each with the end of the time (``time.monotonic``) in
    #: which it cannot be released: what was read before it was stored does not have it.
    own_kills: tuple[tuple[float, KillSwitch], ...] = ()
    #: Stored limits of the account, and those of the scopes that many accounts share.
    own_limits: StoredLimits = NO_LIMITS
    shared_limits: StoredLimits = NO_LIMITS
    #: The policy that both make; ``None`` if no limit is set.
    policy: AccountPolicy | None = None
    #: The currency in which the limits are counted.
    limit_currency: str = "USD"
    #: What the account lost, as far as limits need it.
    risk: RiskState = NO_TRIPS
    #: The equity that the command in execution was judged by first; ``None`` between commands.
    command_equity: AccountEquity | None = None
    #: How the limits on losses stood when they were last observed.
    observed: ObservedLosses | None = None
    #: Whether its equity was stored since its losses were last compared with the limits.
    is_valued: bool = False
    #: Whether the high-water mark was compared with the snapshots since the limits were set.
    has_read_mark: bool = False
    #: Snapshots of equity that were stored since then, until it is compared with them.
    new_snapshots: list[EquitySnapshot] = field(default_factory=list)
    #: Reads the equity of an account; without it limits that need equity refuse.
    read_equity: EquityReader | None = None
    #: The quote that the last admission saw, and when; ``None``: no price was known.
    admission_quote: Quote | None = None
    admitted_at: datetime | None = None
    #: Reads what the account did lately; without it limits that count it refuse.
    recent_activity: RecentActivityReads | None = None
    #: What of it was read.
    activity: Activity = field(default_factory=Activity)
    #: Positions that stop levels may close, by id.
    armed: dict[int, Position] = field(default_factory=dict)
    #: Price alerts that have not fired, by id.
    alerts: dict[int, PriceAlert] = field(default_factory=dict)
    #: Positions, also ended ones, with orders at the exchange that stand for their levels.
    native_positions: set[int] = field(default_factory=set)
    #: When stop levels were last compared with prices; before the first time, when there were some.
    watched_at: datetime | None = None
    #: When a price of a symbol with armed positions was last known.
    priced_at: dict[str, datetime] = field(default_factory=dict)
    #: Symbols of armed positions whose price is too old; each was reported.
    stale_symbols: set[str] = field(default_factory=set)
    #: Whether orders of pairs were open since the account was loaded.
    has_pairs: bool = False
    #: Cancels that the gateway itself sends, by order id.
    own_cancels: dict[int, OwnCancel] = field(default_factory=dict)
    #: When the gateway cancels an order with an expiry, by order id; none on paper.
    expiries: dict[int, datetime] = field(default_factory=dict)

    @classmethod
    def from_loaded(
        cls, loaded: LoadedAccount, lease: Lease, ports: ExchangePorts
    ) -> "AccountState":
        """Return the state of an account as loaded from the store."""
        return cls(
            lease=lease,
            account=loaded.account,
            exchange=ports.trading,
            ccxt_calls=ports.calls,
            paper=ports.paper,
            strategy_ids=loaded.strategy_ids,
            head_seq=loaded.head_seq,
            committing_seq=loaded.head_seq,
            orders={order.id: order for order in loaded.orders},
            positions={position.id: position for position in loaded.positions},
            armed={position.id: position for position in loaded.positions if is_armed(position)},
            native_positions={
                order.group_id
                for order in loaded.orders
                if order.group_id is not None and is_native(order)
            },
            has_pairs=any(is_pair_order(order) for order in loaded.orders),
            own_cancels={
                order.id: OwnCancel(due=order.updated_at)
                for order in loaded.orders
                if order.cancel_reason == EXPIRED
                or (is_pair_order(order) and order.cancel_reason == OCO)
            },
            expiries={
                order.id: order.expires_at
                for order in loaded.orders
                if ports.paper is None and order.expires_at is not None and is_expiring(order)
            },
            stored_instruments=dict(loaded.exchange_state.instruments),
            own_limits=loaded.limits,
            policy=policy_of(loaded.account.id, loaded.limits),
            risk=loaded.risk,
            alerts=dict(loaded.alerts),
        )

    def set_limits(
        self, *, own: StoredLimits | None = None, shared: StoredLimits | None = None
    ) -> None:
        """Replace limits; the next order is checked by them."""
        self.own_limits = self.own_limits if own is None else own
        self.shared_limits = self.shared_limits if shared is None else shared
        self.policy = policy_of(self.account.id, self.shared_limits, self.own_limits)
        self.has_read_mark = False

    @property
    def is_watched(self) -> bool:
        """Return whether prices are watched for stop levels or alerts."""
        return bool(self.armed or self.alerts)

    def may_limit_losses(self) -> bool:
        """Return whether a limit on losses of the account is set."""
        return self.policy is not None and self.policy.limits_losses

    def set_risk(self, risk: RiskState) -> None:
        """Replace what the account lost; it is stored with the unit of work."""
        if risk != self.risk:
            self.risk = self.work.risk = risk

    def positions_in(self, symbol: str) -> list[Position]:
        """Return the open positions of the symbol, oldest first."""
        positions = [p for p in self.positions.values() if p.symbol == symbol]
        return positions if len(positions) < 2 else sorted(positions, key=opening_order_key)

    def orders_in(self, symbol: str) -> Collection[Order]:
        """Return the open orders of the symbol."""
        return [order for order in self.orders.values() if order.symbol == symbol]

    def kill_switch_for(self, symbol: str, strategy_id: int, api_key_id: int) -> KillSwitch | None:
        """Return the strictest kill switch that applies to the symbol, strategy and key."""
        if not self.kill_switches:
            return None
        target = KillTarget(
            account_id=self.account.id,
            strategy_id=strategy_id,
            symbol=symbol,
            api_key_id=api_key_id,
        )
        return strictest_switch(self.kill_switches, target)

    def find_order(self, order_id: int) -> Order | None:
        """Return an order that is open or has uncommitted changes."""
        order = self.orders.get(order_id)
        for work in (self.work, self.committing):
            order = order or work.orders_changed.get(order_id) or work.orders_new.get(order_id)
        return order

    def find_position(self, position_id: int) -> Position | None:
        """Return a position that is open or has uncommitted changes."""
        position = self.positions.get(position_id)
        for work in (self.work, self.committing):
            position = position or work.positions_changed.get(position_id)
            position = position or work.positions_new.get(position_id)
        return position

    def find_order_by_exchange_id(self, symbol: str, exchange_order_id: str) -> Order | None:
        """Return an order by its exchange id, if it is open or has uncommitted changes."""
        for work in (self.work, self.committing):
            order = self.find_order(
                work.order_ids_by_exchange_id.get((symbol, exchange_order_id), 0)
            )
            if order is not None and order.exchange_order_id == exchange_order_id:
                return order
        for order in self.orders.values():
            if order.exchange_order_id == exchange_order_id and order.symbol == symbol:
                return order
        return None

    def uncommitted_orders(self) -> Iterator[Order]:
        """Yield the orders created since the last completed commit."""
        yield from self.work.orders_new.values()
        yield from self.committing.orders_new.values()

    def uncommitted_deals(self) -> Collection[Deal]:
        """Return the deals booked since the last completed commit, in their current form."""
        return current_deals(self.units_of_work()).values()

    def uncommitted_deals_by_trade_id(self, symbol: str, trade_ids: Collection[str]) -> list[Deal]:
        """Return the uncommitted deals with these trade ids."""
        working, committing = self.work.trade_ids, self.committing.trade_ids
        if working.isdisjoint(trade_ids) and committing.isdisjoint(trade_ids):
            return []
        deals = (deal for deal in self.uncommitted_deals() if deal.symbol == symbol)
        return [deal for deal in deals if deal.exchange_trade_id in trade_ids]

    def advance_newest_key(self, symbol: str, key: ExecutionKey) -> None:
        """Note that executions before ``key`` are late; before its first use it is read anyway."""
        newest = self.newest_key.get(symbol)
        if symbol in self.newest_key:
            self.newest_key[symbol] = key if newest is None else max(newest, key)

    def units_of_work(self) -> tuple[UnitOfWork, UnitOfWork]:
        """Return the units of work that are not committed, the older first."""
        return self.committing, self.work

    def put_order(self, order: Order, *, is_new: bool = False) -> None:
        """Store ``order`` in the state and the unit of work; a final order leaves the state."""
        if order.is_open:
            self.orders[order.id] = order
            if order.group_id is not None and is_native(order):
                self.native_positions.add(order.group_id)
            if order.expires_at is not None and self.paper is None and is_expiring(order):
                self.expiries[order.id] = order.expires_at
        else:
            self.orders.pop(order.id, None)
        is_noted = is_new or order.reduce_only or order.reject_source is not None
        if is_noted and self.activity.has_orders:
            self.activity.note_order(order)
        insert = is_new or order.id in self.work.orders_new
        (self.work.orders_new if insert else self.work.orders_changed)[order.id] = order
        if order.exchange_order_id is not None:
            self.work.order_ids_by_exchange_id[order.symbol, order.exchange_order_id] = order.id

    def put_positions(
        self, positions: Iterable[Position], stored_ids: Collection[int] = frozenset()
    ) -> None:
        """Store ``positions`` in the state and the unit of work; closed ones leave the state.

        ``stored_ids`` are those of rows that exist in the database, or will with the commit in
        progress, though they are not in the state.
        """
        for position in positions:
            is_stored = position.id in self.positions or position.id in stored_ids
            is_new = position.id in self.work.positions_new or not is_stored
            if position.is_open:
                self.positions[position.id] = position
            else:
                self.positions.pop(position.id, None)
                self.work.closes_position = True
            if is_armed(position):
                if not self.armed:
                    self.watched_at = position.updated_at
                self.armed[position.id] = position
            elif self.armed:
                self.armed.pop(position.id, None)
            if self.activity.has_results:
                self.activity.note_position(position)
            target = self.work.positions_new if is_new else self.work.positions_changed
            target[position.id] = position

    def begin_commit(self) -> AccountBatch:
        """Return the unit of work and the exchange's changed state as a batch; begin a new unit."""
        work, before = self.work, self.committing_seq
        for call in self.pending_calls:
            call.is_sent = True
        self.work, self.committing, self.committing_seq = UnitOfWork(), work, self.head_seq
        exchange_state = self._exchange_changes(work)
        return work.to_batch(self.lease, before, self.head_seq, exchange_state)

    def _exchange_changes(self, work: UnitOfWork) -> ExchangeStateRows | None:
        """Return the exchange's changed state, with instruments that are not stored as they are.

        Paper accounts use the table that is part of the gateway.
        """
        changes = self.exchange.take_state_changes()
        if self.account.engine is Engine.PAPER:
            return changes
        symbols = {order.symbol for order in work.orders_new.values()}
        symbols.update(deal.symbol for deal in work.deals)
        known = self.exchange.instruments() if symbols else {}
        changed = {
            symbol: known[symbol]
            for symbol in symbols & known.keys()
            if self.stored_instruments.get(symbol) != known[symbol]
        }
        if not changed:
            return changes
        self.stored_instruments |= changed
        return evolve(changes or ExchangeStateRows(), instruments=changed)

    def mark_committed(self) -> None:
        """Note that the batch is committed; start the gateway calls whose commands it stored."""
        has_follow_ups = bool(self.committing.follow_ups)
        self.has_closed_position |= self.committing.closes_position
        if self.deals_outside_positions is not None:
            self.committing.update_outside(self.deals_outside_positions)
        self.committing = UnitOfWork()
        self.exchange.on_committed()
        if has_follow_ups:
            self.on_update()  # They are in the queue.
        for call in self.pending_calls:
            if call.is_sent and call.task is None:
                call.task = asyncio.create_task(call.make())
                call.task.add_done_callback(lambda _: self.on_update())

    async def close(self) -> None:
        """Release the exchange. Running calls are cancelled; their outcome is resolved after a
        reload.
        """
        await cancel_all(call.task for call in self.pending_calls if call.task is not None)
        await self.exchange.close()
