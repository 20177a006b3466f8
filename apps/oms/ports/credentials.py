"""Passwords and login tokens, as they are stored: hashes alone. Nothing is compared here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.throttle import Attempt
from oms.domain.value import value
from oms.ports.audit_log import Hand
from oms.ports.people import KeyRow
from oms.ports.registry import UserRow


@value
class LoginRow:
    """What is known under a user name: nothing, or the user, his password's hash, his keys."""

    user: UserRow | None = None
    password_hash: str | None = None
    #: His active keys that have not ended, ascending.
    keys: Sequence[KeyRow] = ()


@value
class NewToken:
    """A login token to be made: its hash, never its text."""

    user_id: int
    api_key_id: int
    hash: str
    expires_at: datetime


class Credentials(Protocol):
    """Who logs in; every method raises ``Unavailable``."""

    async def login_row(self, user_name: str, now: datetime) -> LoginRow:
        """What is known under the name."""
        ...

    async def password_of(self, user_id: int) -> str | None:
        """The hash of the user's password."""
        ...

    async def attempts(
        self, user_name: str, ip: str, since: datetime
    ) -> tuple[Sequence[Attempt], Sequence[Attempt]]:
        """The newest attempts of the name, and from the address, each ascending."""
        ...

    async def failed(self, user_name: str, hand: Hand, *, known: int | None) -> None:
        """Note an attempt that failed; ``known`` is the user of that name."""
        ...

    async def logged_in(
        self, user_name: str, token: NewToken, new_hash: str | None, hand: Hand
    ) -> int:
        """Note a success and store its token, and the password's new hash; the token's id."""
        ...

    async def revoke(self, user_id: int, token_id: int | None, hand: Hand) -> int:
        """End a token, or all of the user's; how many ended."""
        ...

    async def set_password(
        self, user_id: int, password_hash: str, keep_token_id: int | None, hand: Hand
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
