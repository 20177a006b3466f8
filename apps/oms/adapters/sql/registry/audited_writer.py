"""Base of the stores whose changes are written together with their audit rows."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.rows import access
from oms.ports.registry import AuditEntry

Result = TypeVar("Result")
#: Result of a change and its audit log entries.
AuditedResult = tuple[Result, Sequence[AuditEntry]]


class AuditedWriter:
    """Writes changes and their audit rows in one transaction."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        self._database = database
        self._dialect = database.dialect
        self._ids = ids

    async def _write_audited(
        self,
        work: Callable[[Session], Awaitable[AuditedResult[Result]]],
        now: datetime,
        entries_max: int = 1,
    ) -> Result:
        """Return the result of ``work``, committed. Raises ``Unavailable``, ``DuplicateKey``."""
        # Allocated before the transaction, which is repeated after a deadlock: with the same ids.
        first_id = await self._ids.allocate("audit", entries_max)

        async def with_audit(session: Session) -> Result:
            result, entries = await work(session)
            assert len(entries) <= entries_max, "an id was allocated for each entry"
            rows = [
                access.audit_to_row(audit_id, entry, 0, now, session.dialect)
                for audit_id, entry in enumerate(entries, start=first_id)
            ]
            if rows:
                await access.INSERT_AUDIT(session, rows)
            return result

        return await self._database.commit(with_audit)
