"""Encryption of exchange credentials.

API and CLI seal; only the worker opens, to construct the exchange client, and the rotation of the
master key, which keeps nothing. Plain text is never printed, logged, stored or returned:
``Secrets`` has no values in its repr, and errors name accounts and keys only.
"""

from dataclasses import field
from typing import Protocol

from oms.domain.errors import Conflict
from oms.domain.value import value

FIELDS = ("api_key", "secret", "passphrase")
SEALED_PREFIX = "enc:v"


class NoMasterKey(Conflict):
    """Nothing can be sealed or opened: there is no readable master key."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="no_master_key")


class UnsealError(Conflict):
    """A sealed text that no available key opens, that was modified, or that belongs elsewhere."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="credentials_unreadable")


@value
class Secrets:
    """Credentials in plain text; ``None``: absent, or unchanged in a change."""

    api_key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)


class Sealer(Protocol):
    """Encrypts texts bound to (account, field)."""

    @property
    def key_id(self) -> str:
        """Return the id of the current master key. Raises ``NoMasterKey``."""
        ...

    def seal(self, account_id: int, name: str, text: str) -> str:
        """Encrypt ``text`` as ``enc:v1:<key id>:…``. Raises ``NoMasterKey``."""
        ...

    def fingerprint(self, text: str) -> str:
        """Return a keyed hash as 64 hex digits, safe against guessing. Raises ``NoMasterKey``."""
        ...


class Signer(Protocol):
    """Signs texts with a key that is derived from the master key."""

    @property
    def key_id(self) -> str:
        """Return the id of the current master key. Raises ``NoMasterKey``."""
        ...

    def sign(self, text: str) -> str:
        """Return the signature of ``text`` in hex. Raises ``NoMasterKey``."""
        ...

    def is_signed(self, key_id: str, text: str, signature: str) -> bool:
        """Return whether the key made this signature. Raises ``NoMasterKey`` without the key."""
        ...


class Vault(Sealer, Protocol):
    """A sealer that can also decrypt."""

    def open(self, account_id: int, name: str, sealed: str) -> str:
        """Return the plain text. Raises ``UnsealError``, ``NoMasterKey``."""
        ...

    def key_id_of(self, sealed: str) -> str:
        """Return the id of the key that sealed a text.

        Raises ``UnsealError`` if it is not sealed.
        """
        ...
