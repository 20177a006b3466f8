"""Administration of users, their API keys and account permissions.

Each change is one transaction with its audit rows. Permissions of the caller are checked elsewhere.
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
    """An API key without its secret."""

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
    #: Who disabled the key: the name of a user, or ``cli:`` and that of a system user.
    disabled_by: str | None = None
    #: The id of that user; ``None`` if it is active or was disabled otherwise.
    disabled_by_user_id: int | None = None


@value
class NewApiKey:
    """A key to be created, as hash and prefix only."""

    hash: str
    prefix: str
    label: str | None = None
    restrictions: Restrictions = UNRESTRICTED


@value
class ApiKeyChange:
    """Changes of a key; ``None`` keeps."""

    status: str | None = None
    label: str | None = None
    #: Whether ``label`` is set to ``None``.
    clears_label: bool = False
    restrictions: Restrictions | None = None


@value
class UserChange:
    """Changes of a user; ``None`` keeps."""

    role: str | None = None
    status: str | None = None
    password_hash: str | None = None


@value
class AccountPermission:
    """Flags of a key on an account."""

    account_id: int
    grant: Grant


@value
class AccountPermissionRow:
    """A stored account permission."""

    api_key_id: int
    account_id: int
    grant: Grant
    status: str


class UserAdmin(Protocol):
    """Users, keys, permissions; every method raises ``Unavailable``."""

    async def users(self) -> Sequence[UserRow]:
        """Return all users, ascending."""
        ...

    async def keys(self, user_id: int | None = None) -> Sequence[ApiKeyRow]:
        """Return all keys, or those of the user, ascending."""
        ...

    async def key(self, key_id: int) -> ApiKeyRow | None:
        """Return one key."""
        ...

    async def permissions(self, key_ids: Sequence[int]) -> Sequence[AccountPermissionRow]:
        """Return the permissions of the keys, by key and account."""
        ...

    async def rename_user(self, user_id: int, name: str, audit_context: AuditContext) -> None:
        """Rename a user. Raises ``Conflict`` if the name is taken."""
        ...

    async def change_user(
        self, user_id: int, change: UserChange, audit_context: AuditContext
    ) -> int:
        """Change a user; returns the number of changed rows.

        Disabling the user or setting a password revokes the user's tokens. Raises ``NotFound``, and
        ``Conflict`` for the last active admin.
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
        """Return the ids of the new user and key.

        Raises ``Conflict``, ``NotFound``, ``Invalid``.
        """
        ...

    async def create_key(
        self,
        user_id: int,
        key: NewApiKey,
        audit_context: AuditContext,
        keys_max: int | None = None,
    ) -> int:
        """Create a key without permissions; returns its id.

        ``keys_max`` limits the keys of the user that are active or were created within a day.
        Raises ``Conflict``, ``LimitReached``, ``NotFound``.
        """
        ...

    async def change_key(
        self,
        key_id: int,
        change: ApiKeyChange,
        audit_context: AuditContext,
        *,
        is_by_owner: bool = False,
    ) -> int:
        """Change a key; returns the number of changed rows. Disabling revokes its tokens.

        Raises ``NotFound``, and ``Forbidden`` if its owner enables a key that another user
        disabled.
        """
        ...

    async def set_permission(
        self, key_id: int, permit: AccountPermission, audit_context: AuditContext
    ) -> int:
        """Replace the permission of the key on the account and its strategies; returns changed
        rows.

        Raises ``NotFound``, and ``Invalid`` for unknown strategies.
        """
        ...
