"""Results of positions, without the rest of their rows."""

import asyncio
from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.reads.page_query import HistoryTable, window_conditions
from oms.adapters.sql.rows import positions
from oms.domain.ledger.position import PositionState
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery
from oms.ports.performance.position_results import OpenCounts, PositionResult

_COLUMNS = (
    "id, account_id, strategy_id, symbol, profit, funding, realized_pnl, close_reason, closed_at"
)
_CLOSED = HistoryTable(table="oms_positions", columns=_COLUMNS, moment="closed_at", status="state")


class SqlPositionResults:
    """``ports.performance.position_results.PositionResults``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def closed(self, window: HistoryQuery, limit: int) -> Sequence[PositionResult]:
        """Return results of closed positions, at most ``limit``. Raises ``Unavailable``."""
        dialect = self._dialect
        where = window_conditions(dialect, _CLOSED, window).and_(
            f"state = '{PositionState.CLOSED.value}'"
        )
        text = f"SELECT {_COLUMNS} FROM oms_positions WHERE {where.text} LIMIT {dialect.param}"
        rows = await self._database.fetch(text, (*where.values, limit))
        return await asyncio.to_thread(lambda: [_result(row, dialect) for row in rows])

    async def open_counts(self, window: HistoryQuery) -> OpenCounts:
        """Return how many positions are open; times do not matter. Raises ``Unavailable``."""
        untimed = evolve(window, since=None, until=None)
        where = window_conditions(self._dialect, _CLOSED, untimed)
        text = (
            "SELECT account_id, strategy_id, symbol, COUNT(*) FROM oms_positions"
            f" WHERE {where.text} AND state IN ({positions.OPEN_STATES_SQL})"
            " GROUP BY account_id, strategy_id, symbol"
        )
        rows = await self._database.fetch(text, where.values)
        return {(row[0], row[1], row[2]): int(row[3]) for row in rows}


def _result(row: Any, dialect: Dialect) -> PositionResult:
    decimal = dialect.decode_decimal
    return PositionResult(
        id=row[0],
        account_id=row[1],
        strategy_id=row[2],
        symbol=row[3],
        profit=decimal(row[4]),
        funding=decimal(row[5]),
        realized_pnl=decimal(row[6]),
        close_reason=row[7],
        closed_at=dialect.decode_time(row[8]),
    )
