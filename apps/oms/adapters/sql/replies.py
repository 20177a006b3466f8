"""Answers kept under an ``Idempotency-Key``, in ``idempotency_keys``: ``ports.replies``."""

from datetime import datetime

from oms.adapters.sql.database import Database, Work
from oms.adapters.sql.errors import Duplicate, InDoubt, in_doubt
from oms.adapters.sql.session import Session
from oms.ports.replies import Reply


class SqlReplies:
    """One row a key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def claim(
        self, scope_hash: str, fingerprint: str, now: datetime, expires_at: datetime
    ) -> Reply | None:
        """Raises ``Unavailable``; then the key is free, as far as can be known."""
        dialect = self._dialect
        text = (
            "INSERT INTO idempotency_keys (scope_hash, fingerprint, status, expires_at, created_at)"
            f" VALUES ({dialect.marks(5)})"
        )
        moments = dialect.time_in(expires_at), dialect.time_in(now)

        async def work(session: Session) -> None:
            await session.execute(text, (scope_hash, fingerprint, "claimed", *moments))

        try:
            await self._database.write(work)
        except Duplicate:
            return await self._found(scope_hash, fingerprint)
        except InDoubt as doubt:
            await self.release(scope_hash)
            raise in_doubt() from doubt
        return None

    async def keep(self, scope_hash: str, status: int, body: str) -> None:
        """Raises ``Unavailable``."""
        mark = self._dialect.mark
        text = (
            f"UPDATE idempotency_keys SET status = 'stored', http_status = {mark},"
            f" response_json = {mark} WHERE scope_hash = {mark}"
        )

        async def work(session: Session) -> None:
            await session.execute(text, (status, body, scope_hash))

        await self._write(work)

    async def release(self, scope_hash: str) -> None:
        """Raises ``Unavailable``."""
        mark = self._dialect.mark
        text = f"DELETE FROM idempotency_keys WHERE scope_hash = {mark} AND status = 'claimed'"

        async def work(session: Session) -> None:
            await session.execute(text, (scope_hash,))

        await self._write(work)

    async def _found(self, scope_hash: str, fingerprint: str) -> Reply:
        text = (
            "SELECT fingerprint, http_status, response_json FROM idempotency_keys"
            f" WHERE scope_hash = {self._dialect.mark}"
        )
        rows = await self._database.rows(text, (scope_hash,))
        if not rows:  # released between the two: whoever comes now finds it free
            return Reply(fingerprint=fingerprint, status=None, body=None)
        return Reply(fingerprint=rows[0][0], status=rows[0][1], body=rows[0][2])

    async def _write(self, work: Work[None]) -> None:
        try:
            await self._database.write(work)
        except InDoubt as doubt:
            raise in_doubt() from doubt
