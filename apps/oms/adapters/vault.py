"""Sealing with AES-256-GCM under master keys. The only module that uses ``cryptography``.

Format: ``enc:v1:<key id>:<nonce and ciphertext, URL-safe base64>``. Account and field are
associated data: a text moved to another account or field does not open. The key id is derived from
the key, so a text names the key it needs. Four keys are derived from each master key, for sealing,
fingerprints, signatures and the id, so that none reveals another.

The master keys are read on each use: replacing them needs no restart.
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
    """One master key; its ``repr`` shows only the id."""

    id: str
    _sealing_key: bytes = field(repr=False)
    _fingerprint_key: bytes = field(repr=False)
    _signing_key: bytes = field(repr=False)

    @classmethod
    def of(cls, text: str) -> "MasterKey":
        """Parse a key, 32 bytes in URL-safe base64. Raises ``NoMasterKey``."""
        try:
            raw = base64.b64decode(_padded(text.strip()), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != KEY_BYTES:
            raise NoMasterKey(f"a master key is {KEY_BYTES} bytes in URL-safe base64")
        return cls(
            id=_derived(raw, b"key id").hex()[:KEY_ID_DIGITS],
            _sealing_key=_derived(raw, b"sealing"),
            _fingerprint_key=_derived(raw, b"fingerprint"),
            _signing_key=_derived(raw, b"checkpoint"),
        )

    def seal(self, associated_data: bytes, text: str) -> bytes:
        """Return nonce and ciphertext; the nonce is random."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._sealing_key).encrypt(nonce, text.encode(), associated_data)

    def open(self, associated_data: bytes, sealed: bytes) -> str:
        """Return the clear text. Raises ``InvalidTag``."""
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return AESGCM(self._sealing_key).decrypt(nonce, rest, associated_data).decode()

    def fingerprint(self, text: str) -> str:
        """Return the fingerprint of a text."""
        return hmac.new(self._fingerprint_key, text.encode(), hashlib.sha256).hexdigest()

    def sign(self, text: str) -> str:
        """Return the signature of a text."""
        return hmac.new(self._signing_key, text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class AesVault:
    """``ports.vault.Vault``. ``keys`` returns the key texts: the first one seals, all open."""

    keys: Callable[[], Sequence[str]] = field(repr=False)
    #: What is said if there is none.
    missing: str = "there is no master key; see oms generate-master-key --help"

    @property
    def key_id(self) -> str:
        """Id of the sealing key. Raises ``NoMasterKey``."""
        return self._master_keys()[0].id

    @property
    def key_ids(self) -> Sequence[str]:
        """Ids of all keys, the sealing key first. Raises ``NoMasterKey``."""
        return [key.id for key in self._master_keys()]

    def seal(self, account_id: int, name: str, text: str) -> str:
        """See ``Sealer``."""
        key = self._master_keys()[0]
        sealed = base64.urlsafe_b64encode(key.seal(_bound(account_id, name, key.id), text))
        return f"{SEALED_PREFIX}{VERSION}:{key.id}:{sealed.decode()}"

    def fingerprint(self, text: str) -> str:
        """See ``Sealer``."""
        return self._master_keys()[0].fingerprint(text)

    def sign(self, text: str) -> str:
        """See ``Signer``."""
        return self._master_keys()[0].sign(text)

    def is_signed(self, key_id: str, text: str, signature: str) -> bool:
        """See ``Signer``."""
        for key in self._master_keys():
            if key.id == key_id:
                return hmac.compare_digest(key.sign(text).encode(), signature.encode())
        raise NoMasterKey(f"the signature needs the master key {key_id}")

    def open(self, account_id: int, name: str, sealed: str) -> str:
        """See ``Vault``."""
        key_id, content = _parts(sealed)
        for key in self._master_keys():
            if key.id == key_id:
                try:
                    return key.open(_bound(account_id, name, key_id), content)
                except InvalidTag:
                    reason = "was changed, or sealed for another account or field"
                    raise UnsealError(f"{name} of account_id={account_id} {reason}") from None
        raise UnsealError(f"{name} of account_id={account_id} needs the master key {key_id}")

    def key_id_of(self, sealed: str) -> str:
        """See ``Vault``."""
        return _parts(sealed)[0]

    def _master_keys(self) -> Sequence[MasterKey]:
        master_keys = [MasterKey.of(text) for text in self.keys()]
        if not master_keys:
            raise NoMasterKey(self.missing)
        return master_keys


def new_master_key() -> str:
    """Return a new key: 32 random bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _bound(account_id: int, name: str, key_id: str) -> bytes:
    return f"oms credentials v{VERSION} {key_id} {account_id} {name}".encode()


def _parts(sealed: str) -> tuple[str, bytes]:
    """Return key id and content. Raises ``UnsealError`` for text that is not sealed."""
    parts = sealed.split(":")
    if len(parts) != 4 or f"{parts[0]}:{parts[1]}" != f"{SEALED_PREFIX}{VERSION}":
        raise UnsealError(f"a sealed text begins with {SEALED_PREFIX}{VERSION}:")
    try:
        return parts[2], base64.b64decode(parts[3], altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise UnsealError("a sealed text is malformed") from None


def _derived(raw: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"oms-gateway " + purpose).derive(raw)


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)
