"""Reads for verifying the books."""

import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.util import greenlet_spawn

from oms.adapters.sql.archive.archived_names import ArchivedNames
from oms.adapters.sql.bots.bot_rows import SELECT_STORED_EVENTS, stored_event_from_row
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.errors import public_error
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.reads.registry_rows import read_registry_rows
from oms.adapters.sql.reads.value_scan import scan_values
from oms.adapters.sql.rows import deals, exchange_state, positions
from oms.adapters.sql.rows.valid_rows import Decoded, decode_rows
from oms.adapters.sql.signals import rows as signals
from oms.domain.bots.decision import BotEvent
from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, add
from oms.ports.exchange import ExchangeStateRows, TradeRow
from oms.ports.signals.stored_signals import SignalRow
from oms.ports.verification_reads import (
    InvalidValue,
    LeaseTokens,
    OrderColumns,
    OrphanRows,
    RegistryRow,
    UsedIdempotencyKey,
)
from oms.wire.instrument_codec import decode_instrument

#: Tables whose rows belong to an account; account 0 is the gateway itself.
_OWNED = ("oms_commands", "oms_orders", "oms_deals", "oms_positions", "event_outbox")
#: Commands of these types create at most one order.
_SINGLE = "'send_order', 'close_position'"


class SqlVerificationReads:
    """``ports.verification_reads.VerificationReads``."""

    def __init__(self, database: Database, *, skips_invalid: bool = False) -> None:
        self._database = database
        self._dialect = database.dialect
        self._skips_invalid = skips_invalid
        self._archived = ArchivedNames(database)

    async def deals_of_positions(self, position_ids: Sequence[int]) -> Sequence[Deal]:
        """Return deals of the positions, ascending."""
        if not position_ids:
            return ()
        text = (
            f"SELECT {deals.SELECTED} FROM oms_deals"
            f" WHERE position_id IN ({self._dialect.params(len(position_ids))}) ORDER BY id"
        )
        rows = await self._database.fetch(text, position_ids)
        return self._decoded(rows, deals.deal_from_row)

    async def symbols(self, account_id: int) -> Sequence[str]:
        """Return all symbols with orders, deals or positions."""
        text = " UNION ".join(
            f"SELECT DISTINCT symbol FROM {table} WHERE account_id = {self._dialect.param}"
            for table in ("oms_orders", "oms_deals", "oms_positions")
        )
        rows = await self._database.fetch(text, (account_id,) * 3)
        return sorted(row[0] for row in rows)

    async def merged_into(self, account_id: int, position_ids: Sequence[int]) -> Sequence[Position]:
        """Return positions merged into one of these."""
        if not position_ids:
            return ()
        text = (
            f"SELECT {positions.SELECTED} FROM oms_positions"
            f" WHERE account_id = {self._dialect.param} AND state = 'merged'"
            f" AND merged_into IN ({self._dialect.params(len(position_ids))}) ORDER BY id"
        )
        rows = await self._database.fetch(text, (account_id, *position_ids))
        return self._decoded(rows, positions.position_from_row)

    async def order_columns(self, order_ids: Sequence[int]) -> Mapping[int, OrderColumns]:
        """Return the columns derived from the state."""
        if not order_ids:
            return {}
        text = (
            "SELECT id, status, is_open, avg_fill_price FROM oms_orders"
            f" WHERE id IN ({self._dialect.params(len(order_ids))})"
        )
        decimal = self._dialect.decode_optional_decimal
        return {
            row[0]: OrderColumns(row[1], bool(row[2]), decimal(row[3]))
            for row in await self._database.fetch(text, order_ids)
        }

    async def signals(self, signal_ids: Sequence[int]) -> Mapping[int, SignalRow]:
        """Return signals by id."""
        if not signal_ids:
            return {}
        text = f"{signals.SELECTED} WHERE id IN ({self._dialect.params(len(signal_ids))})"
        found = await self._database.fetch(text, signal_ids)
        return {row.id: row for row in self._decoded(found, signals.signal_from_row)}

    async def signals_of(self, account_id: int, after: int, limit: int) -> Sequence[SignalRow]:
        """Return a page of the account's signals."""
        text = (
            f"{signals.SELECTED} WHERE account_id = {self._dialect.param}"
            f" AND id > {self._dialect.param} ORDER BY id LIMIT {self._dialect.param}"
        )
        found = await self._database.fetch(text, (account_id, after, limit))
        return self._decoded(found, signals.signal_from_row)

    async def decisions_of(self, account_id: int, after: int, limit: int) -> Sequence[BotEvent]:
        """Return a page of the decisions of the account's bots."""
        param = self._dialect.param
        text = (
            f"{SELECT_STORED_EVENTS} JOIN bots b ON b.id = e.bot_id WHERE e.kind = 'decision'"
            f" AND b.account_id = {param} AND e.id > {param} ORDER BY e.id LIMIT {param}"
        )
        found = await self._database.fetch(text, (account_id, after, limit))
        return self._decoded(found, stored_event_from_row)

    async def signals_without_decision(self, account_id: int, limit: int) -> Sequence[int]:
        """Return signals of bots that are stored, but no decision, ascending."""
        param = self._dialect.param
        known = (
            "SELECT e.signal_id FROM bot_events e JOIN bots o ON o.id = e.bot_id"
            f" WHERE o.account_id = {param} AND e.signal_id IS NOT NULL"
        )
        text = (
            "SELECT s.id FROM signals s JOIN bots b ON b.id = s.bot_id"
            f" WHERE s.account_id = {param} AND s.id NOT IN ({known}) ORDER BY s.id LIMIT {param}"
        )
        rows = await self._database.fetch(text, (account_id, account_id, limit))
        return [row[0] for row in rows]

    async def strategies(self, strategy_ids: Sequence[int]) -> frozenset[int]:
        """Return the ids that exist."""
        if not strategy_ids:
            return frozenset()
        params = self._dialect.params(len(strategy_ids))
        text = f"SELECT id FROM strategies WHERE id IN ({params})"
        return frozenset(row[0] for row in await self._database.fetch(text, strategy_ids))

    async def commands_with_several_orders(self, account_id: int) -> Sequence[int]:
        """Return commands that created more than one order, ascending."""
        text = (
            "SELECT o.command_id FROM oms_orders o JOIN oms_commands c ON c.id = o.command_id"
            f" WHERE o.account_id = {self._dialect.param} AND c.command_type IN ({_SINGLE})"
            " GROUP BY o.command_id"
            " HAVING COUNT(DISTINCT COALESCE(o.group_id, o.id)) > 1 ORDER BY o.command_id"
        )
        return [row[0] for row in await self._database.fetch(text, (account_id,))]

    async def lease_tokens(self, account_id: int) -> LeaseTokens:
        """Return the lease tokens from one statement."""
        tokens = [
            f"(SELECT {column} FROM {table} WHERE account_id = {self._dialect.param})"
            for table, column in (("account_streams", "lease_token"), ("account_leases", "token"))
        ]
        ((written, given),) = await self._database.fetch(
            f"SELECT {', '.join(tokens)}", (account_id, account_id)
        )
        return LeaseTokens(written or 0, given or 0)

    async def used_idempotency_keys(self, after: str, limit: int) -> Sequence[UsedIdempotencyKey]:
        """Return a page of keys that have not expired."""
        text = (
            "SELECT scope_hash, command_ids FROM idempotency_keys"
            f" WHERE scope_hash > {self._dialect.param} AND expires_at > {self._dialect.now}"
            f" ORDER BY scope_hash LIMIT {self._dialect.param}"
        )
        rows = await self._database.fetch(text, (after, limit))
        return [UsedIdempotencyKey(row[0], json.loads(row[1]) if row[1] else ()) for row in rows]

    async def integrity_errors(self, limit: int) -> Sequence[str]:
        """Return the findings of SQLite's check of pages, indexes and types."""
        if self._dialect.name != "sqlite":
            return ()
        # No time limit: it reads the whole file.
        try:
            return await greenlet_spawn(_integrity_errors, self._database.read_engine, limit)
        except self._database.driver_errors as error:
            raise public_error(error) from error

    async def registry_rows(self) -> Sequence[RegistryRow]:
        """Return the rows whose changes are audited."""
        return await read_registry_rows(self._database)

    def invalid_values(self) -> AsyncIterator[InvalidValue]:
        """Yield the invalid values of all tables."""
        return scan_values(self._database)

    async def orphan_rows(self) -> Sequence[OrphanRows]:
        """Return the number of rows of non-existent accounts by table and account."""
        orphans: list[OrphanRows] = []
        for table in _OWNED:
            text = (
                f"SELECT account_id, COUNT(*) FROM {table} WHERE account_id <> 0"
                " AND account_id NOT IN (SELECT id FROM accounts) GROUP BY account_id"
            )
            orphans += [
                OrphanRows(table, row[0], row[1]) for row in await self._database.fetch(text)
            ]
        return orphans

    async def paper_exchange_state(self, account_id: int) -> ExchangeStateRows:
        """Return the state of the account's paper exchange from one snapshot."""

        async def work(session: Session) -> ExchangeStateRows:
            return await exchange_state.load_exchange_state(session, account_id)

        return await self._database.read_consistent(work)

    async def account_instruments(self, account_id: int) -> Mapping[str, Instrument]:
        """Return the instruments stored with an account at a real exchange, by symbol."""
        where = f"WHERE account_id = {self._dialect.param}"
        text = f"SELECT symbol, terms_json FROM account_instruments {where}"
        rows = await self._database.fetch(text, (account_id,))
        return {row[0]: decode_instrument(row[1]) for row in rows}

    async def paper_trades(self, account_id: int, after: str, limit: int) -> Sequence[TradeRow]:
        """Return a page of executions, ascending by id."""
        param = self._dialect.param
        text = (
            "SELECT trade_id, symbol, executed_at, trade_json FROM paper_trades"
            f" WHERE account_id = {param} AND trade_id > {param} ORDER BY trade_id LIMIT {param}"
        )
        rows = await self._database.fetch(text, (account_id, after, limit))
        return [
            TradeRow(
                trade_id=row[0],
                symbol=row[1],
                executed_at=self._dialect.decode_time(row[2]),
                trade=row[3],
            )
            for row in rows
        ]

    async def existing_paper_trades(
        self, account_id: int, trade_ids: Sequence[str]
    ) -> frozenset[str]:
        """Return the ids that exist."""
        if not trade_ids:
            return frozenset()
        text = (
            f"SELECT trade_id FROM paper_trades WHERE account_id = {self._dialect.param}"
            f" AND trade_id IN ({self._dialect.params(len(trade_ids))})"
        )
        rows = await self._database.fetch(text, (account_id, *trade_ids))
        return frozenset(row[0] for row in rows)

    async def archived(self, kind: str, ids: Collection[int]) -> frozenset[int]:
        """Return those of the rows that are archived."""
        return await self._archived.ids(kind, ids)

    async def archived_trades(
        self, account_id: int, symbol: str, trade_ids: Sequence[str]
    ) -> frozenset[str]:
        """Return those of the executions whose deals are archived."""
        return frozenset(await self._archived.deals(account_id, symbol, trade_ids))

    async def archived_funding(self, account_id: int) -> Mapping[str, Decimal]:
        """Return the funding of archived positions by symbol."""
        text = (
            "SELECT symbol, funding FROM archived_positions"
            f" WHERE account_id = {self._dialect.param}"
        )
        sums: dict[str, Decimal] = {}
        for symbol, funding in await self._database.fetch(text, (account_id,)):
            amount = self._dialect.decode_decimal(funding)
            sums[symbol] = add(sums.get(symbol, ZERO), amount)
        return sums

    def _decoded(
        self, rows: Sequence[Any], decode: Callable[[Any, Dialect], Decoded]
    ) -> Sequence[Decoded]:
        return decode_rows(rows, decode, self._dialect, skips_invalid=self._skips_invalid)


def _integrity_errors(engine: Engine, limit: int) -> Sequence[str]:
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"PRAGMA integrity_check({limit})")
        return [str(row[0]) for row in rows if row[0] != "ok"]
