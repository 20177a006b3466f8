"""The store of groups of accounts."""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.account_group import AccountGroup, GroupMember
from oms.ports.audit_log import AuditContext


class AccountGroups(Protocol):
    """Groups of accounts; every method raises ``Unavailable``."""

    async def all(self) -> Sequence[AccountGroup]:
        """Return all groups, ascending by id."""
        ...

    async def create(
        self,
        name: str,
        owner_user_id: int,
        members: Sequence[GroupMember],
        audit_context: AuditContext,
    ) -> int:
        """Create a group; returns its id. Raises ``Conflict`` (name taken), ``NotFound``."""
        ...

    async def replace(
        self,
        before: AccountGroup,
        name: str,
        members: Sequence[GroupMember],
        audit_context: AuditContext,
    ) -> None:
        """Replace name and members. Raises ``Conflict``, ``NotFound``."""
        ...

    async def delete(self, group: AccountGroup, audit_context: AuditContext) -> None:
        """Delete a group; one that is gone already is no error."""
        ...
