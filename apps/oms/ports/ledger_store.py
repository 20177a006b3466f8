"""The ledger's store: what one account's home reads when it moves in, and writes batch by batch.

One ``commit`` is one durable transaction over any number of accounts. For each account it starts
with the fenced advance of the event stream (``head_seq`` under the lease token), which numbers the
events and proves the right to write in one statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Protocol

from oms.domain.account import Account
from oms.domain.commands.command import CommandResult
from oms.domain.ledger.allocation import ExecutionKey
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.value import value
from oms.ports.command_queue import CommandRow
from oms.ports.exchange import ExchangeStateRows
from oms.ports.leases import Lease
from oms.ports.reconcile_store import ReconcileRows
from oms.ports.registry import AuditEntry


@value
class LoadedAccount:
    """All that an account's home holds in memory."""

    account: Account
    head_seq: int
    #: Orders that are not final.
    orders: Sequence[Order]
    #: Positions in state open or close_requested.
    positions: Sequence[Position]
    #: Strategies that are active and linked to the account.
    strategy_ids: frozenset[int]
    #: Commands that are running, or unknown while their order is open.
    waiting: Sequence[CommandRow] = ()
    memory: ExchangeStateRows = field(default_factory=ExchangeStateRows)


@value
class EventRow:
    """All events of one command or report: numbers ``seq..seq_to``, ids from ``id`` on.

    ``payload`` is JSON text: of one event its payload, of several a list of
    ``{namespace, event, strategy_id, payload}`` with namespace and event_type ``batch``.
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
    """A switch of the account's, as it stands now; ``strategy_id`` 0 is the whole account."""

    strategy_id: int = 0
    #: ``active`` or ``blocked``; ``None`` keeps.
    status: str | None = None
    allow_new_positions: bool | None = None
    #: Whether this is about the quarantine alone, and the class it is for; ``None`` lifts it.
    is_quarantine: bool = False
    quarantine: str | None = None


@value
class AccountBatch:
    """What one transaction writes for one account."""

    lease: Lease
    head_before: int
    head_after: int
    orders_new: Sequence[Order] = ()
    orders_changed: Sequence[Order] = ()
    deals: Sequence[Deal] = ()
    #: Deals whose place in the book changed, and inferred ones that real ones replace.
    deals_changed: Sequence[Deal] = ()
    deals_removed: Sequence[Deal] = ()
    positions_new: Sequence[Position] = ()
    positions_changed: Sequence[Position] = ()
    results: Mapping[int, CommandResult] = field(default_factory=dict)
    events: Sequence[EventRow] = ()
    memory: ExchangeStateRows | None = None
    reconciled: Sequence[ReconcileRows] = ()
    switches: Sequence[RiskFlagUpdate] = ()
    #: Rows of the audit log, each with its id.
    audits: Sequence[tuple[int, AuditEntry]] = ()


@value
class SymbolHistoryRows:
    """A symbol's rows from some moment on, as they are stored."""

    #: Positions open at that moment or later, with those merged into them.
    positions: Sequence[Position]
    #: All deals of these positions.
    deals: Sequence[Deal]
    #: The orders of these deals.
    orders: Sequence[Order]


class LedgerStore(Protocol):
    """The rows of orders, deals, positions, paper memory, events and command results."""

    async def load(self, lease: Lease) -> LoadedAccount:
        """The account as it stands. Raises ``LeaseLost`` if the token is not the lease's."""
        ...

    async def accounts_with_open_orders(self, account_ids: Sequence[int]) -> Sequence[int]:
        """Those of the accounts that have open orders, ascending."""
        ...

    async def accounts_with_positions(self, account_ids: Sequence[int]) -> Sequence[int]:
        """Those of the accounts that have open positions, ascending."""
        ...

    async def order(self, account_id: int, order_id: int) -> Order | None:
        """An order in any state."""
        ...

    async def position(self, account_id: int, position_id: int) -> Position | None:
        """A position in any state."""
        ...

    async def deals_of(
        self, account_id: int, symbol: str, trade_ids: Sequence[str]
    ) -> Mapping[str, Sequence[Deal]]:
        """Booked deals by exchange trade id, legs ascending; unknown ids are left out."""
        ...

    async def newest_execution_key(self, account_id: int, symbol: str) -> ExecutionKey | None:
        """The place of the newest trade of the symbol; ``None`` before the first."""
        ...

    async def sending_accounts(
        self, account_id: int, symbol: str, names: Sequence[str]
    ) -> Mapping[str, int]:
        """By exchange order id: which other account on the same credentials sent the order."""
        ...

    async def orders_by_exchange_id(
        self, account_id: int, symbol: str, names: Sequence[str]
    ) -> Mapping[str, Order]:
        """Orders by exchange order id; unknown ones are left out."""
        ...

    async def history_since(
        self, account_id: int, symbol: str, moment: datetime
    ) -> SymbolHistoryRows:
        """What must be folded again when something at ``moment`` changes."""
        ...

    async def orders_by_client_id(
        self, names: Sequence[tuple[int, str]]
    ) -> Mapping[tuple[int, str], Order]:
        """Orders by (account id, client order id); unknown ones are left out."""
        ...

    async def commit(self, batches: Sequence[AccountBatch]) -> frozenset[int]:
        """Write all batches in one transaction, accounts ascending.

        Accounts whose lease is lost fall out: the rest is written, their ids are returned.
        Deadlocks (1213, 1205) are retried as a whole. Raises ``Unavailable`` when it is not known
        to be written: then everything held in memory must be loaded anew.
        """
        ...

    async def trim(self, before: datetime, limit: int, calls_before: datetime | None = None) -> int:
        """Forget events and finished read calls older than ``before``; how many rows went.

        ``calls_before`` is for the calls, where it is given. Calls that traded stay.
        """
        ...
