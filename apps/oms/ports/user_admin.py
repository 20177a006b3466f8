"""Users, their keys, and what the keys may do: the desk of whoever administers them.

Each change is one transaction with its audit rows. Deciding who may change what is not done here.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.access import UNRESTRICTED, Grant, Restrictions
from oms.domain.value import value
from oms.ports.audit_log import AuditContext
from oms.ports.registry import UserRow


@value
class ApiKeyRow:
    """A key, without what it is known by."""

    id: int
    user_id: int
    user_name: str
    role: str
    user_status: str
    status: str
    created_at: datetime
    label: str | None = None
    prefix: str = ""
    last_used_at: datetime | None = None
    last_used_ip: str | None = None
    restrictions: Restrictions = UNRESTRICTED


@value
class NewApiKey:
    """A key to be made: its hash and its first characters, never its text."""

    hash: str
    prefix: str
    label: str | None = None
    restrictions: Restrictions = UNRESTRICTED


@value
class ApiKeyChange:
    """What changes of a key; ``None`` keeps."""

    status: str | None = None
    label: str | None = None
    #: Whether ``label`` is taken though it is ``None``.
    clears_label: bool = False
    restrictions: Restrictions | None = None


@value
class UserChange:
    """What changes of a user; ``None`` keeps."""

    role: str | None = None
    status: str | None = None
    password_hash: str | None = None


@value
class AccountPermission:
    """The flags of a key on an account."""

    account_id: int
    grant: Grant


@value
class AccountPermissionRow:
    """A permit as it is stored."""

    api_key_id: int
    account_id: int
    grant: Grant
    status: str


class UserAdmin(Protocol):
    """Users, keys, permits; every method raises ``Unavailable``."""

    async def users(self) -> Sequence[UserRow]:
        """All users, ascending."""
        ...

    async def keys(self, user_id: int | None = None) -> Sequence[ApiKeyRow]:
        """All keys, or the user's, ascending."""
        ...

    async def key(self, key_id: int) -> ApiKeyRow | None:
        """One key."""
        ...

    async def permissions(self, key_ids: Sequence[int]) -> Sequence[AccountPermissionRow]:
        """The permits of the keys, by key and account."""
        ...

    async def rename_user(self, user_id: int, name: str, audit_context: AuditContext) -> None:
        """Raises ``Conflict`` where the name is taken."""
        ...

    async def change_user(
        self, user_id: int, change: UserChange, audit_context: AuditContext
    ) -> int:
        """How many rows changed; what is disabled or gets a password loses its tokens.

        Raises ``NotFound``, and ``Conflict`` for the last active admin.
        """
        ...

    async def create_user(
        self,
        name: str,
        role: str,
        password_hash: str | None,
        key: NewApiKey,
        permissions: Sequence[AccountPermission],
        audit_context: AuditContext,
    ) -> tuple[int, int]:
        """Ids of the user and his key. Raises ``Conflict``, ``NotFound``, ``Invalid``."""
        ...

    async def create_key(self, user_id: int, key: NewApiKey, audit_context: AuditContext) -> int:
        """The id of a key without permits. Raises ``Conflict``, ``NotFound``."""
        ...

    async def change_key(
        self, key_id: int, change: ApiKeyChange, audit_context: AuditContext
    ) -> int:
        """How many rows changed; a disabled key loses its tokens. Raises ``NotFound``."""
        ...

    async def permit(
        self, key_id: int, permit: AccountPermission, audit_context: AuditContext
    ) -> int:
        """Replace the permit of the key on the account and its list of strategies.

        Raises ``NotFound``, and ``Invalid`` for strategies that do not exist.
        """
        ...
