"""How orders were executed, without the rest of their rows."""

import asyncio
from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.replica_reads import ReportReads
from oms.adapters.sql.reads.page_query import HistoryTable, window_conditions
from oms.domain.orders.order import OrderState
from oms.domain.performance.execution_quality import Execution
from oms.domain.side import Side
from oms.ports.history_reads import HistoryQuery

_COLUMNS = (
    "id, account_id, strategy_id, symbol, side, filled_qty, avg_fill_price, arrival_price,"
    " state, created_at, command_id, source_id"
)
_ORDERS = HistoryTable(table="oms_orders", columns=_COLUMNS, moment="updated_at", status="status")


class SqlExecutions:
    """``ports.performance.executions.Executions``."""

    def __init__(self, reads: ReportReads) -> None:
        self._reads = reads
        self._dialect = reads.dialect

    async def of_orders(self, window: HistoryQuery, limit: int) -> Sequence[Execution]:
        """Return the executions of orders, at most ``limit``. Raises ``Unavailable``."""
        dialect = self._dialect
        where = window_conditions(dialect, _ORDERS, window)
        text = (
            "SELECT o.account_id, o.strategy_id, o.symbol, o.side, o.filled_qty,"
            " o.avg_fill_price, o.arrival_price, o.state, o.created_at,"
            " c.created_at, a.sent_at, a.acked_at, o.source_id"
            f" FROM (SELECT {_COLUMNS} FROM oms_orders WHERE {where.text}"
            f" ORDER BY id DESC LIMIT {dialect.param}) AS o"
            " LEFT JOIN oms_commands c ON c.id = o.command_id"
            " LEFT JOIN oms_order_attempts a"
            " ON a.order_id = o.id AND a.attempt = 1 AND a.kind = 'place'"
        )
        rows = await self._reads.fetch_of_accounts(window.account_ids, text, (*where.values, limit))
        return await asyncio.to_thread(lambda: [_execution(row, dialect) for row in rows])


def _execution(row: Any, dialect: Dialect) -> Execution:
    decimal, time = dialect.decode_optional_decimal, dialect.decode_optional_time
    return Execution(
        account_id=row[0],
        strategy_id=row[1],
        source_id=row[12] or 0,
        symbol=row[2],
        side=Side(row[3]),
        filled_qty=dialect.decode_decimal(row[4]),
        avg_fill_price=decimal(row[5]),
        arrival_price=decimal(row[6]),
        is_rejected=row[7] == OrderState.REJECTED.value,
        admitted_at=dialect.decode_time(row[8]),
        queued_at=time(row[9]),
        sent_at=time(row[10]),
        answered_at=time(row[11]),
    )
