"""Sealing with AES-256-GCM under master keys. The one user of ``cryptography``.

``enc:v1:<key id>:<nonce and ciphertext, URL-safe base64>``. Account and field are associated data:
a text that is moved to another account or field does not open. A key's id is derived from the key,
so a text names the key it needs and no key can be taken for another. From each master key three
keys are derived, for sealing, for fingerprints and for the id, so that none tells of another.

Keys are asked for anew at each use: who replaces them need not start anything again.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from oms.ports.vault import SEALED_PREFIX, NoMasterKey, UnsealError

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_DIGITS = 16
VERSION = "1"


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One master key; shows nothing but its id."""

    id: str
    _sealing: bytes = field(repr=False)
    _marking: bytes = field(repr=False)

    @classmethod
    def of(cls, text: str) -> "MasterKey":
        """The key that ``text`` tells: 32 bytes in URL-safe base64. Raises ``NoMasterKey``."""
        try:
            raw = base64.b64decode(_padded(text.strip()), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != KEY_BYTES:
            raise NoMasterKey(f"a master key is {KEY_BYTES} bytes in URL-safe base64")
        return cls(
            id=_derived(raw, b"key id").hex()[:KEY_ID_DIGITS],
            _sealing=_derived(raw, b"sealing"),
            _marking=_derived(raw, b"fingerprint"),
        )

    def seal(self, bound: bytes, text: str) -> bytes:
        """Nonce and ciphertext; a nonce is never used twice."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._sealing).encrypt(nonce, text.encode(), bound)

    def open(self, bound: bytes, sealed: bytes) -> str:
        """The clear text. Raises ``InvalidTag``."""
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return AESGCM(self._sealing).decrypt(nonce, rest, bound).decode()

    def mark(self, text: str) -> str:
        """The fingerprint."""
        return hmac.new(self._marking, text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class AesVault:
    """``ports.vault.Vault``. ``keys`` tells the texts of the keys: the first seals, all open."""

    keys: Callable[[], Sequence[str]] = field(repr=False)

    @property
    def key_id(self) -> str:
        """The key that seals now. Raises ``NoMasterKey``."""
        return self._ring()[0].id

    @property
    def key_ids(self) -> Sequence[str]:
        """All keys at hand, the one that seals first. Raises ``NoMasterKey``."""
        return [key.id for key in self._ring()]

    def seal(self, account_id: int, name: str, text: str) -> str:
        """See ``Sealer``."""
        key = self._ring()[0]
        sealed = base64.urlsafe_b64encode(key.seal(_bound(account_id, name, key.id), text))
        return f"{SEALED_PREFIX}{VERSION}:{key.id}:{sealed.decode()}"

    def fingerprint(self, text: str) -> str:
        """See ``Sealer``."""
        return self._ring()[0].mark(text)

    def open(self, account_id: int, name: str, sealed: str) -> str:
        """See ``Vault``."""
        key_id, content = _parts(sealed)
        for key in self._ring():
            if key.id == key_id:
                try:
                    return key.open(_bound(account_id, name, key_id), content)
                except InvalidTag:
                    told = "was changed, or sealed for another account or field"
                    raise UnsealError(f"{name} of account_id={account_id} {told}") from None
        raise UnsealError(f"{name} of account_id={account_id} needs the master key {key_id}")

    def key_id_of(self, sealed: str) -> str:
        """See ``Vault``."""
        return _parts(sealed)[0]

    def _ring(self) -> Sequence[MasterKey]:
        ring = [MasterKey.of(text) for text in self.keys()]
        if not ring:
            raise NoMasterKey("there is no master key; see oms generate-master-key --help")
        return ring


def new_master_key() -> str:
    """A fresh key: 32 random bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _bound(account_id: int, name: str, key_id: str) -> bytes:
    return f"oms credentials v{VERSION} {key_id} {account_id} {name}".encode()


def _parts(sealed: str) -> tuple[str, bytes]:
    """Key id and content. Plain text is refused: nothing unsealed may pass for sealed."""
    words = sealed.split(":")
    if len(words) != 4 or f"{words[0]}:{words[1]}" != f"{SEALED_PREFIX}{VERSION}":
        raise UnsealError(f"a sealed text begins with {SEALED_PREFIX}{VERSION}:")
    try:
        return words[2], base64.b64decode(words[3], altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise UnsealError("a sealed text is broken") from None


def _derived(raw: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"oms-gateway " + purpose).derive(raw)


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)
