"""Storage of sealed (encrypted) exchange credentials. No plain text passes this port."""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.value import value
from oms.ports.audit_log import AuditContext


@value
class SealedCredentials:
    """The stored credentials of an account; every text begins with ``enc:v``."""

    account_id: int
    api_key: str
    secret: str
    passphrase: str | None
    #: Id of the master key that the row is sealed with.
    key_id: str
    #: Equal for equal API keys under one master key; reveals nothing else.
    fingerprint: str


@value
class SealedCredentialsChange:
    """Changes of an account's credentials; ``None`` keeps."""

    account_id: int
    key_id: str
    api_key: str | None = None
    secret: str | None = None
    passphrase: str | None = None
    #: Fingerprint of the new ``api_key``.
    fingerprint: str | None = None


class SealedCredentialsStore(Protocol):
    """Storage of sealed credentials; every method raises ``Unavailable``."""

    async def read(self, account_id: int) -> SealedCredentials | None:
        """Return the credentials of an account."""
        ...

    async def is_key_shared(self, account_id: int) -> bool:
        """Return whether another account has the same API key."""
        ...

    async def owner(self, account_id: int) -> str | None:
        """Return the exchange's account id that the credentials belonged to when last used."""
        ...

    async def set_owner(self, account_id: int, owner: str) -> None:
        """Store the exchange's account id."""
        ...

    async def page(self, after_account_id: int, limit: int) -> Sequence[SealedCredentials]:
        """Return rows of accounts above that id, ascending."""
        ...

    async def change(
        self, change: SealedCredentialsChange, audit_context: AuditContext
    ) -> SealedCredentials:
        """Store the change; the audit row has field names only. Returns the resulting row.

        Raises ``NotFound``, and ``Invalid`` if first credentials lack key or secret.
        """
        ...

    async def reseal(
        self, before: SealedCredentials, after: SealedCredentials, audit_context: AuditContext
    ) -> bool:
        """Replace a row if it is unchanged; returns whether it was."""
        ...
