"""Changes that leave a trace: what is written and its audit rows are one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.errors import CommitOutcomeUnknown, outcome_unknown_error
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.rows import access
from oms.ports.registry import AuditEntry

Answer = TypeVar("Answer")
#: What a change answers, and the rows it leaves in the log.
AuditedResult = tuple[Answer, Sequence[AuditEntry]]


class AuditedWriter:
    """Writes to one database, each with its rows of the audit log."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        self._database = database
        self._dialect = database.dialect
        self._ids = ids

    async def _write_audited(
        self,
        work: Callable[[Session], Awaitable[AuditedResult[Answer]]],
        now: datetime,
        entries_max: int = 1,
    ) -> Answer:
        """What ``work`` answers, durably. Raises ``Unavailable``, ``Duplicate``."""
        await self._ids.ensure("audit", entries_max)

        async def whole(session: Session) -> Answer:
            answer, entries = await work(session)
            assert len(entries) <= entries_max, "an id was provided for each"
            rows = [
                access.audit_to_row(self._ids("audit"), entry, 0, now, session.dialect)
                for entry in entries
            ]
            if rows:
                await access.INSERT_AUDIT(session, rows)
            return answer

        try:
            return await self._database.write(whole)
        except CommitOutcomeUnknown as doubt:
            raise outcome_unknown_error() from doubt
