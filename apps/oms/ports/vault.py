"""Credentials of exchanges: what seals them and what opens them.

API and command line seal; only a worker opens, on its way into the exchange's client. Whoever
rotates the master key opens too, and keeps nothing. No clear text is ever printed, logged, stored
or told: ``Secrets`` shows no value of its own, and errors name accounts and keys, not texts.
"""

from dataclasses import field
from typing import Protocol

from oms.domain.errors import Conflict
from oms.domain.value import value

FIELDS = ("api_key", "secret", "passphrase")
SEALED_PREFIX = "enc:v"


class NoMasterKey(Conflict):
    """Nothing can be sealed or opened: there is no master key, or none that can be read."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="no_master_key")


class UnsealError(Conflict):
    """A sealed text that no key at hand opens, that was changed, or that is another's."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="credentials_unreadable")


@value
class Secrets:
    """Credentials in the clear; ``None`` is absent, or unchanged where they are a change."""

    api_key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)


class Sealer(Protocol):
    """What is sealed for (account, field) opens for these alone."""

    @property
    def key_id(self) -> str:
        """The key that seals now. Raises ``NoMasterKey``."""
        ...

    def seal(self, account_id: int, name: str, text: str) -> str:
        """``text`` as ``enc:v1:<key id>:…``. Raises ``NoMasterKey``."""
        ...

    def fingerprint(self, text: str) -> str:
        """64 hex digits: keyed, so that nobody finds ``text`` by trying. Raises ``NoMasterKey``."""
        ...


class Vault(Sealer, Protocol):
    """A sealer that opens too."""

    def open(self, account_id: int, name: str, sealed: str) -> str:
        """The clear text. Raises ``Unsealable``, ``NoMasterKey``."""
        ...

    def key_id_of(self, sealed: str) -> str:
        """The key that a text is sealed under. Raises ``Unsealable`` where it is not sealed."""
        ...
