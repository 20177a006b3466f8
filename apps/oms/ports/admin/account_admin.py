"""Administration of accounts. Trading uses ``domain.account.Account``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.value import value
from oms.ports.audit_log import AuditContext


@value
class AccountRecord:
    """An account with all of its settings."""

    id: int
    label: str
    exchange_id: str
    position_mode: str
    environment: str
    is_testnet: bool
    status: str
    live_enabled: bool
    #: JSON text.
    extra_config: str
    trader_name: str | None
    created_at: datetime
    #: Further columns by name, for display only.
    more: Mapping[str, object]
    #: Names of the stored credentials, and when they were stored.
    sealed: frozenset[str] = frozenset()
    sealed_at: datetime | None = None


@value
class NewAccount:
    """An account to be created; ``extra_config`` is JSON text."""

    exchange_id: str
    label: str
    position_mode: str
    environment: str
    is_testnet: bool
    extra_config: str
    #: Risk preset; ``None``: that of the environment.
    risk_preset: str | None = None


@value
class CreatedAccount:
    """A new account with the risk preset that was copied into its policy."""

    id: int
    risk_preset: str
    #: Keys of its limits that refuse every entry while the equity is not known.
    limits_needing_equity: tuple[str, ...] = ()


@value
class AccountChange:
    """Changes of an account; ``None`` keeps the value."""

    exchange_id: str | None = None
    label: str | None = None
    position_mode: str | None = None
    environment: str | None = None
    is_testnet: bool | None = None
    status: str | None = None
    extra_config: str | None = None
    trader_name: str | None = None
    clears_trader_name: bool = False
    live_enabled: bool | None = None


class AccountCheck(Protocol):
    """Validates the engine, environment and settings of an account."""

    def __call__(self, *, exchange_id: str, environment: str, extra_config: str) -> None:
        """Accept an account; ``extra_config`` is JSON text.

        Raises ``Invalid``: ``unsupported_engine``, ``environment_not_supported``,
        ``extra_config_refused``.
        """
        ...


class AccountAdmin(Protocol):
    """Reads and changes accounts; every method raises ``Unavailable``."""

    async def records(self) -> Sequence[AccountRecord]:
        """Return all accounts, ascending by id."""
        ...

    async def record(self, account_id: int) -> AccountRecord | None:
        """Return one account, ``None`` if it does not exist."""
        ...

    async def change(
        self, account_id: int, change: AccountChange, audit_context: AuditContext
    ) -> int:
        """Change an account; returns the number of changed rows.

        Settings used by trading are changed under a lease taken for this transaction: the previous
        holder reloads the account before it writes again. Raises ``NotFound``, ``Invalid``, and
        ``Conflict`` for settings that may only change while the account is new or flat.
        """
        ...
