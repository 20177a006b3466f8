"""Backtests as the runner executes them: ``ports.research.backtest_runs.BacktestQueue``.

Each transaction begins with the lease of the task, so a runner that lost it writes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.coordination.task_leases import fence_task
from oms.adapters.sql.registry.gateway_events import write_gateway_events
from oms.adapters.sql.research import backtest_rows as rows
from oms.domain.event import Event
from oms.domain.value import evolve
from oms.ports.research.backtest_runs import (
    BacktestOutcome,
    BacktestProgress,
    BacktestStatus,
    Row,
    StoredBacktest,
)
from oms.ports.runner.task_leases import TaskLease
from oms.wire.json import dumps

ERROR_CHARACTERS_MAX = 1000


class SqlBacktestQueue:
    """``ports.research.backtest_runs.BacktestQueue``."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        self._database = database
        self._dialect = database.dialect
        self._ids = ids

    async def running(self) -> Sequence[StoredBacktest]:
        """Return what is running, by id. Raises ``Unavailable``."""
        text = f"{rows.SELECT} WHERE r.status = 'running' ORDER BY r.id"
        found = await self._database.fetch(text)
        return [rows.backtest_from_row(row, self._dialect) for row in found]

    async def requeue(self, lease: TaskLease, run_ids: Sequence[int]) -> None:
        """Queue again what is running. Raises ``LeaseLost``, ``Unavailable``."""

        async def work(session: Session) -> None:
            await fence_task(session, lease)
            text = "UPDATE backtest_runs SET status = 'queued', done = 0, total = 0"
            for run_id in run_ids:
                await session.execute(f"{text} WHERE id = {session.dialect.param}", (run_id,))

        await self._database.commit(work)

    async def claim(self, lease: TaskLease, at: datetime) -> StoredBacktest | None:
        """Return the oldest queued one, now running. Raises ``LeaseLost``, ``Unavailable``."""
        dialect, param = self._dialect, self._dialect.param
        oldest = f"{rows.SELECT} WHERE r.status = 'queued' ORDER BY r.id LIMIT 1"
        if not await self._database.fetch(oldest):
            return None

        async def work(session: Session) -> StoredBacktest | None:
            await fence_task(session, lease)
            found = await session.fetch(oldest + dialect.for_update)
            if not found:
                return None
            run = rows.backtest_from_row(found[0], dialect)
            await session.execute(
                f"UPDATE backtest_runs SET status = 'running', token = {param},"
                f" attempts = attempts + 1, started_at = {param}, progress_at = {param},"
                f" done = 0, total = 0 WHERE id = {param}",
                (lease.token, dialect.encode_time(at), dialect.encode_time(at), run.id),
            )
            return evolve(
                run, status=BacktestStatus.RUNNING, attempts=run.attempts + 1, started_at=at
            )

        return await self._database.commit(work)

    async def record_progress(
        self, lease: TaskLease, run_id: int, progress: BacktestProgress, at: datetime
    ) -> None:
        """Store how far it is. Raises ``LeaseLost``, ``Unavailable``."""
        param, moment = self._dialect.param, self._dialect.encode_time(at)

        async def work(session: Session) -> None:
            await fence_task(session, lease)
            await session.execute(
                f"UPDATE backtest_runs SET done = {param}, total = {param}, progress_at = {param}"
                f" WHERE id = {param} AND token = {param} AND status = 'running'",
                (progress.done, progress.total, moment, run_id, lease.token),
            )

        await self._database.commit(work)

    async def finish(
        self,
        lease: TaskLease,
        run_id: int,
        outcome: BacktestOutcome,
        event: Event,
        at: datetime,
    ) -> None:
        """Store the result and its event, once. Raises ``LeaseLost``, ``Unavailable``."""
        changes = {
            "status": BacktestStatus.DONE.value,
            "result_json": dumps(outcome.result),
            "data_hash": outcome.data_hash,
        }
        await self._close(lease, run_id, changes, self._result_rows(run_id, outcome), event, at)

    async def end(
        self,
        lease: TaskLease,
        run_id: int,
        status: BacktestStatus,
        error: str | None,
        event: Event,
        at: datetime,
    ) -> None:
        """End it without a result, with its event. Raises ``LeaseLost``, ``Unavailable``."""
        text = None if error is None else error[:ERROR_CHARACTERS_MAX]
        await self._close(lease, run_id, {"status": status.value, "error": text}, {}, event, at)

    async def _close(
        self,
        lease: TaskLease,
        run_id: int,
        changes: Mapping[str, str | None],
        results: Mapping[str, Sequence[tuple[Any, ...]]],
        event: Event,
        at: datetime,
    ) -> None:
        event_id = await self._ids.allocate("event")
        param, moment = self._dialect.param, self._dialect.encode_time(at)
        sets = {**changes, "ended_at": moment, "progress_at": moment}
        assigned = ", ".join(f"{name} = {param}" for name in sets)
        text = f"UPDATE backtest_runs SET {assigned} WHERE id = {param} AND status = 'running'"

        async def work(session: Session) -> None:
            await fence_task(session, lease)
            if not await session.execute(text, (*sets.values(), run_id)):
                return
            for table, values in results.items():
                columns = ("run_id", *rows.RESULTS[table])
                await BulkInsert(table=table, columns=columns)(session, values)
            await write_gateway_events(session, event_id, [event], at)

        await self._database.commit(work)

    def _result_rows(
        self, run_id: int, outcome: BacktestOutcome
    ) -> Mapping[str, Sequence[tuple[Any, ...]]]:
        def numbered(name: str, given: Sequence[Row]) -> list[tuple[Any, ...]]:
            columns = rows.RESULTS[name]
            return [rows.result_to_row(run_id, columns, row, self._dialect) for row in given]

        ranked = enumerate(outcome.combinations, start=1)
        found = {
            "backtest_figures": [(run_id, *pair) for pair in outcome.figures.items()],
            "backtest_trades": numbered("backtest_trades", outcome.trades),
            "backtest_round_trips": numbered("backtest_round_trips", outcome.round_trips),
            "backtest_equity": numbered("backtest_equity", outcome.points),
            "backtest_combinations": [(run_id, place, dumps(row)) for place, row in ranked],
        }
        return {table: values for table, values in found.items() if values}
