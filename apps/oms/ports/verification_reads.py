"""Reads for ``oms verify``: consistency checks over stored rows."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from oms.domain.bots.decision import BotEvent
from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.ports.exchange import ExchangeStateRows, TradeRow
from oms.ports.signals.stored_signals import SignalRow


class OrderColumns(NamedTuple):
    """Stored columns of an order that duplicate its state."""

    status: str
    is_open: bool
    avg_fill_price: Decimal | None


class LeaseTokens(NamedTuple):
    """Lease tokens of an account: the last one used for a write and the last one issued."""

    written: int
    given: int


class UsedIdempotencyKey(NamedTuple):
    """An idempotency key and its commands."""

    scope_hash: str
    command_ids: Sequence[int]


class OrphanRows(NamedTuple):
    """Rows of a table whose account does not exist."""

    table: str
    account_id: int
    rows: int


class RegistryRow(NamedTuple):
    """A row of users, keys and so on; ``fields`` have names and values of the audit log.

    With ``account_id`` it is the permission of a key on that account.
    """

    entity: str
    row_id: str
    account_id: int | None
    fields: Mapping[str, object]


class InvalidValue(NamedTuple):
    """A stored value that the gateway never writes."""

    table: str
    row_id: int | str
    column: str
    expected: str
    found: str


class VerificationReads(Protocol):
    """Reads for ``oms verify`` beyond the histories. Every method raises ``Unavailable``."""

    async def deals_of_positions(self, position_ids: Sequence[int]) -> Sequence[Deal]:
        """Return deals of the positions, ascending by id."""
        ...

    async def symbols(self, account_id: int) -> Sequence[str]:
        """Return all symbols with orders, deals or positions of the account, ascending."""
        ...

    async def merged_into(self, account_id: int, position_ids: Sequence[int]) -> Sequence[Position]:
        """Return positions of the account that were merged into one of these."""
        ...

    async def order_columns(self, order_ids: Sequence[int]) -> Mapping[int, OrderColumns]:
        """Return duplicated columns by order id; unknown ids are left out."""
        ...

    async def signals(self, signal_ids: Sequence[int]) -> Mapping[int, SignalRow]:
        """Return signals by id; unknown ids are left out."""
        ...

    async def signals_of(self, account_id: int, after: int, limit: int) -> Sequence[SignalRow]:
        """Return signals of the account, ascending by id after ``after``."""
        ...

    async def decisions_of(self, account_id: int, after: int, limit: int) -> Sequence[BotEvent]:
        """Return decisions of the account's bots as stored, ascending by id after ``after``."""
        ...

    async def signals_without_decision(self, account_id: int, limit: int) -> Sequence[int]:
        """Return signals of bots of the account that no decision of theirs names, ascending."""
        ...

    async def strategies(self, strategy_ids: Sequence[int]) -> frozenset[int]:
        """Return those of the strategies that exist."""
        ...

    async def commands_with_several_orders(self, account_id: int) -> Sequence[int]:
        """Return ids of single-order commands that made several orders, ascending."""
        ...

    async def lease_tokens(self, account_id: int) -> LeaseTokens:
        """Return the account's lease tokens; 0 if there is none."""
        ...

    async def used_idempotency_keys(self, after: str, limit: int) -> Sequence[UsedIdempotencyKey]:
        """Return unexpired idempotency keys, ascending by scope after ``after``."""
        ...

    async def integrity_errors(self, limit: int) -> Sequence[str]:
        """Return what the database's own check of its file finds; only SQLite has one."""
        ...

    async def registry_rows(self) -> Sequence[RegistryRow]:
        """Return users, keys, permissions, accounts, strategies and kill switches."""
        ...

    def invalid_values(self) -> AsyncIterator[InvalidValue]:
        """Yield the invalid values of all tables."""
        ...

    async def orphan_rows(self) -> Sequence[OrphanRows]:
        """Return rows whose account does not exist, by table and account."""
        ...

    async def paper_exchange_state(self, account_id: int) -> ExchangeStateRows:
        """Return the stored state of the account's paper exchange; needs no lease."""
        ...

    async def account_instruments(self, account_id: int) -> Mapping[str, Instrument]:
        """Return the instruments stored with an account at a real exchange, by symbol."""
        ...

    async def paper_trades(self, account_id: int, after: str, limit: int) -> Sequence[TradeRow]:
        """Return executions recorded by the paper exchange, ascending by id after ``after``."""
        ...

    async def existing_paper_trades(
        self, account_id: int, trade_ids: Sequence[str]
    ) -> frozenset[str]:
        """Return those of the executions that the paper exchange has recorded."""
        ...

    async def archived(self, kind: str, ids: Collection[int]) -> frozenset[int]:
        """Return those of the rows that are archived; ``kind`` is command, order or position."""
        ...

    async def archived_trades(
        self, account_id: int, symbol: str, trade_ids: Sequence[str]
    ) -> frozenset[str]:
        """Return those of the executions whose deals are archived."""
        ...

    async def archived_funding(self, account_id: int) -> Mapping[str, Decimal]:
        """Return the funding of archived positions by symbol."""
        ...
