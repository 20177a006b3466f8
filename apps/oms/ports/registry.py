"""The registry: users, keys, permissions, accounts, strategies. Written by API and CLI."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.access import Grant, Principal
from oms.domain.account import Account
from oms.domain.value import value


@value
class UserRow:
    """A user."""

    id: int
    name: str
    role: str
    status: str
    created_at: datetime


@value
class AccountRow:
    """An account with what its owner set on it; ``extra_config`` is JSON text."""

    account: Account
    is_testnet: bool
    extra_config: str
    trader_name: str | None
    created_at: datetime
    live_enabled: bool = False
    #: Why nothing may be opened here until somebody looked; ``None``: nothing is wrong.
    quarantine: str | None = None


@value
class AuditEntry:
    """Who did what; written in the transaction of the change."""

    actor: str
    action: str
    entity: str
    entity_id: str
    account_id: int | None = None
    actor_user_id: int | None = None
    actor_api_key_id: int | None = None
    actor_role: str | None = None
    actor_ip: str | None = None
    before: str | None = None
    after: str | None = None
    comment: str | None = None
    request_id: str | None = None


class Registry(Protocol):
    """Users, keys, permissions, accounts. Each write is one transaction with its audit row."""

    async def principal(self, key_hash: str, now: datetime) -> Principal | None:
        """Who the key is: ``None`` if unknown, disabled, expired, or its user is disabled."""
        ...

    async def principal_of_token(self, token_hash: str, now: datetime) -> Principal | None:
        """Who the login token is, by the same rules, and while it has not ended itself."""
        ...

    async def principal_of(self, api_key_id: int, now: datetime) -> Principal | None:
        """Who the key of that id is now, by the same rules."""
        ...

    async def user(self, name: str) -> UserRow | None:
        """A user by name."""
        ...

    async def create_user(
        self, *, name: str, role: str, now: datetime, audit: AuditEntry
    ) -> tuple[UserRow, bool]:
        """The user of that name and whether it was made now."""
        ...

    async def create_key(
        self,
        *,
        user_id: int,
        key_hash: str,
        key_prefix: str,
        label: str | None,
        expires_at: datetime | None,
        now: datetime,
        audit: AuditEntry,
    ) -> int:
        """A new key with the grants its user has as a template; its id.

        Raises ``Conflict`` if the key exists, ``NotFound`` if the user does not.
        """
        ...

    async def create_account(
        self,
        *,
        exchange_id: str,
        label: str,
        position_mode: str,
        environment: str,
        is_testnet: bool,
        extra_config: str,
        trader_name: str | None,
        now: datetime,
        audit: AuditEntry,
    ) -> int:
        """A new account with its lease and event stream; its id."""
        ...

    async def accounts(self, ids: Sequence[int] | None = None) -> Sequence[AccountRow]:
        """All accounts, or those named; ascending."""
        ...

    async def linked_strategies(self, account_ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
        """Active strategies by the account they are linked to; accounts without any left out."""
        ...

    async def grant(
        self, *, user_id: int, account_id: int, grant: Grant, now: datetime, audit: AuditEntry
    ) -> None:
        """Give the user (also for later keys) and all his active keys these flags."""
        ...

    async def keys_of(self, user_id: int) -> Sequence[int]:
        """Ids of the user's active keys."""
        ...
