"""Answers kept under an ``Idempotency-Key``, in ``idempotency_keys``: ``ports.replies``."""

from datetime import datetime

from oms.adapters.sql.connection.database import Database, Work
from oms.adapters.sql.connection.errors import (
    CommitOutcomeUnknown,
    DuplicateKey,
    outcome_unknown_error,
)
from oms.adapters.sql.connection.session import Session
from oms.ports.idempotent_responses import StoredResponse


class SqlIdempotentResponses:
    """One row a key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def claim(
        self, scope_hash: str, fingerprint: str, now: datetime, expires_at: datetime
    ) -> StoredResponse | None:
        """Raises ``Unavailable``; then the key is free, as far as can be known."""
        dialect = self._dialect
        text = (
            "INSERT INTO idempotency_keys (scope_hash, fingerprint, status, expires_at, created_at)"
            f" VALUES ({dialect.params(5)})"
        )
        moments = dialect.encode_time(expires_at), dialect.encode_time(now)

        async def work(session: Session) -> None:
            await session.execute(text, (scope_hash, fingerprint, "claimed", *moments))

        try:
            await self._database.write(work)
        except DuplicateKey:
            return await self._found(scope_hash, fingerprint)
        except CommitOutcomeUnknown as doubt:
            await self.release(scope_hash)
            raise outcome_unknown_error() from doubt
        return None

    async def save(self, scope_hash: str, status: int, body: str) -> None:
        """Raises ``Unavailable``."""
        param = self._dialect.param
        text = (
            f"UPDATE idempotency_keys SET status = 'stored', http_status = {param},"
            f" response_json = {param} WHERE scope_hash = {param}"
        )

        async def work(session: Session) -> None:
            await session.execute(text, (status, body, scope_hash))

        await self._write(work)

    async def release(self, scope_hash: str) -> None:
        """Raises ``Unavailable``."""
        param = self._dialect.param
        text = f"DELETE FROM idempotency_keys WHERE scope_hash = {param} AND status = 'claimed'"

        async def work(session: Session) -> None:
            await session.execute(text, (scope_hash,))

        await self._write(work)

    async def _found(self, scope_hash: str, fingerprint: str) -> StoredResponse:
        text = (
            "SELECT fingerprint, http_status, response_json FROM idempotency_keys"
            f" WHERE scope_hash = {self._dialect.param}"
        )
        rows = await self._database.rows(text, (scope_hash,))
        if not rows:  # released between the two: whoever comes now finds it free
            return StoredResponse(fingerprint=fingerprint, status=None, body=None)
        return StoredResponse(fingerprint=rows[0][0], status=rows[0][1], body=rows[0][2])

    async def _write(self, work: Work[None]) -> None:
        try:
            await self._database.write(work)
        except CommitOutcomeUnknown as doubt:
            raise outcome_unknown_error() from doubt
