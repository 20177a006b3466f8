"""Browser sessions: rows of ``auth_tokens`` of the kind ``session``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.errors import CommitOutcomeUnknown
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.adapters.sql.registry.user_statements import (
    insert_attempt,
    lock_user,
    store_password,
    token_audit_json,
)
from oms.adapters.sql.rows.browser_sessions import SESSION_COLUMNS, row_of_session
from oms.domain.browser_session import SESSIONS_PER_USER_MAX, BrowserSession, SessionMode
from oms.ports.admin.browser_sessions import NewSession, SessionRow
from oms.ports.audit_log import AuditContext
from oms.ports.registry import AuditEntry
from oms.wire.json import dumps, time_text

ENTITY_CHARACTERS_MAX = 64
KEY_ATTEMPT = "\napi_key"
"""Name of login attempts with a key: no user has it, so that it locks no user."""

_INSERT = BulkInsert(
    table="auth_tokens",
    columns=(
        *("id", "user_id", "api_key_id", "token_hash", "status", "expires_at", "created_at"),
        *("kind", "mode", "ends_at", "created_ip", "user_agent"),
    ),
)
_ACTIVE = "kind = 'session' AND status = 'active'"


class SqlBrowserSessions(AuditedWriter):
    """``ports.admin.browser_sessions.BrowserSessionStore``."""

    async def start(
        self,
        session: NewSession,
        user_name: str | None,
        new_password_hash: str | None,
        audit_context: AuditContext,
    ) -> int:
        """Store a session, end those that it replaces; returns its id."""
        attempt_id = await self._ids.allocate("login")
        session_id = await self._ids.allocate("token")

        async def work(db: Session) -> AuditedResult[int]:
            at = db.dialect.encode_time(audit_context.at)
            await lock_user(db, session.user_id)  # two logins at once would exceed the maximum
            entries = await _end_replaced(db, session, audit_context)
            idle_ends_at = db.dialect.encode_time(session.idle_ends_at)
            ends_at = db.dialect.encode_time(session.ends_at)
            row = (session_id, session.user_id, session.api_key_id, session.hash, "active")
            origin = (session.mode.value, ends_at, audit_context.ip, session.user_agent)
            await _INSERT(db, [(*row, idle_ends_at, at, "session", *origin)])
            if new_password_hash is not None:
                await store_password(db, session.user_id, new_password_hash, audit_context.at)
            if user_name is not None:
                await insert_attempt(db, attempt_id, user_name, audit_context, ok=True)
            after = token_audit_json(session_id, "session", session.mode, session.idle_ends_at)
            login = audit_context.entry("login", "user", session.user_id, after=after)
            return session_id, [*entries, login]

        return await self._write_audited(work, audit_context.at, 3)

    async def record_failure(
        self,
        user_name: str | None,
        mode: SessionMode,
        audit_context: AuditContext,
        *,
        user_id: int | None,
    ) -> None:
        """Store a failed attempt with its audit row."""
        attempt_id = await self._ids.allocate("login")
        name = "" if user_name is None else user_name[:ENTITY_CHARACTERS_MAX]
        after = token_audit_json(None, "session", mode, None)

        async def work(db: Session) -> AuditedResult[None]:
            counted = KEY_ATTEMPT if user_name is None else user_name
            await insert_attempt(db, attempt_id, counted, audit_context, ok=False)
            entity = name if user_id is None else user_id
            return None, [audit_context.entry("login_failed", "user", entity, after=after)]

        await self._write_audited(work, audit_context.at)

    async def extend(self, session: BrowserSession, now: datetime) -> None:
        """Store the idle end, unless a later one is stored."""
        dialect = self._dialect
        until = dialect.encode_time(session.idle_ends_at)

        async def work(db: Session) -> None:
            await db.execute(
                f"UPDATE auth_tokens SET expires_at = {dialect.param} WHERE id = {dialect.param}"
                f" AND {_ACTIVE} AND expires_at > {dialect.param}"
                f" AND expires_at < {dialect.param}",
                (until, session.id, dialect.encode_time(now), until),
            )

        try:
            await self._database.write(work)
        except CommitOutcomeUnknown:
            return  # the next request extends it

    async def change_key(
        self,
        session: BrowserSession,
        old_hash: str,
        new_hash: str,
        api_key_id: int,
        audit_context: AuditContext,
    ) -> bool:
        """Replace key, text and times of a session; its confirmation ends."""

        async def work(db: Session) -> AuditedResult[bool]:
            dialect, param = db.dialect, db.dialect.param
            before = await db.fetch(
                f"SELECT api_key_id FROM auth_tokens WHERE id = {param} AND token_hash = {param}"
                f" AND {_ACTIVE}{dialect.for_update}",
                (session.id, old_hash),
            )
            if not before:
                return False, []
            await db.execute(
                f"UPDATE auth_tokens SET token_hash = {param}, api_key_id = {param},"
                f" expires_at = {param}, ends_at = {param}, confirmed_until = NULL"
                f" WHERE id = {param}",
                (
                    *(new_hash, api_key_id, dialect.encode_time(session.idle_ends_at)),
                    *(dialect.encode_time(session.ends_at), session.id),
                ),
            )
            entry = audit_context.entry(
                "session_key_changed",
                "session",
                session.id,
                before=dumps({"api_key_id": before[0][0]}),
                after=dumps({"api_key_id": api_key_id}),
            )
            return True, [entry]

        return await self._write_audited(work, audit_context.at)

    async def confirm(
        self, session: BrowserSession, user_name: str | None, audit_context: AuditContext
    ) -> None:
        """Store until when the session is confirmed."""
        assert session.confirmed_until is not None
        until = session.confirmed_until
        attempt_id = await self._ids.allocate("login")

        async def work(db: Session) -> AuditedResult[None]:
            param = db.dialect.param
            await db.execute(
                f"UPDATE auth_tokens SET confirmed_until = {param} WHERE id = {param}"
                f" AND {_ACTIVE}",
                (db.dialect.encode_time(until), session.id),
            )
            if user_name is not None:
                await insert_attempt(db, attempt_id, user_name, audit_context, ok=True)
            after = dumps({"mode": session.mode, "confirmed_until": time_text(until)})
            entry = audit_context.entry("session_confirmed", "session", session.id, after=after)
            return None, [entry]

        await self._write_audited(work, audit_context.at)

    async def active(self, user_id: int | None, now: datetime) -> Sequence[SessionRow]:
        """Return active sessions by id."""
        param = self._dialect.param
        values: list[Any] = [self._dialect.encode_time(now)]
        where = ""
        if user_id is not None:
            where = f" AND t.user_id = {param}"
            values.append(user_id)
        rows = await self._database.fetch(
            f"SELECT t.user_id, u.name, t.api_key_id, t.last_used_at, t.created_ip, t.user_agent,"
            f" {SESSION_COLUMNS} FROM auth_tokens t JOIN user_api_keys k ON k.id = t.api_key_id"
            " JOIN users u ON u.id = t.user_id WHERE t.kind = 'session' AND t.status = 'active'"
            " AND k.status = 'active' AND u.status = 'active'"
            f" AND t.expires_at > {param}{where} ORDER BY t.id",
            values,
        )
        return [row_of_session(row, self._dialect) for row in rows]

    async def revoke(
        self, session_ids: Sequence[int], user_id: int | None, audit_context: AuditContext
    ) -> int:
        """End active sessions; returns how many ended."""
        if not session_ids:
            return 0

        async def work(db: Session) -> AuditedResult[int]:
            entries = []
            for session_id in session_ids:
                owner = await _end(db, session_id, user_id)
                if owner is not None:
                    entries.append(_revoked(session_id, owner, "revoked", audit_context))
            return len(entries), entries

        return await self._write_audited(work, audit_context.at, len(session_ids))


async def _end_replaced(
    db: Session, session: NewSession, audit_context: AuditContext
) -> list[AuditEntry]:
    """End the session whose text the login carried, and the oldest one above the maximum."""
    dialect, param = db.dialect, db.dialect.param
    entries = []
    if session.replaced_hash is not None:
        replaced = await db.fetch(
            f"SELECT id FROM auth_tokens WHERE token_hash = {param} AND {_ACTIVE}",
            (session.replaced_hash,),
        )
        for (replaced_id,) in replaced:
            owner = await _end(db, replaced_id, None)
            if owner is not None:
                entries.append(_revoked(replaced_id, owner, "replaced", audit_context))
    active = await db.fetch(
        f"SELECT id FROM auth_tokens WHERE user_id = {param} AND {_ACTIVE}"
        f" AND expires_at > {param} ORDER BY created_at DESC, id DESC",
        (session.user_id, dialect.encode_time(audit_context.at)),
    )
    # The user is locked by each login: there is at most one too many.
    for (session_id,) in active[SESSIONS_PER_USER_MAX - 1 : SESSIONS_PER_USER_MAX]:
        await _end(db, session_id, session.user_id)
        entries.append(_revoked(session_id, session.user_id, "maximum", audit_context))
    return entries


async def _end(db: Session, session_id: int, user_id: int | None) -> int | None:
    """End an active session, of one user if it is given; returns whose it was."""
    param = db.dialect.param
    rows = await db.fetch(
        f"SELECT user_id FROM auth_tokens WHERE id = {param} AND {_ACTIVE}{db.dialect.for_update}",
        (session_id,),
    )
    if not rows or user_id not in (None, rows[0][0]):
        return None
    await db.execute(f"UPDATE auth_tokens SET status = 'revoked' WHERE id = {param}", (session_id,))
    return int(rows[0][0])


def _revoked(session_id: int, user_id: int, cause: str, audit_context: AuditContext) -> AuditEntry:
    after = dumps({"user_id": user_id, "cause": cause})
    return audit_context.entry("session_revoked", "session", session_id, after=after)
