"""Passwords, login tokens and login attempts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.errors import CommitOutcomeUnknown
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.adapters.sql.registry.user_statements import (
    NAME_CHARACTERS_MAX,
    insert_attempt,
    revoke_user_tokens,
    store_password,
    token_audit_json,
)
from oms.adapters.sql.rows.users import (
    KEY_JOINED,
    KEY_SELECTED,
    USER_SELECTED,
    key_from_row,
    user_from_row,
)
from oms.domain.login_lockout import LoginAttempt, lockout_address
from oms.ports.admin.login_credentials import LoginRecord, NewToken
from oms.ports.audit_log import AuditContext
from oms.wire.json import dumps

#: Further attempts would not extend a lockout.
ATTEMPTS_PER_NAME_READ_MAX = 100
ATTEMPTS_PER_ADDRESS_READ_MAX = 400
ENTITY_CHARACTERS_MAX = 64

_TOKEN = BulkInsert(
    table="auth_tokens",
    columns=("id", "user_id", "api_key_id", "token_hash", "status", "expires_at", "created_at"),
)


class SqlLoginCredentials(AuditedWriter):
    """``ports.credentials.LoginCredentials``."""

    async def login_record(self, user_name: str, now: datetime) -> LoginRecord:
        """Return user, password hash and usable keys of the name."""

        async def work(session: Session) -> LoginRecord:
            return await _login_row(session, user_name, now)

        return await self._database.read_consistent(work)

    async def password_of(self, user_id: int) -> str | None:
        """Return the hash of the user's password."""
        text = (
            "SELECT password_hash FROM user_password_credentials"
            f" WHERE user_id = {self._dialect.param}"
        )
        rows = await self._database.fetch(text, (user_id,))
        return str(rows[0][0]) if rows else None

    async def attempts(
        self, user_name: str | None, ip: str, since: datetime
    ) -> tuple[Sequence[LoginAttempt], Sequence[LoginAttempt]]:
        """Return the newest attempts of the name, if any, and of the address, each ascending."""
        at = self._dialect.encode_time(since)
        by_name: Sequence[LoginAttempt] = ()
        if user_name is not None:
            by_name = await self._attempts(
                "user_name", user_name[:NAME_CHARACTERS_MAX], at, ATTEMPTS_PER_NAME_READ_MAX
            )
        by_address = await self._attempts(
            "ip", lockout_address(ip), at, ATTEMPTS_PER_ADDRESS_READ_MAX
        )
        return by_name, by_address

    async def record_failure(
        self, user_name: str, audit_context: AuditContext, *, user_id: int | None
    ) -> None:
        """Store a failed attempt with its audit row."""
        attempt_id = await self._ids.allocate("login")
        name = user_name[:ENTITY_CHARACTERS_MAX]
        after = token_audit_json(None, "token", "password", None)

        async def work(session: Session) -> AuditedResult[None]:
            await insert_attempt(session, attempt_id, user_name, audit_context, ok=False)
            entity = name if user_id is None else user_id
            return None, [audit_context.entry("login_failed", "user", entity, after=after)]

        await self._write_audited(work, audit_context.at)

    async def record_login(
        self, user_name: str, token: NewToken, new_hash: str | None, audit_context: AuditContext
    ) -> int:
        """Store a successful attempt and its token; returns the token id."""
        attempt_id = await self._ids.allocate("login")
        token_id = await self._ids.allocate("token")

        async def work(session: Session) -> AuditedResult[int]:
            dialect = session.dialect
            await insert_attempt(session, attempt_id, user_name, audit_context, ok=True)
            ends, at = dialect.encode_time(token.expires_at), dialect.encode_time(audit_context.at)
            row = (token_id, token.user_id, token.api_key_id, token.hash, "active", ends, at)
            await _TOKEN(session, [row])
            if new_hash is not None:
                await store_password(session, token.user_id, new_hash, audit_context.at)
            after = token_audit_json(token_id, "token", "password", token.expires_at)
            return token_id, [audit_context.entry("login", "user", token.user_id, after=after)]

        return await self._write_audited(work, audit_context.at)

    async def revoke(
        self, user_id: int, token_id: int, audit_context: AuditContext, *, revokes_all: bool
    ) -> int:
        """Revoke a token or session, or all of its user; returns the number revoked."""

        async def work(session: Session) -> AuditedResult[int]:
            param = session.dialect.param
            ended = await session.fetch(
                "SELECT kind, mode, expires_at FROM auth_tokens"
                f" WHERE id = {param} AND user_id = {param}",
                (token_id, user_id),
            )
            if revokes_all:
                count = await revoke_user_tokens(session, user_id, None)
            else:
                count = await session.execute(
                    f"UPDATE auth_tokens SET status = 'revoked' WHERE id = {param}"
                    f" AND user_id = {param} AND status = 'active'",
                    (token_id, user_id),
                )
            kind, mode, expires_at = ended[0] if ended else ("token", None, None)
            expires_at = session.dialect.decode_optional_time(expires_at)
            after = token_audit_json(token_id, kind, mode or "password", expires_at)
            more = dumps({"revoked": count, "all": revokes_all})
            after = f"{after[:-1]},{more[1:]}"
            return count, [audit_context.entry("logout", "user", user_id, after=after)]

        return await self._write_audited(work, audit_context.at)

    async def set_password(
        self,
        user_id: int,
        password_hash: str,
        keep_token_id: int | None,
        audit_context: AuditContext,
    ) -> None:
        """Store the hash and revoke all tokens of the user but ``keep_token_id``."""

        async def work(session: Session) -> AuditedResult[None]:
            await store_password(session, user_id, password_hash, audit_context.at)
            count = await revoke_user_tokens(session, user_id, keep_token_id)
            after = dumps({"password": "changed", "tokens_revoked": count})
            return None, [audit_context.entry("change_password", "user", user_id, after=after)]

        await self._write_audited(work, audit_context.at)

    async def record_use(
        self, api_key_id: int, token_id: int | None, ip: str, now: datetime, since: datetime
    ) -> None:
        """Store the last use of key and token unless one was stored after ``since``."""
        named = [("user_api_keys", api_key_id)]
        if token_id is not None:
            named.append(("auth_tokens", token_id))

        async def work(session: Session) -> None:
            dialect = session.dialect
            for table, row_id in named:
                await session.execute(
                    f"UPDATE {table} SET last_used_at = {dialect.param},"
                    f" last_used_ip = {dialect.param} WHERE id = {dialect.param}"
                    f" AND (last_used_at IS NULL OR last_used_at < {dialect.param})",
                    (dialect.encode_time(now), ip or None, row_id, dialect.encode_time(since)),
                )

        try:
            await self._database.write(work)
        except CommitOutcomeUnknown:
            return  # the next use is stored anyway

    async def delete_expired(self, before: datetime, limit: int) -> int:
        """Delete old attempts and ended tokens; returns the number of rows."""

        async def work(session: Session) -> int:
            count = 0
            for table, column in (("login_attempts", "created_at"), ("auth_tokens", "expires_at")):
                param = session.dialect.param
                old = await session.fetch(
                    f"SELECT id FROM {table} WHERE {column} < {param}"
                    f" ORDER BY {column} LIMIT {param}",
                    (session.dialect.encode_time(before), limit),
                )
                if old:
                    params = session.dialect.params(len(old))
                    text = f"DELETE FROM {table} WHERE id IN ({params})"
                    count += await session.execute(text, [row[0] for row in old])
            return count

        try:
            return await self._database.write(work)
        except CommitOutcomeUnknown:
            return 0  # the rest is deleted next time

    async def _attempts(
        self, column: str, value: str, since: Any, limit: int
    ) -> Sequence[LoginAttempt]:
        param = self._dialect.param
        text = (
            f"SELECT user_name, ok, created_at FROM login_attempts WHERE {column} = {param}"
            f" AND created_at > {param} ORDER BY created_at DESC LIMIT {param}"
        )
        rows = await self._database.fetch(text, (value, since, limit))
        return [
            LoginAttempt(user_name=row[0], ok=bool(row[1]), at=self._dialect.decode_time(row[2]))
            for row in reversed(rows)
        ]


async def _login_row(session: Session, user_name: str, now: datetime) -> LoginRecord:
    dialect, param = session.dialect, session.dialect.param
    text = f"SELECT {USER_SELECTED} FROM users WHERE name = {param}"
    found = await session.fetch(text, (user_name,))
    users = [row for row in found if row[1] == user_name]  # MariaDB ignores trailing spaces.
    user_id = users[0][0] if users else 0  # the same queries run for an unknown name
    stored = await session.fetch(
        f"SELECT password_hash FROM user_password_credentials WHERE user_id = {param}", (user_id,)
    )
    keys = await session.fetch(
        f"SELECT {KEY_SELECTED} FROM {KEY_JOINED} WHERE k.user_id = {param}"
        f" AND k.status = 'active' AND (k.expires_at IS NULL OR k.expires_at > {param})"
        " ORDER BY k.id",
        (user_id, dialect.encode_time(now)),
    )
    return LoginRecord(
        user=user_from_row(users[0], dialect) if users else None,
        password_hash=stored[0][0] if stored else None,
        keys=[key_from_row(row, dialect) for row in keys],
    )
