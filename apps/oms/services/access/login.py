"""Login by password: throttled, with the same answer and duration for every invalid login.

A token stands for one key of the user and has exactly its rights; it ends by logout, by expiry, or
with the key.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from oms.domain.access import Principal
from oms.domain.errors import Forbidden, Invalid, RateLimited, Unauthenticated
from oms.domain.login_lockout import (
    FAILURES_PER_ADDRESS,
    FAILURES_PER_NAME,
    failures_of,
    locked_until,
)
from oms.domain.value import evolve, value
from oms.ports.admin.login_credentials import LoginCredentials, LoginRecord, NewToken
from oms.ports.admin.user_admin import ApiKeyRow
from oms.ports.audit_log import AuditContext
from oms.ports.clock import Clock
from oms.ports.registry import UserRow
from oms.services.access.authenticate import TOKEN_PREFIX, hash_key
from oms.services.access.passwords import Passwords

TOKEN_BYTES = 32
TOKEN_HOURS = 12
#: How far back attempts are read; the longest lockout is shorter.
ATTEMPTS_WINDOW = timedelta(hours=24)
LOGINS_CONCURRENT_MAX = 2
LOGINS_WAITING_MAX = 100
ACTOR_CHARACTERS_MAX = 128


class LoginThrottled(RateLimited):
    """Too many failed attempts; try again later."""

    code = "login_throttled"


@value
class LoginResult:
    """A new token, returned only once, and its row."""

    token: str
    row: NewToken
    role: str


@dataclass(slots=True, kw_only=True)
class Login:
    """Exchanges passwords for tokens."""

    credentials: LoginCredentials
    passwords: Passwords
    clock: Clock
    _slots: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(LOGINS_CONCURRENT_MAX)
    )
    _waiting: int = 0

    async def __call__(
        self, user_name: str, password: str, api_key_id: int | None, audit_context: AuditContext
    ) -> LoginResult:
        """Log in with a password.

        Raises ``LoginThrottled``, ``Unauthenticated``, ``Forbidden``, ``Unavailable``.
        """
        async with self.attempt():
            return await self._login(user_name, password, api_key_id, audit_context)

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """Hold one of the places of concurrent attempts. Raises ``LoginThrottled``.

        More concurrent checks would not see each other's failed attempt.
        """
        if self._waiting >= LOGINS_WAITING_MAX:
            raise LoginThrottled("too many concurrent logins")
        self._waiting += 1
        try:
            async with self._slots:
                yield
        finally:
            self._waiting -= 1

    async def logout(
        self, principal: Principal, audit_context: AuditContext, *, all_tokens: bool
    ) -> int:
        """Revoke the token or session of the caller, or all of the user. Returns how many.

        Raises ``Invalid``.
        """
        if principal.token_id is None:
            raise Invalid("a key does not log out; disable it instead")
        return await self.credentials.revoke(
            principal.user_id, principal.token_id, audit_context, revokes_all=all_tokens
        )

    async def change_password(
        self, principal: Principal, current: str, new: str, audit_context: AuditContext
    ) -> None:
        """Change the password and revoke the user's other tokens.

        Raises ``LoginThrottled``, ``Unauthenticated``, ``Invalid`` (``weak_password``).
        """
        async with self._slots:
            await self.refuse_throttled(principal.user_name, audit_context)
            if not await self.matches(principal.user_id, current):
                await self.credentials.record_failure(
                    principal.user_name, audit_context, user_id=principal.user_id
                )
                raise invalid_credentials()
        new_hash = await self.passwords.hash(new)
        await self.credentials.set_password(
            principal.user_id, new_hash, principal.token_id, audit_context
        )

    async def check_password(
        self, user_name: str, password: str, audit_context: AuditContext
    ) -> tuple[UserRow | None, LoginRecord]:
        """Return the active user whose password this is, if any, and the record of the name.

        The caller holds an ``attempt``. Raises ``LoginThrottled``.
        """
        await self.refuse_throttled(user_name, audit_context)
        row = await self.credentials.login_record(user_name, audit_context.at)
        matches = await self.passwords.matches(row.password_hash, password)
        is_active = row.user is not None and row.user.status == "active"
        return row.user if matches and is_active else None, row

    async def matches(self, user_id: int, password: str) -> bool:
        """Return whether the user has this password."""
        return await self.passwords.matches(await self.credentials.password_of(user_id), password)

    async def rehashed(self, row: LoginRecord, password: str) -> str | None:
        """Return a new hash of a password that was hashed with other parameters, else ``None``."""
        if row.password_hash is None or not self.passwords.needs_rehash(row.password_hash):
            return None
        return await self.passwords.hash(password)

    async def refuse_throttled(self, user_name: str | None, audit_context: AuditContext) -> None:
        """Refuse an attempt after too many failures of the name, if there is one, or the address.

        Raises ``LoginThrottled``.
        """
        since = audit_context.at - ATTEMPTS_WINDOW
        by_user, by_address = await self.credentials.attempts(
            user_name, audit_context.ip or "", since
        )
        locks = (
            locked_until(failures_of(by_user), FAILURES_PER_NAME),
            locked_until(failures_of(by_address), FAILURES_PER_ADDRESS),
        )
        until = max((lock for lock in locks if lock is not None), default=audit_context.at)
        if until > self.clock.now():
            seconds = -((self.clock.now() - until) // timedelta(seconds=1))
            raise LoginThrottled(
                "too many failed attempts; wait before the next one",
                retry_after_seconds=max(seconds, 1),
            )

    async def _login(
        self, user_name: str, password: str, api_key_id: int | None, audit_context: AuditContext
    ) -> LoginResult:
        audit_context = evolve(audit_context, actor=actor_of(user_name))
        user, row = await self.check_password(user_name, password, audit_context)
        if user is None:
            user_id = None if row.user is None else row.user.id
            await self.credentials.record_failure(user_name, audit_context, user_id=user_id)
            raise invalid_credentials()
        key = select_key(row.keys, api_key_id)
        token_text = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        expires_at = audit_context.at + timedelta(hours=TOKEN_HOURS)
        if key.restrictions.expires_at is not None:
            expires_at = min(expires_at, key.restrictions.expires_at)
        token = NewToken(
            user_id=user.id, api_key_id=key.id, hash=hash_key(token_text), expires_at=expires_at
        )
        new_hash = await self.rehashed(row, password)
        actor = evolve(audit_context, user_id=user.id, api_key_id=key.id, role=user.role)
        await self.credentials.record_login(user_name, token, new_hash, actor)
        return LoginResult(token=token_text, row=token, role=user.role)


def actor_of(user_name: str) -> str:
    """Return the name of an attempt's author in the audit log."""
    return user_name[:ACTOR_CHARACTERS_MAX] or "unknown"


def select_key(keys: Sequence[ApiKeyRow], api_key_id: int | None) -> ApiKeyRow:
    """Return the key with that id, by default the first of ``keys``. Raises ``Forbidden``."""
    if not keys:
        raise Forbidden("the user has no active API key", code="no_active_api_key")
    if api_key_id is None:
        return keys[0]
    for key in keys:
        if key.id == api_key_id:
            return key
    raise Forbidden("the API key is not an active key of this user", code="api_key_not_allowed")


def invalid_credentials() -> Unauthenticated:
    """Return the one error of every login that does not count."""
    return Unauthenticated("user name or password is not valid", code="invalid_credentials")
