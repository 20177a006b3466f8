"""Passwords, login tokens and attempts to log in: ``ports.credentials.Credentials``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.audited import Audited, Traced
from oms.adapters.sql.bulk import Insert
from oms.adapters.sql.dialect import Dialect
from oms.adapters.sql.errors import InDoubt
from oms.adapters.sql.people_steps import end_tokens_of_user, put_password
from oms.adapters.sql.rows.people import (
    KEY_JOINED,
    KEY_SELECTED,
    USER_SELECTED,
    key_of,
    user_of,
)
from oms.adapters.sql.session import Session
from oms.domain.throttle import Attempt
from oms.ports.audit_log import Hand
from oms.ports.credentials import LoginRow, NewToken
from oms.wire.json import dumps, time_text

#: More attempts than these do not make a lock longer.
ATTEMPTS_PER_NAME_READ_MAX = 100
ATTEMPTS_PER_ADDRESS_READ_MAX = 400
NAME_CHARACTERS_MAX = 128
ENTITY_CHARACTERS_MAX = 64

_ATTEMPT = Insert(table="login_attempts", columns=("id", "user_name", "ip", "ok", "created_at"))
_TOKEN = Insert(
    table="auth_tokens",
    columns=("id", "user_id", "api_key_id", "token_hash", "status", "expires_at", "created_at"),
)


class SqlCredentials(Audited):
    """Who logs in."""

    async def login_row(self, user_name: str, now: datetime) -> LoginRow:
        """What is known under the name."""

        async def work(session: Session) -> LoginRow:
            return await _login_row(session, user_name, now)

        return await self._database.consistent(work)

    async def password_of(self, user_id: int) -> str | None:
        """The hash of the user's password."""
        text = (
            "SELECT password_hash FROM user_password_credentials"
            f" WHERE user_id = {self._dialect.mark}"
        )
        found = await self._database.rows(text, (user_id,))
        return str(found[0][0]) if found else None

    async def attempts(
        self, user_name: str, ip: str, since: datetime
    ) -> tuple[Sequence[Attempt], Sequence[Attempt]]:
        """The newest attempts of the name, and from the address, each ascending."""
        at = self._dialect.time_in(since)
        mine = await self._attempts(
            "user_name", user_name[:NAME_CHARACTERS_MAX], at, ATTEMPTS_PER_NAME_READ_MAX
        )
        here = await self._attempts("ip", ip, at, ATTEMPTS_PER_ADDRESS_READ_MAX)
        return mine, here

    async def failed(self, user_name: str, hand: Hand, *, known: int | None) -> None:
        """Note an attempt that failed."""
        await self._ids.ensure("login", 1)
        attempt_id = self._ids("login")
        name = user_name[:ENTITY_CHARACTERS_MAX]

        async def work(session: Session) -> Traced[None]:
            await _ATTEMPT(session, [_attempt(attempt_id, user_name, hand, False, session.dialect)])
            return None, [hand.entry("login_failed", "user", name if known is None else known)]

        await self._traced(work, hand.at)

    async def logged_in(
        self, user_name: str, token: NewToken, new_hash: str | None, hand: Hand
    ) -> int:
        """Note a success and store its token; the token's id."""
        await self._ids.ensure("login", 1)
        await self._ids.ensure("token", 1)
        attempt_id, token_id = self._ids("login"), self._ids("token")

        async def work(session: Session) -> Traced[int]:
            dialect = session.dialect
            await _ATTEMPT(session, [_attempt(attempt_id, user_name, hand, True, dialect)])
            ends, at = dialect.time_in(token.expires_at), dialect.time_in(hand.at)
            row = (token_id, token.user_id, token.api_key_id, token.hash, "active", ends, at)
            await _TOKEN(session, [row])
            if new_hash is not None:
                await put_password(session, token.user_id, new_hash, hand.at)
            told = dumps({"token_id": token_id, "expires_at": time_text(token.expires_at)})
            return token_id, [hand.entry("login", "user", token.user_id, after=told)]

        return await self._traced(work, hand.at)

    async def revoke(self, user_id: int, token_id: int | None, hand: Hand) -> int:
        """End a token, or all of the user's; how many ended."""

        async def work(session: Session) -> Traced[int]:
            if token_id is None:
                count = await end_tokens_of_user(session, user_id, None)
            else:
                mark = session.dialect.mark
                count = await session.execute(
                    f"UPDATE auth_tokens SET status = 'revoked' WHERE id = {mark}"
                    f" AND user_id = {mark} AND status = 'active'",
                    (token_id, user_id),
                )
            told = dumps({"revoked": count, "all": token_id is None})
            return count, [hand.entry("logout", "user", user_id, after=told)]

        return await self._traced(work, hand.at)

    async def set_password(
        self, user_id: int, password_hash: str, keep_token_id: int | None, hand: Hand
    ) -> None:
        """Store the hash and end the user's tokens but one."""

        async def work(session: Session) -> Traced[None]:
            await put_password(session, user_id, password_hash, hand.at)
            count = await end_tokens_of_user(session, user_id, keep_token_id)
            told = dumps({"password": "changed", "tokens_revoked": count})
            return None, [hand.entry("change_password", "user", user_id, after=told)]

        await self._traced(work, hand.at)

    async def used(
        self, api_key_id: int, token_id: int | None, ip: str, now: datetime, since: datetime
    ) -> None:
        """Note that they were used, unless that was noted after ``since``."""
        named = [("user_api_keys", api_key_id)]
        if token_id is not None:
            named.append(("auth_tokens", token_id))

        async def work(session: Session) -> None:
            dialect = session.dialect
            for table, row_id in named:
                await session.execute(
                    f"UPDATE {table} SET last_used_at = {dialect.mark},"
                    f" last_used_ip = {dialect.mark} WHERE id = {dialect.mark}"
                    f" AND (last_used_at IS NULL OR last_used_at < {dialect.mark})",
                    (dialect.time_in(now), ip or None, row_id, dialect.time_in(since)),
                )

        try:
            await self._database.write(work)
        except InDoubt:
            return  # noted or not: the next use will tell

    async def forget(self, before: datetime, limit: int) -> int:
        """Drop old attempts and ended tokens; how many rows went."""

        async def work(session: Session) -> int:
            count = 0
            for table, column in (("login_attempts", "created_at"), ("auth_tokens", "expires_at")):
                mark = session.dialect.mark
                old = await session.fetch(
                    f"SELECT id FROM {table} WHERE {column} < {mark}"
                    f" ORDER BY {column} LIMIT {mark}",
                    (session.dialect.time_in(before), limit),
                )
                if old:
                    marks = session.dialect.marks(len(old))
                    text = f"DELETE FROM {table} WHERE id IN ({marks})"
                    count += await session.execute(text, [row[0] for row in old])
            return count

        try:
            return await self._database.write(work)
        except InDoubt:
            return 0  # what is left goes next time

    async def _attempts(self, column: str, value: str, since: Any, limit: int) -> Sequence[Attempt]:
        mark = self._dialect.mark
        text = (
            f"SELECT user_name, ok, created_at FROM login_attempts WHERE {column} = {mark}"
            f" AND created_at > {mark} ORDER BY created_at DESC LIMIT {mark}"
        )
        found = await self._database.rows(text, (value, since, limit))
        return [
            Attempt(user_name=row[0], ok=bool(row[1]), at=self._dialect.time_out(row[2]))
            for row in reversed(found)
        ]


