"""Password hashes and login tokens as stored. Hashes are not compared here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.login_lockout import LoginAttempt
from oms.domain.value import value
from oms.ports.admin.user_admin import ApiKeyRow
from oms.ports.audit_log import AuditContext
from oms.ports.registry import UserRow


@value
class LoginRecord:
    """A user by name with password hash and keys; empty if there is none."""

    user: UserRow | None = None
    password_hash: str | None = None
    #: Active, unexpired keys of the user, ascending.
    keys: Sequence[ApiKeyRow] = ()


@value
class NewToken:
    """A login token to be stored, as hash only."""

    user_id: int
    api_key_id: int
    hash: str
    expires_at: datetime


class LoginCredentials(Protocol):
    """Storage of login credentials; every method raises ``Unavailable``."""

    async def login_record(self, user_name: str, now: datetime) -> LoginRecord:
        """Return the user of that name with password hash and keys."""
        ...

    async def password_of(self, user_id: int) -> str | None:
        """Return the password hash of the user."""
        ...

    async def attempts(
        self, user_name: str | None, ip: str, since: datetime
    ) -> tuple[Sequence[LoginAttempt], Sequence[LoginAttempt]]:
        """Return the latest attempts of the name, if any, and of the address, each ascending."""
        ...

    async def record_failure(
        self, user_name: str, audit_context: AuditContext, *, user_id: int | None
    ) -> None:
        """Record a failed attempt.

        ``user_id`` is the id of the user of that name, if there is one.
        """
        ...

    async def record_login(
        self, user_name: str, token: NewToken, new_hash: str | None, audit_context: AuditContext
    ) -> int:
        """Record a success, store its token and a new password hash.

        Returns the id of the token.
        """
        ...

    async def revoke(
        self, user_id: int, token_id: int, audit_context: AuditContext, *, revokes_all: bool
    ) -> int:
        """Revoke a token or session, or all of its user; returns the number of revoked ones."""
        ...

    async def set_password(
        self,
        user_id: int,
        password_hash: str,
        keep_token_id: int | None,
        audit_context: AuditContext,
    ) -> None:
        """Store the hash and revoke all tokens of the user but one."""
        ...

    async def record_use(
        self, api_key_id: int, token_id: int | None, ip: str, now: datetime, since: datetime
    ) -> None:
        """Record the use of key and token, unless one was recorded after ``since``."""
        ...

    async def delete_expired(self, before: datetime, limit: int) -> int:
        """Delete attempts and ended tokens older than ``before``; returns the number of rows."""
        ...
