"""Reads for checking the books."""

import json
from collections.abc import Mapping, Sequence

from oms.adapters.sql.database import Database
from oms.adapters.sql.rows import deals, memory, positions
from oms.adapters.sql.session import Session
from oms.domain.deal import Deal
from oms.domain.position import Position
from oms.ports.audit_reads import Fence, OrderColumns, Stray, UsedKey
from oms.ports.exchange import MemoryRows, TradeRow

#: Tables whose rows belong to an account; id 0 is nobody's.
_OWNED = ("oms_commands", "oms_orders", "oms_deals", "oms_positions", "event_outbox")
#: Commands of these types make one order at most.
_SINGLE = "'send_order', 'close_position'"


class SqlAuditReads:
    """``ports.audit_reads.AuditReads``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def deals_of_positions(self, position_ids: Sequence[int]) -> Sequence[Deal]:
        """Deals of the positions, ascending."""
        if not position_ids:
            return ()
        text = (
            f"SELECT {deals.SELECTED} FROM oms_deals"
            f" WHERE position_id IN ({self._dialect.marks(len(position_ids))}) ORDER BY id"
        )
        found = await self._database.rows(text, position_ids)
        return [deals.deal_of(row, self._dialect) for row in found]

    async def symbols(self, account_id: int) -> Sequence[str]:
        """All that there are rows of."""
        text = " UNION ".join(
            f"SELECT DISTINCT symbol FROM {table} WHERE account_id = {self._dialect.mark}"
            for table in ("oms_orders", "oms_deals", "oms_positions")
        )
        found = await self._database.rows(text, (account_id,) * 3)
        return sorted(row[0] for row in found)

    async def merged_into(self, account_id: int, position_ids: Sequence[int]) -> Sequence[Position]:
        """Positions that ended in one of these."""
        if not position_ids:
            return ()
        text = (
            f"SELECT {positions.SELECTED} FROM oms_positions"
            f" WHERE account_id = {self._dialect.mark} AND state = 'merged'"
            f" AND merged_into IN ({self._dialect.marks(len(position_ids))}) ORDER BY id"
        )
        found = await self._database.rows(text, (account_id, *position_ids))
        return [positions.position_of(row, self._dialect) for row in found]

    async def order_columns(self, order_ids: Sequence[int]) -> Mapping[int, OrderColumns]:
        """Columns beside the state."""
        if not order_ids:
            return {}
        text = (
            "SELECT id, status, is_open, avg_fill_price FROM oms_orders"
            f" WHERE id IN ({self._dialect.marks(len(order_ids))})"
        )
        decimal = self._dialect.optional_decimal_out
        return {
            row[0]: OrderColumns(row[1], bool(row[2]), decimal(row[3]))
            for row in await self._database.rows(text, order_ids)
        }

    async def strategies(self, strategy_ids: Sequence[int]) -> frozenset[int]:
        """Those that exist."""
        if not strategy_ids:
            return frozenset()
        marks = self._dialect.marks(len(strategy_ids))
        text = f"SELECT id FROM strategies WHERE id IN ({marks})"
        return frozenset(row[0] for row in await self._database.rows(text, strategy_ids))

    async def commands_with_several_orders(self, account_id: int) -> Sequence[int]:
        """Commands that made more than one order, ascending."""
        text = (
            "SELECT o.command_id FROM oms_orders o JOIN oms_commands c ON c.id = o.command_id"
            f" WHERE o.account_id = {self._dialect.mark} AND c.command_type IN ({_SINGLE})"
            " GROUP BY o.command_id HAVING COUNT(*) > 1 ORDER BY o.command_id"
        )
        return [row[0] for row in await self._database.rows(text, (account_id,))]

    async def fence(self, account_id: int) -> Fence:
        """The lease tokens, in one read."""
        tokens = [
            f"(SELECT {column} FROM {table} WHERE account_id = {self._dialect.mark})"
            for table, column in (("account_streams", "lease_token"), ("account_leases", "token"))
        ]
        ((written, given),) = await self._database.rows(
            f"SELECT {', '.join(tokens)}", (account_id, account_id)
        )
        return Fence(written or 0, given or 0)

    async def used_keys(self, after: str, limit: int) -> Sequence[UsedKey]:
        """Keys that have not expired."""
        text = (
            "SELECT scope_hash, command_ids FROM idempotency_keys"
            f" WHERE scope_hash > {self._dialect.mark} AND expires_at > {self._dialect.now}"
            f" ORDER BY scope_hash LIMIT {self._dialect.mark}"
        )
        found = await self._database.rows(text, (after, limit))
        return [UsedKey(row[0], json.loads(row[1]) if row[1] else ()) for row in found]

    async def strays(self) -> Sequence[Stray]:
        """Rows of accounts that do not exist; each table's index by account tells."""
        found: list[Stray] = []
        for table in _OWNED:
            text = (
                f"SELECT account_id, COUNT(*) FROM {table} WHERE account_id <> 0"
                " AND account_id NOT IN (SELECT id FROM accounts) GROUP BY account_id"
            )
            found += [Stray(table, row[0], row[1]) for row in await self._database.rows(text)]
        return found

    async def paper_memory(self, account_id: int) -> MemoryRows:
        """The memory of the account's paper exchange, in one consistent read."""

        async def work(session: Session) -> MemoryRows:
            return await memory.recall(session, account_id)

        return await self._database.consistent(work)

    async def paper_trades(self, account_id: int, after: str, limit: int) -> Sequence[TradeRow]:
        """Executions, ascending by id."""
        mark = self._dialect.mark
        text = (
            "SELECT trade_id, symbol, executed_at, trade_json FROM paper_trades"
            f" WHERE account_id = {mark} AND trade_id > {mark} ORDER BY trade_id LIMIT {mark}"
        )
        found = await self._database.rows(text, (account_id, after, limit))
        return [
            TradeRow(
                trade_id=row[0],
                symbol=row[1],
                executed_at=self._dialect.time_out(row[2]),
                trade=row[3],
            )
            for row in found
        ]

    async def paper_trades_named(self, account_id: int, trade_ids: Sequence[str]) -> frozenset[str]:
        """Those that there are."""
        if not trade_ids:
            return frozenset()
        text = (
            f"SELECT trade_id FROM paper_trades WHERE account_id = {self._dialect.mark}"
            f" AND trade_id IN ({self._dialect.marks(len(trade_ids))})"
        )
        found = await self._database.rows(text, (account_id, *trade_ids))
        return frozenset(row[0] for row in found)
