"""Accounts as an admin sees and changes them. Trading knows another face of them: ``Account``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.value import value
from oms.ports.audit_log import AuditContext


@value
class AccountRecord:
    """An account with all that is set on it; times and JSON as they are stored for people."""

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
    #: Columns that are only shown, by their names.
    more: Mapping[str, object]
    #: Which credentials are stored, and since when.
    sealed: frozenset[str] = frozenset()
    sealed_at: datetime | None = None


@value
class NewAccount:
    """An account to be made; ``extra_config`` is JSON text."""

    exchange_id: str
    label: str
    position_mode: str
    environment: str
    is_testnet: bool
    extra_config: str


@value
class AccountChange:
    """What changes of an account; ``None`` keeps."""

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


class AccountAdmin(Protocol):
    """Reads and changes accounts; every method raises ``Unavailable``."""

    async def records(self) -> Sequence[AccountRecord]:
        """All accounts, ascending."""
        ...

    async def record(self, account_id: int) -> AccountRecord | None:
        """One account."""
        ...

    async def change(
        self, account_id: int, change: AccountChange, audit_context: AuditContext
    ) -> int:
        """How many rows changed.

        What trading knows of the account is changed under a lease taken for this one transaction:
        whoever held it loads the account anew before it writes again. Raises ``NotFound``,
        ``Invalid``, and ``Conflict`` for what only changes while an account is new, or flat.
        """
        ...
