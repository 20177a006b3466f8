"""Where sealed credentials lie. What is said here is sealed, always."""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.value import value
from oms.ports.audit_log import AuditContext


@value
class SealedCredentials:
    """The credentials of an account as they are stored; every text begins with ``enc:v``."""

    account_id: int
    api_key: str
    secret: str
    passphrase: str | None
    #: The master key that the row counts as sealed under.
    key_id: str
    #: Equal for equal keys of the exchange, under one master key; tells nothing else.
    fingerprint: str


@value
class SealedCredentialsChange:
    """What changes of an account's credentials; ``None`` keeps."""

    account_id: int
    key_id: str
    api_key: str | None = None
    secret: str | None = None
    passphrase: str | None = None
    #: Of the new ``api_key``.
    fingerprint: str | None = None


class SealedCredentialsStore(Protocol):
    """Where sealed credentials lie; every method raises ``Unavailable``."""

    async def read(self, account_id: int) -> SealedCredentials | None:
        """The credentials of an account."""
        ...

    async def is_key_shared(self, account_id: int) -> bool:
        """Whether another account has the same key of the exchange."""
        ...

    async def owner(self, account_id: int) -> str | None:
        """The exchange's own name of the account that its credentials led to when last used."""
        ...

    async def set_owner(self, account_id: int, owner: str) -> None:
        """Keep that name."""
        ...

    async def page(self, after_account_id: int, limit: int) -> Sequence[SealedCredentials]:
        """Rows of accounts above that id, ascending."""
        ...

    async def change(
        self, change: SealedCredentialsChange, audit_context: AuditContext
    ) -> SealedCredentials:
        """Store the change, audited by names alone; the row as it stands then.

        Raises ``NotFound``, and ``Invalid`` where first credentials lack key or secret.
        """
        ...

    async def reseal(
        self, before: SealedCredentials, after: SealedCredentials, audit_context: AuditContext
    ) -> bool:
        """Replace a row that is still as it was; whether it was."""
        ...