async def _login_row(session: Session, user_name: str, now: datetime) -> LoginRow:
    dialect, mark = session.dialect, session.dialect.mark
    users = await session.fetch(
        f"SELECT {USER_SELECTED} FROM users WHERE name = {mark}", (user_name,)
    )
    user_id = users[0][0] if users else 0  # as many questions for a name that nobody has
    stored = await session.fetch(
        f"SELECT password_hash FROM user_password_credentials WHERE user_id = {mark}", (user_id,)
    )
    keys = await session.fetch(
        f"SELECT {KEY_SELECTED} FROM {KEY_JOINED} WHERE k.user_id = {mark}"
        f" AND k.status = 'active' AND (k.expires_at IS NULL OR k.expires_at > {mark})"
        " ORDER BY k.id",
        (user_id, dialect.time_in(now)),
    )
    return LoginRow(
        user=user_of(users[0], dialect) if users else None,
        password_hash=stored[0][0] if stored else None,
        keys=[key_of(row, dialect) for row in keys],
    )


def _attempt(
    attempt_id: int, user_name: str, hand: Hand, ok: bool, dialect: Dialect
) -> tuple[Any, ...]:
    name = user_name[:NAME_CHARACTERS_MAX]
    return (attempt_id, name, hand.ip or "", ok, dialect.time_in(hand.at))
