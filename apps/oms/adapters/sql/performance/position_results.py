"""Results of positions, without the rest of their rows."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.replica_reads import ReportReads
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.reads.page_query import Conditions, HistoryTable, window_conditions
from oms.adapters.sql.rows import positions
from oms.adapters.sql.rows.text_codec import decode_rate
from oms.domain.ledger.deal import DealEntry
from oms.domain.ledger.fee_valuation import value_at
from oms.domain.ledger.position import PositionState
from oms.domain.money import ZERO, add
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery
from oms.ports.performance.position_results import OpenCounts, PositionResult

_COLUMNS = (
    "id, account_id, strategy_id, symbol, profit, funding, realized_pnl, close_reason, closed_at"
)
#: The source of signals whose execution opened the position.
_SOURCE = (
    "COALESCE((SELECT deals.source_id FROM oms_deals deals"
    f" WHERE deals.position_id = oms_positions.id AND deals.entry = '{DealEntry.IN.value}'"
    " ORDER BY deals.executed_at, deals.id LIMIT 1), 0)"
)
_CLOSED = HistoryTable(table="oms_positions", columns=_COLUMNS, moment="closed_at", status="state")
#: What is left of archived positions, with their source and their fees by rates.
_ARCHIVED = HistoryTable(table="archived_positions", columns=_COLUMNS, moment="closed_at")


class SqlPositionResults:
    """``ports.performance.position_results.PositionResults``."""

    def __init__(self, reads: ReportReads) -> None:
        self._reads = reads
        self._dialect = reads.dialect

    async def closed(
        self, window: HistoryQuery, limit: int, *, with_sources: bool = False
    ) -> Sequence[PositionResult]:
        """Return results of closed positions, at most ``limit``. Raises ``Unavailable``."""
        dialect = self._dialect
        where = self._where(window).and_(f"state = '{PositionState.CLOSED.value}'")
        text = (
            f"SELECT {_COLUMNS}, {_source(window, with_sources)} FROM oms_positions"
            f" WHERE {where.text} LIMIT {dialect.param}"
        )

        async def work(session: Session) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
            rows = await session.fetch(text, (*where.values, limit))
            fees = await self._valued_fees(session, window, where) if rows else []
            return rows, fees, await self._archived(session, window, limit, with_sources)

        rows, fees, archived = await self._reads.read_of_accounts(window.account_ids, work)
        results = await asyncio.to_thread(_results, rows, fees, archived, dialect)
        return results[:limit]

    async def open_counts(self, window: HistoryQuery, *, with_sources: bool = False) -> OpenCounts:
        """Return how many positions are open; times do not matter. Raises ``Unavailable``."""
        where = self._where(evolve(window, since=None, until=None))
        text = (
            f"SELECT account_id, strategy_id, symbol, {_source(window, with_sources)} AS source,"
            f" COUNT(*) FROM oms_positions WHERE {where.text}"
            f" AND state IN ({positions.OPEN_STATES_SQL})"
            " GROUP BY account_id, strategy_id, symbol, source"
        )
        rows = await self._reads.fetch_of_accounts(window.account_ids, text, where.values)
        return {(row[0], row[1], row[2], int(row[3])): int(row[4]) for row in rows}

    def _where(self, window: HistoryQuery) -> Conditions:
        where = window_conditions(self._dialect, _CLOSED, window)
        if window.source_id is None:
            return where
        return where.and_(f"{_SOURCE} = {self._dialect.param}", window.source_id)

    async def _archived(
        self, session: Session, window: HistoryQuery, limit: int, with_sources: bool
    ) -> Sequence[Any]:
        where = window_conditions(self._dialect, _ARCHIVED, evolve(window, source_id=None))
        if window.source_id is not None:
            where = where.and_(f"source_id = {self._dialect.param}", window.source_id)
        source = "source_id" if with_sources or window.source_id is not None else "0"
        text = (
            f"SELECT {_COLUMNS}, {source}, other_fees FROM archived_positions"
            f" WHERE {where.text} LIMIT {self._dialect.param}"
        )
        return await session.fetch(text, (*where.values, limit))

    async def _valued_fees(
        self, session: Session, window: HistoryQuery, where: Conditions
    ) -> Sequence[Any]:
        """Return the fees with a rate of the positions: id, fee and rate."""
        accounts = tuple(dict.fromkeys(window.account_ids))
        text = (
            "SELECT position_id, fee, fee_rate_json FROM oms_deals"
            f" WHERE account_id IN ({self._dialect.params(len(accounts))})"
            " AND fee_rate_json IS NOT NULL AND fee IS NOT NULL"
            f" AND position_id IN (SELECT id FROM oms_positions WHERE {where.text})"
        )
        return await session.fetch(text, (*accounts, *where.values))


def _source(window: HistoryQuery, with_sources: bool) -> str:
    return _SOURCE if with_sources or window.source_id is not None else "0"


def _results(
    rows: Sequence[Any], fees: Sequence[Any], archived: Sequence[Any], dialect: Dialect
) -> list[PositionResult]:
    others: dict[int, Decimal] = {}
    for position_id, fee, rate in fees:
        worth = value_at(dialect.decode_decimal(fee), decode_rate(rate))
        others[position_id] = add(others.get(position_id, ZERO), worth)
    kept = [_result(row, others.get(row[0], ZERO), dialect) for row in rows]
    return kept + [_result(row, dialect.decode_decimal(row[10]), dialect) for row in archived]


def _result(row: Any, other_fees: Decimal, dialect: Dialect) -> PositionResult:
    decimal = dialect.decode_decimal
    return PositionResult(
        id=row[0],
        account_id=row[1],
        strategy_id=row[2],
        symbol=row[3],
        profit=decimal(row[4]),
        funding=decimal(row[5]),
        realized_pnl=decimal(row[6]),
        other_fees=other_fees,
        source_id=int(row[9]),
        close_reason=row[7],
        closed_at=dialect.decode_time(row[8]),
    )
