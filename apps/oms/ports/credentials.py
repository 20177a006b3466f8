"""Passwords and login tokens, as they are stored: hashes alone. Nothing is compared here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.login_lockout import LoginAttempt
from oms.domain.value import value
from oms.ports.audit_log import AuditContext
from oms.ports.registry import UserRow
from oms.ports.user_admin import ApiKeyRow


@value
class LoginRecord:
    """What is known under a user name: nothing, or the user, his password's hash, his keys."""

    user: UserRow | None = None
    password_hash: str | None = None
    #: His active keys that have not ended, ascending.
    keys: Sequence[ApiKeyRow] = ()


@value
class NewToken:
    """A login token to be made: its hash, never its text."""

    user_id: int
    api_key_id: int
    hash: str
    expires_at: datetime


class LoginCredentials(Protocol):
    """Who logs in; every method raises ``Unavailable``."""

    async def login_row(self, user_name: str, now: datetime) -> LoginRecord:
        """What is known under the name."""
        ...

    async def password_of(self, user_id: int) -> str | None:
        """The hash of the user's password."""
        ...

    async def attempts(
        self, user_name: str, ip: str, since: datetime
    ) -> tuple[Sequence[LoginAttempt], Sequence[LoginAttempt]]:
        """The newest attempts of the name, and from the address, each ascending."""
        ...

    async def failed(
        self, user_name: str, audit_context: AuditContext, *, known: int | None
    ) -> None:
        """Note an attempt that failed; ``known`` is the user of that name."""
        ...

    async def logged_in(
        self, user_name: str, token: NewToken, new_hash: str | None, audit_context: AuditContext
    ) -> int:
        """Note a success and store its token, and the password's new hash; the token's id."""
        ...

    async def revoke(self, user_id: int, token_id: int | None, audit_context: AuditContext) -> int:
        """End a token, or all of the user's; how many ended."""
        ...

    async def set_password(
        self,
        user_id: int,
        password_hash: str,
        keep_token_id: int | None,
        audit_context: AuditContext,
    ) -> None:
        """Store the hash and end the user's tokens but one."""
        ...

    async def used(
        self, api_key_id: int, token_id: int | None, ip: str, now: datetime, since: datetime
    ) -> None:
        """Note that they were used, unless that was noted after ``since``."""
        ...

    async def forget(self, before: datetime, limit: int) -> int:
        """Drop attempts made and tokens ended before that moment; how many rows went."""
        ...
