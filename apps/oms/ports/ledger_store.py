"""Storage of the ledger: the rows of an account that a worker loads, and its batched writes.

One ``commit`` is one durable transaction over any number of accounts. For each account it starts
with a fenced update of the event stream (``head_seq`` under the lease token), which assigns event
numbers and proves ownership in one statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Protocol

from oms.domain.account import Account
from oms.domain.commands.command import CommandResult
from oms.domain.ledger.allocation import ExecutionKey
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.protection.price_alerts import PriceAlert
from oms.domain.risk.kill_switch import KillSwitch
from oms.domain.risk.limit_context import NO_TRIPS, RiskState
from oms.domain.risk.policy import NO_LIMITS, LimitChange, StoredLimits
from oms.domain.signals.signal import SignalOutcome
from oms.domain.value import value
from oms.ports.command_queue import CommandRow, NewCommand
from oms.ports.exchange import ExchangeStateRows
from oms.ports.leases import Lease
from oms.ports.reconcile_store import ReconcileRows
from oms.ports.registry import AuditEntry

ARCHIVED_AGE_MIN = timedelta(days=30)
"""Younger rows are never archived."""


@value
class LoadedAccount:
    """The rows of an account that its worker keeps in memory."""

    account: Account
    head_seq: int
    #: Orders that are not final.
    orders: Sequence[Order]
    #: Positions in state open or close_requested.
    positions: Sequence[Position]
    #: Strategies that are active and linked to the account.
    strategy_ids: frozenset[int]
    #: Commands that are running, or unknown while their order is open.
    pending_commands: Sequence[CommandRow] = ()
    exchange_state: ExchangeStateRows = field(default_factory=ExchangeStateRows)
    #: Limits of the account's own risk policy.
    limits: StoredLimits = NO_LIMITS
    #: What it lost, as far as limits need it.
    risk: RiskState = NO_TRIPS
    #: Price alerts that have not fired, by id.
    alerts: Mapping[int, PriceAlert] = field(default_factory=dict)

    def known_symbols(self) -> frozenset[str]:
        """Return the symbols that the account at a real exchange ever traded, orders or holds."""
        symbols = {*self.exchange_state.instruments, *(order.symbol for order in self.orders)}
        return frozenset(symbols.union(position.symbol for position in self.positions))


@value
class EventRow:
    """All events of one command or report: numbers ``seq..seq_to``, ids from ``id`` on.

    ``payload`` is JSON text: of one event its payload, of several a list of ``{namespace, event,
    strategy_id, payload}`` with namespace and event_type ``batch``.
    """

    id: int
    account_id: int
    seq: int
    seq_to: int
    strategy_id: int
    namespace: str
    event_type: str
    payload: str


@value
class RiskFlagUpdate:
    """New risk flags of an account; ``strategy_id`` 0 is the whole account."""

    strategy_id: int = 0
    #: ``active`` or ``blocked``; ``None`` keeps.
    status: str | None = None
    allow_new_positions: bool | None = None
    #: Whether only the quarantine changes, and its discrepancy class; ``None`` lifts it.
    is_quarantine: bool = False
    quarantine: str | None = None


@value
class AccountBatch:
    """The writes of one transaction for one account."""

    lease: Lease
    head_before: int
    head_after: int
    orders_new: Sequence[Order] = ()
    orders_changed: Sequence[Order] = ()
    deals: Sequence[Deal] = ()
    #: Deals with changed position, and inferred ones replaced by actual ones.
    deals_changed: Sequence[Deal] = ()
    deals_removed: Sequence[Deal] = ()
    positions_new: Sequence[Position] = ()
    positions_changed: Sequence[Position] = ()
    results: Mapping[int, CommandResult] = field(default_factory=dict)
    events: Sequence[EventRow] = ()
    exchange_state: ExchangeStateRows | None = None
    reconciled: Sequence[ReconcileRows] = ()
    switches: Sequence[RiskFlagUpdate] = ()
    #: Changes of the account's own risk policy.
    limits: Sequence[LimitChange] = ()
    #: What the account lost; ``None`` if that is stored as it is.
    risk: RiskState | None = None
    #: Price alerts by id; ``None`` deletes one.
    alerts: Mapping[int, PriceAlert | None] = field(default_factory=dict)
    #: Kill switches that the worker activated.
    kills: Sequence[KillSwitch] = ()
    #: Audit rows, each with its id.
    audits: Sequence[tuple[int, AuditEntry]] = ()
    #: What became of signals, by signal id.
    signals: Mapping[int, SignalOutcome] = field(default_factory=dict)
    #: System commands that enter the queue with this transaction; one whose request id is stored
    #: already is left out.
    follow_ups: Sequence[NewCommand] = ()


@value
class SymbolHistoryRows:
    """The stored rows of a symbol from some time on."""

    #: Positions open at that time or later, with those merged into them.
    positions: Sequence[Position]
    #: All deals of these positions, and funding without a position since that time.
    deals: Sequence[Deal]
    #: The orders of these deals.
    orders: Sequence[Order]


class LedgerStore(Protocol):
    """Storage of orders, deals, positions, paper state, events and command results."""

    async def load(self, lease: Lease) -> LoadedAccount:
        """Load the account. Raises ``LeaseLost`` if the token is not current."""
        ...

    async def accounts_with_open_orders(self, account_ids: Sequence[int]) -> Sequence[int]:
        """Return those of the accounts that have open orders, ascending."""
        ...

    async def accounts_with_stop_levels(self, account_ids: Sequence[int]) -> Sequence[int]:
        """Return the accounts with stop levels of open positions, or price alerts, ascending."""
        ...

    async def accounts_with_positions(self, account_ids: Sequence[int]) -> Sequence[int]:
        """Return those of the accounts that have open positions, ascending."""
        ...

    async def order(self, account_id: int, order_id: int) -> Order | None:
        """Return an order in any state, ``None`` if it does not exist."""
        ...

    async def position(self, account_id: int, position_id: int) -> Position | None:
        """Return a position in any state, ``None`` if it does not exist."""
        ...

    async def deals_of(
        self, account_id: int, symbol: str, trade_ids: Sequence[str]
    ) -> Mapping[str, Sequence[Deal]]:
        """Return booked deals by exchange trade id, legs ascending; unknown ids are left out."""
        ...

    async def newest_execution_key(self, account_id: int, symbol: str) -> ExecutionKey | None:
        """Return the key of the latest booked execution of the symbol.

        ``None`` before the first.
        """
        ...

    async def sending_accounts(
        self, account_id: int, symbol: str, names: Sequence[str]
    ) -> Mapping[str, int]:
        """Return, by exchange order id, the account with equal credentials that sent the order."""
        ...

    async def account_of_order(self, account_id: int, order_id: int) -> int | None:
        """Return the account of an order, if it is another one with equal credentials."""
        ...

    async def orders_by_exchange_id(
        self, account_id: int, symbol: str, names: Sequence[str]
    ) -> Mapping[str, Order]:
        """Return orders by exchange order id; unknown ones are left out."""
        ...

    async def history_since(
        self, account_id: int, symbol: str, moment: datetime, position_ids: Sequence[int] = ()
    ) -> SymbolHistoryRows:
        """Return the rows to replay when something at ``moment`` changes.

        ``position_ids`` are positions of the symbol that are needed whenever they were open.
        """
        ...

    async def orders_by_client_id(
        self, names: Sequence[tuple[int, str]]
    ) -> Mapping[tuple[int, str], Order]:
        """Return orders by (account id, client order id); unknown ones are left out."""
        ...

    async def archived_trades(
        self, account_id: int, symbol: str, trade_ids: Sequence[str]
    ) -> frozenset[str]:
        """Return those of the trade ids whose deals are in archive files."""
        ...

    async def archived_orders(
        self, account_id: int, symbol: str, exchange_order_ids: Sequence[str]
    ) -> frozenset[str]:
        """Return those of the orders that are in archive files."""
        ...

    async def entry_orders(self, account_id: int, position_ids: Sequence[int]) -> frozenset[int]:
        """Return the orders whose executions opened the positions or added to them."""
        ...

    async def commit(self, batches: Sequence[AccountBatch]) -> frozenset[int]:
        """Write all batches in one transaction, accounts ascending.

        Accounts whose lease is lost are left out: the others are written, the lost ids returned.
        Deadlocks (1213, 1205) are retried as a whole. Raises ``Unavailable`` if the outcome of the
        transaction is unknown: the caller must reload all state from the store.
        """
        ...

    async def trim(self, before: datetime, limit: int, calls_before: datetime | None = None) -> int:
        """Delete events and finished read calls older than ``before``; returns the number of rows.

        ``calls_before`` replaces the bound for calls. Trading calls are kept.
        """
        ...
