"""Browser sessions: login, the idle time, change of the key, confirmation, revocation.

The text of a session is returned once, to be set as a cookie; only its hash is stored. Failed
attempts are counted together with those of ``login``.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from oms.domain.access import Principal, refuse_ip
from oms.domain.browser_session import (
    CONFIRMATION_TIME,
    SESSION_PREFIX,
    BrowserSession,
    SessionMode,
    session_end,
)
from oms.domain.errors import Forbidden, Invalid, NotFound, Unauthenticated
from oms.domain.value import evolve, value
from oms.ports.admin.browser_sessions import BrowserSessionStore, NewSession, SessionRow
from oms.ports.admin.user_admin import ApiKeyRow, UserAdmin
from oms.ports.audit_log import AuditContext
from oms.ports.registry import Registry
from oms.services.access.authenticate import Authenticate, hash_key
from oms.services.access.login import Login, actor_of, invalid_credentials, select_key

TEXT_BYTES = 32
USER_AGENT_CHARACTERS_MAX = 255


@value
class SessionRequest:
    """Where a session was asked for: the browser, and the text of the cookie that it sent."""

    user_agent: str | None
    replaced_text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSessions:
    """Starts, extends and ends sessions. Every method raises ``Unavailable``."""

    store: BrowserSessionStore
    registry: Registry
    people: UserAdmin
    login: Login
    authenticate: Authenticate
    #: How long a session lasts without a request that changes something, and at the longest.
    idle: timedelta
    longest: timedelta

    async def start_by_password(
        self,
        user_name: str,
        password: str,
        api_key_id: int | None,
        request: SessionRequest,
        audit_context: AuditContext,
    ) -> str:
        """Return the text of a new session of a user's key, by default of the lowest.

        Raises ``LoginThrottled``, ``Unauthenticated``, ``Forbidden``.
        """
        async with self.login.attempt():
            audit_context = evolve(audit_context, actor=actor_of(user_name))
            user, row = await self.login.check_password(user_name, password, audit_context)
            if user is None:
                user_id = None if row.user is None else row.user.id
                await self.store.record_failure(
                    user_name, SessionMode.PASSWORD, audit_context, user_id=user_id
                )
                raise invalid_credentials()
            key = select_key(row.keys, api_key_id)
            _require_address(key, audit_context)
            new_hash = await self.login.rehashed(row, password)
            actor = evolve(audit_context, user_id=user.id, api_key_id=key.id, role=user.role)
            session = self._new(user.id, key, SessionMode.PASSWORD, request, actor)
            return await self._start(session, user_name, new_hash, actor)

    async def start_by_key(
        self, api_key: str, request: SessionRequest, audit_context: AuditContext
    ) -> str:
        """Return the text of a new session of the key.

        Raises ``LoginThrottled``, ``Unauthenticated``, ``Forbidden``.
        """
        async with self.login.attempt():
            await self.login.refuse_throttled(None, audit_context)
            principal = await self.registry.principal(hash_key(api_key), audit_context.at)
            key = None if principal is None else await self.people.key(principal.api_key_id)
            if principal is None or key is None:
                await self.store.record_failure(
                    None, SessionMode.API_KEY, audit_context, user_id=None
                )
                raise invalid_credentials()
            _require_address(key, audit_context)
            actor = evolve(
                audit_context,
                actor=principal.user_name,
                user_id=principal.user_id,
                api_key_id=key.id,
                role=principal.role.value,
            )
            session = self._new(principal.user_id, key, SessionMode.API_KEY, request, actor)
            return await self._start(session, None, None, actor)

    async def extend(self, text: str, principal: Principal) -> Principal:
        """Return the principal of a session after a request that changes something."""
        session, now = session_of(principal), self.authenticate.clock.now()
        extended = session.extended(now, self.idle)
        await self.store.extend(extended, now)
        self.authenticate.update_session(text, idle_ends_at=extended.idle_ends_at)
        return evolve(principal, session=extended)

    async def change_key(
        self, text: str, principal: Principal, api_key_id: int, audit_context: AuditContext
    ) -> str:
        """Give a session by password another key of its user; returns its new text.

        Raises ``Forbidden``, ``Invalid``, ``Unauthenticated``.
        """
        session = session_of(principal)
        if session.mode is not SessionMode.PASSWORD:
            raise Invalid("a session that was started with an API key keeps that key")
        now = audit_context.at
        keys = [
            key
            for key in await self.people.keys(principal.user_id)
            if key.status == "active" and not _has_expired(key, audit_context)
        ]
        key = select_key(keys, api_key_id)
        _require_address(key, audit_context)
        ends_at = session_end(session.created_at, self.longest, key.restrictions.expires_at)
        changed = evolve(session, ends_at=ends_at, idle_ends_at=min(now + self.idle, ends_at))
        new_text = new_session_text()
        is_changed = await self.store.change_key(
            changed, hash_key(text), hash_key(new_text), key.id, audit_context
        )
        if not is_changed:
            raise Unauthenticated("the session has ended")
        self.authenticate.forget_everywhere()
        return new_text

    async def confirm(
        self,
        text: str,
        principal: Principal,
        secret: str,
        audit_context: AuditContext,
    ) -> BrowserSession:
        """Confirm the identity of a session's user, by his password or by its key.

        Raises ``LoginThrottled``, ``Unauthenticated``.
        """
        session = session_of(principal)
        is_by_password = session.mode is SessionMode.PASSWORD
        user_name = principal.user_name if is_by_password else None
        async with self.login.attempt():
            await self.login.refuse_throttled(user_name, audit_context)
            if is_by_password:
                matches = await self.login.matches(principal.user_id, secret)
            else:
                sent = await self.registry.principal(hash_key(secret), audit_context.at)
                matches = sent is not None and sent.api_key_id == principal.api_key_id
            if not matches:
                await self.store.record_failure(
                    user_name, session.mode, audit_context, user_id=principal.user_id
                )
                raise invalid_credentials()
            confirmed = evolve(session, confirmed_until=audit_context.at + CONFIRMATION_TIME)
            await self.store.confirm(confirmed, user_name, audit_context)
        self.authenticate.update_session(text, confirmed_until=confirmed.confirmed_until)
        return confirmed

    async def active(self, user_id: int | None) -> Sequence[SessionRow]:
        """Return the active sessions of a user, or of all."""
        return await self.store.active(user_id, self.authenticate.clock.now())

    async def revoke(
        self, session_id: int, user_id: int | None, audit_context: AuditContext
    ) -> int:
        """End a session, of the user if one is given. Raises ``NotFound``."""
        count = await self.store.revoke([session_id], user_id, audit_context)
        if not count:
            raise NotFound(f"there is no active session {session_id}")
        self.authenticate.forget_everywhere()
        return count

    async def usable_keys(self, principal: Principal) -> Sequence[ApiKeyRow]:
        """Return the keys that a caller may act by: for a session by password all of the user."""
        keys = await self.people.keys(principal.user_id)
        session = principal.session
        has_all = session is not None and session.mode is SessionMode.PASSWORD
        return [
            key
            for key in keys
            if key.status == "active" and (has_all or key.id == principal.api_key_id)
        ]

    def _new(
        self,
        user_id: int,
        key: ApiKeyRow,
        mode: SessionMode,
        request: SessionRequest,
        audit_context: AuditContext,
    ) -> NewSession:
        ends_at = session_end(audit_context.at, self.longest, key.restrictions.expires_at)
        agent, replaced = request.user_agent, request.replaced_text
        return NewSession(
            user_id=user_id,
            api_key_id=key.id,
            hash="",
            mode=mode,
            idle_ends_at=min(audit_context.at + self.idle, ends_at),
            ends_at=ends_at,
            user_agent=None if agent is None else agent[:USER_AGENT_CHARACTERS_MAX],
            replaced_hash=None if replaced is None else hash_key(replaced),
        )

    async def _start(
        self,
        session: NewSession,
        user_name: str | None,
        new_password_hash: str | None,
        audit_context: AuditContext,
    ) -> str:
        text = new_session_text()
        await self.store.start(
            evolve(session, hash=hash_key(text)), user_name, new_password_hash, audit_context
        )
        self.authenticate.forget_everywhere()  # The session that was replaced ends now.
        return text


def new_session_text() -> str:
    """Return the text of a new session."""
    return SESSION_PREFIX + secrets.token_urlsafe(TEXT_BYTES)


def session_of(principal: Principal) -> BrowserSession:
    """Return the session of the caller. Raises ``Invalid`` for another credential."""
    if principal.session is None:
        raise Invalid("this is for browser sessions; the request has an API key or a login token")
    return principal.session


def _require_address(key: ApiKeyRow, audit_context: AuditContext) -> None:
    refused = refuse_ip(key.restrictions, audit_context.ip or "")
    if refused is not None:
        raise Forbidden(refused.message, code=refused.code)


def _has_expired(key: ApiKeyRow, audit_context: AuditContext) -> bool:
    expires_at = key.restrictions.expires_at
    return expires_at is not None and expires_at <= audit_context.at
