"""Changes that leave a trace: what is written and its audit rows are one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from oms.adapters.sql.database import Database
from oms.adapters.sql.errors import InDoubt, in_doubt
from oms.adapters.sql.ids import SqlIdBlocks
from oms.adapters.sql.rows import access
from oms.adapters.sql.session import Session
from oms.ports.registry import AuditEntry

Answer = TypeVar("Answer")
#: What a change answers, and the rows it leaves in the log.
Traced = tuple[Answer, Sequence[AuditEntry]]


class Audited:
    """Writes to one database, each with its rows of the audit log."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        self._database = database
        self._dialect = database.dialect
        self._ids = ids

    async def _traced(
        self,
        work: Callable[[Session], Awaitable[Traced[Answer]]],
        now: datetime,
        entries_max: int = 1,
    ) -> Answer:
        """What ``work`` answers, durably. Raises ``Unavailable``, ``Duplicate``."""
        await self._ids.ensure("audit", entries_max)

        async def whole(session: Session) -> Answer:
            answer, entries = await work(session)
            assert len(entries) <= entries_max, "an id was provided for each"
            rows = [
                access.audit_values(self._ids("audit"), entry, 0, now, session.dialect)
                for entry in entries
            ]
            if rows:
                await access.AUDIT(session, rows)
            return answer

        try:
            return await self._database.write(whole)
        except InDoubt as doubt:
            raise in_doubt() from doubt
