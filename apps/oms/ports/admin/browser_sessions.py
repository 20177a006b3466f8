"""Browser sessions as stored: by the hash of their text only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.browser_session import BrowserSession, SessionMode
from oms.domain.value import value
from oms.ports.audit_log import AuditContext


@value
class NewSession:
    """A session to be stored."""

    user_id: int
    api_key_id: int
    hash: str
    mode: SessionMode
    idle_ends_at: datetime
    ends_at: datetime
    user_agent: str | None
    #: Hash of the text that the login carried; its session ends.
    replaced_hash: str | None = None


@value
class SessionRow:
    """An active session with its user and the use that was made of it."""

    session: BrowserSession
    user_id: int
    user_name: str
    api_key_id: int
    last_used_at: datetime | None
    ip: str | None
    user_agent: str | None


class BrowserSessionStore(Protocol):
    """Storage of sessions; every method raises ``Unavailable``, each change has its audit row."""

    async def start(
        self,
        session: NewSession,
        user_name: str | None,
        new_password_hash: str | None,
        audit_context: AuditContext,
    ) -> int:
        """Store a session and return its id.

        It ends the session that it replaces, and the oldest of a user who has too many. With
        ``user_name`` a successful login is recorded for that name.
        """
        ...

    async def record_failure(
        self,
        user_name: str | None,
        mode: SessionMode,
        audit_context: AuditContext,
        *,
        user_id: int | None,
    ) -> None:
        """Record a failed login; without a name it counts for the address alone."""
        ...

    async def extend(self, session: BrowserSession, now: datetime) -> None:
        """Store the idle end of a session that is active at ``now``."""
        ...

    async def change_key(
        self,
        session: BrowserSession,
        old_hash: str,
        new_hash: str,
        api_key_id: int,
        audit_context: AuditContext,
    ) -> bool:
        """Give the session another key, other times and another text; ``False`` if it ended."""
        ...

    async def confirm(
        self, session: BrowserSession, user_name: str | None, audit_context: AuditContext
    ) -> None:
        """Store until when the session is confirmed.

        With ``user_name`` a successful login is recorded for that name.
        """
        ...

    async def active(self, user_id: int | None, now: datetime) -> Sequence[SessionRow]:
        """Return the active sessions of a user, or of all, by id."""
        ...

    async def revoke(
        self, session_ids: Sequence[int], user_id: int | None, audit_context: AuditContext
    ) -> int:
        """End these active sessions, of one user if it is given; returns how many ended."""
        ...
