"""What an account did lately."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.adapters.sql.connection.database import Database
from oms.domain.risk.recent import ClosedResult, RecentOrder


class SqlRecentActivity:
    """``ports.performance.recent_activity.RecentActivityReads``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def orders(self, account_id: int, since: datetime) -> Sequence[RecentOrder]:
        """Return the entry orders made since then that the gateway did not refuse."""
        dialect, param = self._dialect, self._dialect.param
        # No order is older than its last change, which has an index.
        text = (
            "SELECT id, strategy_id, created_at FROM oms_orders"
            f" WHERE account_id = {param} AND updated_at >= {param} AND created_at >= {param}"
            " AND reduce_only = 0 AND (reject_source IS NULL OR reject_source <> 'oms')"
        )
        moment = dialect.encode_time(since)
        rows = await self._database.fetch(text, (account_id, moment, moment))
        return [
            RecentOrder(id=row[0], strategy_id=row[1], created_at=dialect.decode_time(row[2]))
            for row in rows
        ]

    async def rejections(self, account_id: int, since: datetime) -> Sequence[int]:
        """Return the ids of orders that the exchange rejected since then."""
        param = self._dialect.param
        text = (
            f"SELECT id FROM oms_orders WHERE account_id = {param} AND updated_at > {param}"
            " AND state = 'REJECTED' AND reject_source = 'exchange'"
        )
        rows = await self._database.fetch(text, (account_id, self._dialect.encode_time(since)))
        return [row[0] for row in rows]

    async def results(self, account_id: int, limit: int) -> Sequence[ClosedResult]:
        """Return the positions that ended last, newest first."""
        dialect, param = self._dialect, self._dialect.param
        table = dialect.with_index("oms_positions", "ix_oms_positions_updated_at")
        text = (
            f"SELECT id, strategy_id, closed_at, realized_pnl FROM {table}"
            f" WHERE account_id = {param} AND state = 'closed' AND closed_at IS NOT NULL"
            f" ORDER BY updated_at DESC, id DESC LIMIT {param}"
        )
        rows = await self._database.fetch(text, (account_id, limit))
        found = [
            ClosedResult(
                id=row[0],
                strategy_id=row[1],
                closed_at=dialect.decode_time(row[2]),
                profit=dialect.decode_decimal(row[3]),
            )
            for row in rows
        ]
        return sorted(found, key=lambda each: (each.closed_at, each.id), reverse=True)

    async def signals(
        self, account_id: int, since: datetime, new_done_ids: Sequence[int]
    ) -> Mapping[tuple[int, str], int]:
        """Return the numbers of signals received since then and done, by strategy and symbol."""
        param, status = self._dialect.param, "status = 'done'"
        if new_done_ids:
            listed = self._dialect.params(len(new_done_ids))
            status = f"({status} OR (status = 'queued' AND id IN ({listed})))"
        text = (
            "SELECT strategy_id, symbol, COUNT(*) FROM signals"
            f" WHERE account_id = {param} AND received_at >= {param} AND {status}"
            " GROUP BY strategy_id, symbol"
        )
        values = (account_id, self._dialect.encode_time(since), *new_done_ids)
        rows = await self._database.fetch(text, values)
        return {(row[0], row[1]): int(row[2]) for row in rows}
