"""Backtests as the API reads and writes them: ``ports.research.backtest_runs.BacktestStore``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.research import backtest_rows as rows
from oms.domain.value import evolve
from oms.ports.research.backtest_runs import (
    BacktestOrder,
    BacktestPage,
    BacktestQuery,
    BacktestStatus,
    RankKey,
    Row,
    StoredBacktest,
)
from oms.wire.json import loads_fast

_FILTERS = ("user_id", "kind", "status", "strategy", "exchange", "symbol", "timeframe")
_ACTIVE = "status IN ('queued', 'running')"


class SqlBacktests:
    """``ports.research.backtest_runs.BacktestStore``."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        self._database = database
        self._dialect = database.dialect
        self._ids = ids

    async def add(self, order: BacktestOrder) -> StoredBacktest:
        """Queue a backtest. Raises ``Unavailable``."""
        run_id = await self._ids.allocate("backtest")
        row = rows.backtest_to_row(run_id, order, self._dialect)

        async def work(session: Session) -> None:
            await rows.INSERT(session, [row])

        await self._database.commit(work)
        return StoredBacktest(id=run_id, order=order, status=BacktestStatus.QUEUED)

    async def find(self, run_id: int) -> StoredBacktest | None:
        """Return a backtest. Raises ``Unavailable``."""
        found = await self._read(f"r.id = {self._dialect.param}", (run_id,))
        return found[0] if found else None

    async def page(self, query: BacktestQuery) -> BacktestPage:
        """Return a page of backtests. Raises ``Unavailable``."""
        param = self._dialect.param
        where, values = self._conditions(query)
        source, number, order = rows.SELECT, "NULL", "r.id DESC"
        if query.figure is not None:
            source = rows.SELECT.replace(" FROM ", ", f.number FROM ", 1)
            source += f" LEFT JOIN backtest_figures f ON f.run_id = r.id AND f.name = {param}"
            number = "f.number"
            direction = "ASC" if query.is_ascending else "DESC"
            order = f"(f.number IS NULL), f.number {direction}, r.id DESC"
        after, after_values = self._after(query, number)
        text = f"{source} WHERE {where}{after} ORDER BY {order} LIMIT {param}"
        named = () if query.figure is None else (query.figure,)
        found = await self._database.fetch(text, (*named, *values, *after_values, query.limit + 1))
        kept = found[: query.limit]
        items = [rows.backtest_from_row(row, self._dialect) for row in kept]
        if len(found) <= query.limit:
            return BacktestPage(items=items, next=None)
        last = None if query.figure is None else kept[-1][-1]
        return BacktestPage(
            items=items,
            next=RankKey(number=None if last is None else float(last), run_id=items[-1].id),
        )

    async def waiting(self, user_id: int) -> int:
        """Return how many of a user are queued or running. Raises ``Unavailable``."""
        text = f"SELECT COUNT(*) FROM backtest_runs WHERE {_ACTIVE} AND user_id ="
        found = await self._database.fetch(f"{text} {self._dialect.param}", (user_id,))
        return int(found[0][0])

    async def active(self) -> Sequence[StoredBacktest]:
        """Return what is queued or running, by id. Raises ``Unavailable``."""
        return await self._read(f"r.{_ACTIVE}", ())

    async def trades(self, run_id: int, after: int, limit: int) -> Sequence[Row]:
        """Return executions. Raises ``Unavailable``."""
        return await self._numbered("backtest_trades", run_id, after, limit)

    async def round_trips(self, run_id: int, after: int, limit: int) -> Sequence[Row]:
        """Return round trips. Raises ``Unavailable``."""
        return await self._numbered("backtest_round_trips", run_id, after, limit)

    async def points(self, run_id: int) -> Sequence[Row]:
        """Return the stored points of the curve. Raises ``Unavailable``."""
        columns = rows.POINTS
        text = f"SELECT {', '.join(columns)} FROM backtest_equity WHERE run_id ="
        found = await self._database.fetch(f"{text} {self._dialect.param} ORDER BY at", (run_id,))
        return [rows.result_from_row(columns, row, self._dialect) for row in found]

    async def combinations(self, run_id: int) -> Sequence[Mapping[str, Any]]:
        """Return the rows of a sweep, the best first. Raises ``Unavailable``."""
        text = "SELECT row_json FROM backtest_combinations WHERE run_id ="
        found = await self._database.fetch(
            f"{text} {self._dialect.param} ORDER BY position", (run_id,)
        )
        return [loads_fast(row[0]) for row in found]

    async def cancel(self, run_id: int, at: datetime) -> StoredBacktest | None:
        """Cancel what is queued, request it of what is running. Raises ``Unavailable``."""
        dialect, param = self._dialect, self._dialect.param

        async def work(session: Session) -> StoredBacktest | None:
            found = await session.fetch(
                f"{rows.SELECT} WHERE r.id = {param}{dialect.for_update}", (run_id,)
            )
            if not found:
                return None
            run = rows.backtest_from_row(found[0], dialect)
            if run.status is BacktestStatus.QUEUED:
                await session.execute(
                    f"UPDATE backtest_runs SET status = 'canceled', is_cancel_requested = 1,"
                    f" ended_at = {param} WHERE id = {param}",
                    (dialect.encode_time(at), run_id),
                )
                return evolve(
                    run, status=BacktestStatus.CANCELED, is_cancel_requested=True, ended_at=at
                )
            if run.status is BacktestStatus.RUNNING:
                text = f"UPDATE backtest_runs SET is_cancel_requested = 1 WHERE id = {param}"
                await session.execute(text, (run_id,))
                return evolve(run, is_cancel_requested=True)
            return run

        return await self._database.commit(work)

    async def remove(self, run_id: int) -> bool:
        """Delete what has ended, with its rows. Raises ``Unavailable``."""
        param = self._dialect.param

        async def work(session: Session) -> bool:
            text = f"DELETE FROM backtest_runs WHERE id = {param} AND NOT {_ACTIVE}"
            if not await session.execute(text, (run_id,)):
                return False
            for table in rows.RESULTS:
                await session.execute(f"DELETE FROM {table} WHERE run_id = {param}", (run_id,))
            return True

        return await self._database.commit(work)

    async def _read(self, where: str, values: Sequence[Any]) -> Sequence[StoredBacktest]:
        text = f"{rows.SELECT} WHERE {where} ORDER BY r.id"
        found = await self._database.fetch(text, values)
        return [rows.backtest_from_row(row, self._dialect) for row in found]

    async def _numbered(self, table: str, run_id: int, after: int, limit: int) -> Sequence[Row]:
        param, columns = self._dialect.param, rows.RESULTS[table]
        found = await self._database.fetch(
            f"SELECT {', '.join(columns)} FROM {table} WHERE run_id = {param}"
            f" AND number > {param} ORDER BY number LIMIT {param}",
            (run_id, after, limit),
        )
        return [rows.result_from_row(columns, row, self._dialect) for row in found]

    def _conditions(self, query: BacktestQuery) -> tuple[str, tuple[Any, ...]]:
        parts, values = ["1 = 1"], []
        for name in _FILTERS:
            wanted = getattr(query, name)
            if wanted is not None:
                parts.append(f"r.{name} = {self._dialect.param}")
                values.append(wanted)
        return " AND ".join(parts), tuple(values)

    def _after(self, query: BacktestQuery, number: str) -> tuple[str, tuple[Any, ...]]:
        """Return the condition of rows after the key of a page."""
        key, param = query.after, self._dialect.param
        if key is None:
            return "", ()
        if query.figure is None:
            return f" AND r.id < {param}", (key.run_id,)
        if key.number is None:
            return f" AND {number} IS NULL AND r.id < {param}", (key.run_id,)
        sign = ">" if query.is_ascending else "<"
        text = (
            f" AND ({number} IS NULL OR {number} {sign} {param}"
            f" OR ({number} = {param} AND r.id < {param}))"
        )
        return text, (key.number, key.number, key.run_id)
