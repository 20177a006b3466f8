"""Rows of ``research_requests``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.coordination.task_leases import fence_task
from oms.ports.research.research_requests import ResearchKind, ResearchRequest
from oms.ports.runner.task_leases import TaskLease
from oms.wire.json import dumps_fast, loads

_INSERT = BulkInsert(
    table="research_requests", columns=("id", "kind", "status", "request_json", "created_at")
)


class SqlResearchRequests:
    """``ports.research.research_requests.ResearchRequests``."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        self._database = database
        self._ids = ids
        self._dialect = database.dialect

    async def add(self, kind: ResearchKind, fields: Mapping[str, Any], now: datetime) -> int:
        """Queue a request; returns its id."""
        request_id = await self._ids.allocate("research_request")
        at = self._dialect.encode_time(now)
        row = (request_id, kind.value, "queued", dumps_fast(fields), at)

        async def work(session: Session) -> None:
            await _INSERT(session, [row])

        await self._database.commit(work)
        return request_id

    async def waiting(self) -> int:
        """Return the number of requests without an answer."""
        rows = await self._database.fetch(
            "SELECT COUNT(*) FROM research_requests WHERE status IN ('queued', 'running')"
        )
        return int(rows[0][0])

    async def answer(self, request_id: int) -> str | None:
        """Return the JSON of the answer, once there is one."""
        param = self._dialect.param
        rows = await self._database.fetch(
            f"SELECT answer_json FROM research_requests WHERE id = {param} AND status = 'done'",
            (request_id,),
        )
        return None if not rows else str(rows[0][0])

    async def remove(self, request_id: int) -> None:
        """Remove a request with its answer."""
        text = f"DELETE FROM research_requests WHERE id = {self._dialect.param}"
        await self._execute(text, request_id)

    async def requeue(self, lease: TaskLease) -> None:
        """Queue again what a runner that ended was working on. Raises ``LeaseLost``."""
        text = "UPDATE research_requests SET status = 'queued' WHERE status = 'running'"
        await self._execute(text, lease=lease)

    async def claim(self, lease: TaskLease) -> ResearchRequest | None:
        """Return the oldest queued request, now running. Raises ``LeaseLost``."""
        oldest = (
            "SELECT id, kind, request_json, created_at FROM research_requests"
            " WHERE status = 'queued' ORDER BY id LIMIT 1"
        )
        if not await self._database.fetch(oldest):
            return None

        async def work(session: Session) -> ResearchRequest | None:
            await fence_task(session, lease)
            rows = await session.fetch(oldest + session.dialect.for_update)
            if not rows:
                return None
            await session.execute(
                "UPDATE research_requests SET status = 'running'"
                f" WHERE id = {session.dialect.param}",
                (rows[0][0],),
            )
            return ResearchRequest(
                id=rows[0][0],
                kind=ResearchKind(rows[0][1]),
                fields=loads(rows[0][2]),
                created_at=session.dialect.decode_time(rows[0][3]),
            )

        return await self._database.commit(work)

    async def store_answer(self, lease: TaskLease, request_id: int, answer: str) -> None:
        """Store the JSON of an answer. Raises ``LeaseLost``."""
        param = self._dialect.param
        text = (
            f"UPDATE research_requests SET status = 'done', answer_json = {param}"
            f" WHERE id = {param}"
        )
        await self._execute(text, answer, request_id, lease=lease)

    async def prune(self, before: datetime) -> None:
        """Remove all requests that were made before a moment."""
        text = f"DELETE FROM research_requests WHERE created_at < {self._dialect.param}"
        await self._execute(text, self._dialect.encode_time(before))

    async def _execute(self, text: str, *values: Any, lease: TaskLease | None = None) -> None:
        async def work(session: Session) -> None:
            if lease is not None:
                await fence_task(session, lease)
            await session.execute(text, values)

        await self._database.commit(work)
