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
    """An account with its owner's settings; ``extra_config`` is JSON text."""

    account: Account
    is_testnet: bool
    extra_config: str
    trader_name: str | None
    created_at: datetime
    live_enabled: bool = False
    #: Why positions may not be opened until a user decides; ``None``: not quarantined.
    quarantine: str | None = None


@value
class AuditEntry:
    """An audit row, written in the transaction of the change."""

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


@value
class ExchangeSettings:
    """How accounts reach their exchange: ``exchange_id`` is ``<engine>.<venue>``."""

    exchange_id: str
    environment: str
    #: JSON text.
    extra_config: str


class Registry(Protocol):
    """Users, keys, permissions, accounts. Each write is one transaction with its audit row."""

    async def principal(self, key_hash: str, now: datetime) -> Principal | None:
        """Return the principal of the key; ``None`` if unknown, disabled, expired, or the user is
        disabled.
        """
        ...

    async def principal_of_token(self, token_hash: str, now: datetime) -> Principal | None:
        """Return the principal of the login token by the same rules; ``None`` if the token has
        ended.
        """
        ...

    async def principal_of_session(self, session_hash: str, now: datetime) -> Principal | None:
        """Return the principal of the browser session by the same rules, with the session."""
        ...

    async def principal_of(self, api_key_id: int, now: datetime) -> Principal | None:
        """Return the principal of the key with that id by the same rules."""
        ...

    async def user(self, name: str) -> UserRow | None:
        """Return a user by name."""
        ...

    async def create_user(
        self, *, name: str, role: str, now: datetime, audit: AuditEntry
    ) -> tuple[UserRow, bool]:
        """Return the user of that name and whether it was created now."""
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
        """Create a key with the grants of its user; returns its id.

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
        risk_preset: str = "open",
    ) -> int:
        """Create an account with its lease, event stream and limits; returns its id."""
        ...

    async def accounts(self, ids: Sequence[int] | None = None) -> Sequence[AccountRow]:
        """Return all accounts, or those with the ids, ascending."""
        ...

    async def exchange_settings(self, limit: int) -> Sequence[ExchangeSettings]:
        """Return the different settings of accounts at real exchanges, at most ``limit``."""
        ...

    async def linked_strategies(self, account_ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
        """Return active linked strategies by account; accounts without any are left out."""
        ...

    async def grant(
        self, *, user_id: int, account_id: int, grant: Grant, now: datetime, audit: AuditEntry
    ) -> None:
        """Grant the flags to the user (also for later keys) and to all active keys of the user."""
        ...

    async def keys_of(self, user_id: int) -> Sequence[int]:
        """Return the ids of the user's active keys."""
        ...
