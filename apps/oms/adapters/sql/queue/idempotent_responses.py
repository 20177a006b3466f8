"""Responses stored under an ``Idempotency-Key`` in the table ``idempotency_keys``."""

from datetime import datetime

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.errors import (
    CommitOutcomeUnknown,
    DuplicateKey,
    outcome_unknown_error,
)
from oms.adapters.sql.connection.session import Session
from oms.ports.idempotent_responses import StoredResponse


class SqlIdempotentResponses:
    """``ports.idempotent_responses.IdempotentResponses``; one row per key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def claim(
        self, scope_hash: str, fingerprint: str, now: datetime, expires_at: datetime
    ) -> StoredResponse | None:
        """Claim a key; returns the stored response if it is taken.

        Raises ``Unavailable``; the key is then released as far as possible.
        """
        dialect = self._dialect
        text = (
            "INSERT INTO idempotency_keys (scope_hash, fingerprint, status, expires_at, created_at)"
            f" VALUES ({dialect.params(5)})"
        )
        times = dialect.encode_time(expires_at), dialect.encode_time(now)

        async def work(session: Session) -> None:
            await session.execute(text, (scope_hash, fingerprint, "claimed", *times))

        try:
            await self._database.write(work)
        except DuplicateKey:
            return await self._read(scope_hash, fingerprint)
        except CommitOutcomeUnknown as error:
            await self.release(scope_hash)
            raise outcome_unknown_error() from error
        return None

    async def save(self, scope_hash: str, status: int, body: str) -> None:
        """Store the response of a claimed key. Raises ``Unavailable``."""
        param = self._dialect.param
        text = (
            f"UPDATE idempotency_keys SET status = 'stored', http_status = {param},"
            f" response_json = {param} WHERE scope_hash = {param}"
        )

        async def work(session: Session) -> None:
            await session.execute(text, (status, body, scope_hash))

        await self._database.commit(work)

    async def release(self, scope_hash: str) -> None:
        """Delete the claim of a key. Raises ``Unavailable``."""
        param = self._dialect.param
        text = f"DELETE FROM idempotency_keys WHERE scope_hash = {param} AND status = 'claimed'"

        async def work(session: Session) -> None:
            await session.execute(text, (scope_hash,))

        await self._database.commit(work)

    async def _read(self, scope_hash: str, fingerprint: str) -> StoredResponse:
        text = (
            "SELECT fingerprint, http_status, response_json FROM idempotency_keys"
            f" WHERE scope_hash = {self._dialect.param}"
        )
        rows = await self._database.fetch(text, (scope_hash,))
        if not rows:  # released between the two statements
            return StoredResponse(fingerprint=fingerprint, status=None, body=None)
        return StoredResponse(fingerprint=rows[0][0], status=rows[0][1], body=rows[0][2])
