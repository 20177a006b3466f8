"""Storage of sealed (encrypted) exchange credentials. No plain text passes this port."""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.errors import Invalid
from oms.domain.value import value
from oms.ports.audit_log import AuditContext
from oms.ports.vault import FIELDS


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

    def apply_to(self, before: SealedCredentials | None) -> SealedCredentials:
        """Return the credentials after the change.

        While a value is kept, so is the id of the old master key, so that a rotation finds the row.
        Raises ``Invalid`` if first credentials lack key or secret.
        """
        if before is None:
            if self.api_key is None or self.secret is None or self.fingerprint is None:
                raise Invalid("first credentials need api_key and secret")
            return SealedCredentials(
                account_id=self.account_id,
                api_key=self.api_key,
                secret=self.secret,
                passphrase=self.passphrase,
                key_id=self.key_id,
                fingerprint=self.fingerprint,
            )
        keeps_value = any(
            getattr(self, name) is None and getattr(before, name) is not None for name in FIELDS
        )
        return SealedCredentials(
            account_id=self.account_id,
            api_key=self.api_key or before.api_key,
            secret=self.secret or before.secret,
            passphrase=self.passphrase or before.passphrase,
            key_id=before.key_id if keeps_value else self.key_id,
            fingerprint=self.fingerprint or before.fingerprint,
        )


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
