"""Sealing: what opens, what must not, and that no secret is revealed."""

import base64
import hashlib
import hmac
import re
import secrets

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from oms.adapters.vault import AesVault, MasterKey, new_master_key
from oms.ports.vault import NoMasterKey, Secrets, UnsealError

OLD, NEW = new_master_key(), new_master_key()
VAULT = AesVault(lambda: [NEW, OLD])


@given(text=st.text(min_size=1), account_id=st.integers(1, 2**53), name=st.text(max_size=20))
def test_sealed_text_opens_and_differs_each_time(text: str, account_id: int, name: str) -> None:
    sealed = VAULT.seal(account_id, name, text.encode("utf-8", "ignore").decode())
    assert VAULT.open(account_id, name, sealed) == text.encode("utf-8", "ignore").decode()
    assert sealed != VAULT.seal(account_id, name, text.encode("utf-8", "ignore").decode())
    assert sealed.startswith(f"enc:v1:{VAULT.key_id}:")


@pytest.mark.parametrize(("account_id", "name"), [(2, "secret"), (1, "api_key")])
def test_text_moved_to_another_account_or_field_does_not_open(account_id: int, name: str) -> None:
    sealed = VAULT.seal(1, "secret", "hidden")
    with pytest.raises(UnsealError, match="another account or field"):
        VAULT.open(account_id, name, sealed)


def test_tampered_text_does_not_open() -> None:
    head, _, body = VAULT.seal(1, "secret", "hidden").rpartition(":")
    raw = bytearray(base64.urlsafe_b64decode(body))
    for place in range(len(raw)):
        raw[place] ^= 1
        broken = f"{head}:{base64.urlsafe_b64encode(bytes(raw)).decode()}"
        with pytest.raises(UnsealError):
            VAULT.open(1, "secret", broken)
        raw[place] ^= 1


@pytest.mark.parametrize(
    "text", ["", "plain", "enc:v1", "enc:v1:x", "enc:v2:a:b", "enc:v1:a:***", "enc:v1:a:b:c"]
)
def test_unsealed_text_is_refused(text: str) -> None:
    with pytest.raises(UnsealError) as refused:
        VAULT.open(1, "secret", text)
    assert not text or text not in refused.value.message or text == "enc:v1"


def test_old_key_opens_and_a_missing_key_is_named() -> None:
    before = AesVault(lambda: [OLD]).seal(1, "secret", "hidden")
    assert VAULT.open(1, "secret", before) == "hidden"
    strange = AesVault(lambda: [new_master_key()])
    with pytest.raises(UnsealError, match=VAULT.key_id_of(before)):
        strange.open(1, "secret", before)


@pytest.mark.parametrize(
    "text",
    ["", "short", "x" * 43, "ä" * 32, NEW[:-4], NEW + "AAAA"],
    ids=["empty", "short", "not_random", "not_ascii", "cut_off", "too_long"],
)
def test_invalid_master_key_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(NoMasterKey) as refused:
        MasterKey.of(text if text != "x" * 43 else "!" * 43)
    assert not text or text not in refused.value.message


def test_sealing_needs_a_key() -> None:
    with pytest.raises(NoMasterKey, match="no master key"):
        AesVault(list).seal(1, "secret", "hidden")


def test_key_without_padding_is_accepted() -> None:
    assert MasterKey.of(NEW.rstrip("=")).id == MasterKey.of(NEW).id


def test_fingerprint_depends_on_text_and_key() -> None:
    fingerprint = VAULT.fingerprint("api key")
    assert fingerprint == VAULT.fingerprint("api key")
    assert fingerprint != VAULT.fingerprint("api kez")
    assert fingerprint != AesVault(lambda: [OLD]).fingerprint("api key")
    assert (
        fingerprint
        != hmac.new(base64.urlsafe_b64decode(NEW), b"api key", hashlib.sha256).hexdigest()
    )


def test_format_is_aes_256_gcm_as_documented() -> None:
    """Open a text with the derivation, nonce and associated data of the documentation."""
    master = secrets.token_bytes(32)
    text = base64.urlsafe_b64encode(master).decode()
    sealed = AesVault(lambda: [text]).seal(7, "secret", "hidden")

    def derived(purpose: bytes) -> bytes:
        """RFC 5869 with SHA-256, a salt of zeros, one block."""
        extracted = hmac.new(bytes(32), master, hashlib.sha256).digest()
        return hmac.new(extracted, b"oms-gateway " + purpose + b"\x01", hashlib.sha256).digest()

    key_id = derived(b"key id").hex()[:16]
    word, version, sealed_key_id, body = sealed.split(":")
    raw = base64.urlsafe_b64decode(body)
    bound = f"oms credentials v1 {key_id} 7 secret".encode()
    assert (word, version, sealed_key_id) == ("enc", "v1", key_id)
    assert AESGCM(derived(b"sealing")).decrypt(raw[:12], raw[12:], bound) == b"hidden"


def test_repr_contains_no_secret() -> None:
    shown = [
        *(repr(thing) for thing in (VAULT, MasterKey.of(NEW))),
        *(str(thing) for thing in (VAULT, MasterKey.of(NEW))),
        repr(Secrets(api_key="clear-1", secret="clear-2", passphrase="clear-3")),
    ]
    for text in shown:
        assert "clear-" not in text and NEW[:12] not in text
        assert re.search(r"(?<![0-9a-f])b'", text) is None, "an id of hex digits may end so"
