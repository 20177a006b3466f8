"""Sealed credentials and the rotation of master keys, on every database."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from kit.databases.sql import fetch_rows
from kit.databases.store_rows import NOON, an_account
from oms.adapters.sql.store import SqlStore
from oms.adapters.vault import AesVault, new_master_key
from oms.domain.errors import Invalid, NotFound
from oms.domain.value import evolve
from oms.ports.admin.sealed_credentials import SealedCredentials
from oms.ports.audit_log import AuditContext
from oms.ports.vault import Secrets, UnsealError
from oms.services.credentials.rotate import PAGE_ROWS, RotateMasterKey, RotationResult
from oms.services.credentials.seal import SealCredentials
from oms.services.credentials.unseal import UnsealCredentials

Step = Callable[[], Awaitable[None]]
CONTEXT = AuditContext(actor="test", at=NOON, comment="why")
OLD, NEW, THIRD = new_master_key(), new_master_key(), new_master_key()
CLEAR = Secrets(api_key="clear-key", secret="clear-secret", passphrase="clear-words")


class KeyRing:
    """Master keys that a test may replace."""

    def __init__(self, *keys: str) -> None:
        self.keys: Sequence[str] = keys
        self.vault = AesVault(lambda: self.keys)


@pytest.fixture
def ring() -> KeyRing:
    """Return a key ring with one key."""
    return KeyRing(OLD)


async def test_sealed_credentials_are_opened(store: SqlStore, ring: KeyRing) -> None:
    account_id = await an_account(store)
    unseal = UnsealCredentials(rows=store.sealed_credentials, vault=ring.vault)
    assert await unseal(account_id) is None

    row = await _seal(store, ring, account_id, CLEAR)

    assert await unseal(account_id) == CLEAR
    assert await store.sealed_credentials.read(account_id) == row
    assert row.key_id == ring.vault.key_id
    assert row.fingerprint == ring.vault.fingerprint("clear-key")


async def test_new_credentials_revoke_the_lease(store: SqlStore, ring: KeyRing) -> None:
    account_id = await an_account(store)
    (lease,) = await store.leases.acquire("w-1", [account_id], 60)
    assert await store.leases.renew("w-1", [lease], 60) == []
    await _seal(store, ring, account_id, CLEAR)
    assert await store.leases.renew("w-1", [lease], 60) == [account_id]


async def test_key_may_be_shared_by_accounts(store: SqlStore, ring: KeyRing) -> None:
    first, second, third = [await an_account(store, label) for label in ("a", "b", "c")]
    for account_id, key in ((first, "clear-key"), (second, "clear-other")):
        await _seal(store, ring, account_id, evolve(CLEAR, api_key=key))
    assert [
        await store.sealed_credentials.is_key_shared(each) for each in (first, second, third)
    ] == [False] * 3
    await _seal(store, ring, third, CLEAR)
    assert [
        await store.sealed_credentials.is_key_shared(each) for each in (first, second, third)
    ] == [*(True, False, True)]


async def test_exchange_owner_outlives_new_credentials(store: SqlStore, ring: KeyRing) -> None:
    account_id = await an_account(store)
    assert await store.sealed_credentials.owner(account_id) is None
    await _seal(store, ring, account_id, CLEAR)
    assert await store.sealed_credentials.owner(account_id) is None
    await store.sealed_credentials.set_owner(account_id, "u-1")
    await _seal(store, ring, account_id, evolve(CLEAR, api_key="clear-other"))
    assert await store.sealed_credentials.owner(account_id) == "u-1"


async def test_change_keeps_unnamed_fields(store: SqlStore, ring: KeyRing) -> None:
    account_id = await an_account(store)
    first = Secrets(api_key="clear-1", secret="clear-2")
    await _seal(store, ring, account_id, first)
    ring.keys = [NEW, OLD]
    row = await _seal(store, ring, account_id, Secrets(secret="clear-3"))

    opened = await UnsealCredentials(rows=store.sealed_credentials, vault=ring.vault)(account_id)
    assert opened == Secrets(api_key="clear-1", secret="clear-3")
    # One field is sealed under the old key, which a rotation must find.
    assert row.key_id == AesVault(lambda: [OLD]).key_id


@pytest.mark.parametrize(
    "secrets", [Secrets(api_key="a"), Secrets(secret="b"), Secrets(passphrase="c"), Secrets()]
)
async def test_first_credentials_must_be_complete(
    store: SqlStore, ring: KeyRing, secrets: Secrets
) -> None:
    account_id = await an_account(store)
    with pytest.raises(Invalid, match="api_key and secret"):
        await _seal(store, ring, account_id, secrets)
    assert await store.sealed_credentials.read(account_id) is None


async def test_invalid_credentials_are_refused(store: SqlStore, ring: KeyRing) -> None:
    with pytest.raises(NotFound):
        await _seal(store, ring, 987_654, CLEAR)
    account_id = await an_account(store)
    for text in ("", "enc:v1:a:b"):
        with pytest.raises(Invalid):
            await _seal(store, ring, account_id, evolve(CLEAR, secret=text))


async def test_row_of_another_account_does_not_open(store: SqlStore, ring: KeyRing) -> None:
    ours, theirs = await an_account(store), await an_account(store, "other")
    row = await _seal(store, ring, ours, CLEAR)
    await _seal(store, ring, theirs, CLEAR)
    before = await store.sealed_credentials.read(theirs)
    assert before is not None
    assert await store.sealed_credentials.reseal(before, evolve(row, account_id=theirs), CONTEXT)
    with pytest.raises(UnsealError, match=f"account_id={theirs}"):
        await UnsealCredentials(rows=store.sealed_credentials, vault=ring.vault)(theirs)


async def test_audit_log_contains_field_names_and_no_value(
    store: SqlStore, ring: KeyRing, place: Any
) -> None:
    account_id = await an_account(store)
    await _seal(store, ring, account_id, CLEAR)
    await _seal(store, ring, account_id, Secrets(secret="clear-other"))
    ring.keys = [NEW, OLD]
    await _rotate(store, ring)

    text = "SELECT action, before_json, after_json, actor FROM audit_log ORDER BY id"
    audit_rows = fetch_rows(place.url, text)
    changes = [row for row in audit_rows if "credentials" in row[0]]
    assert [row[0] for row in changes] == ["set_credentials"] * 2 + ["reseal_credentials"]
    assert json.loads(changes[1][2])["set"] == ["secret"]
    assert all("clear" not in str(row) and "enc:" not in str(row) for row in changes)


async def test_interrupted_rotation_is_repeated(store: SqlStore, ring: KeyRing) -> None:
    accounts = [await an_account(store, f"a{number}") for number in range(PAGE_ROWS + 2)]
    for account_id in accounts:
        await _seal(store, ring, account_id, CLEAR)
    ring.keys = [NEW, OLD]
    # State left by a run that stopped after its first row.
    stopped = _StopAfter(store, 1)
    with pytest.raises(ConnectionError):
        await RotateMasterKey(rows=stopped, vault=ring.vault)(CONTEXT)

    done = await _rotate(store, ring)
    again = await _rotate(store, ring)

    assert (done.resealed, done.verified) == (len(accounts) - 1, len(accounts))
    assert (again.resealed, again.verified) == (0, len(accounts))
    assert done.key_ids == {ring.vault.key_id}
    ring.keys = [NEW]
    unseal = UnsealCredentials(rows=store.sealed_credentials, vault=ring.vault)
    assert [await unseal(account_id) for account_id in accounts] == [CLEAR] * len(accounts)


async def test_unreadable_credentials_are_reported_and_kept(store: SqlStore, ring: KeyRing) -> None:
    lost, kept = await an_account(store), await an_account(store, "other")
    before = await _seal(store, KeyRing(THIRD), lost, CLEAR)
    await _seal(store, ring, kept, CLEAR)
    ring.keys = [NEW, OLD]

    done = await _rotate(store, ring)

    assert (done.resealed, done.verified, done.unreadable) == (1, 1, (lost,))
    assert await store.sealed_credentials.read(lost) == before


async def test_concurrently_changed_row_is_not_overwritten(store: SqlStore, ring: KeyRing) -> None:
    account_id = await an_account(store)
    await _seal(store, ring, account_id, CLEAR)
    ring.keys = [NEW, OLD]

    async def meanwhile() -> None:
        await _seal(store, KeyRing(OLD), account_id, evolve(CLEAR, secret="clear-newer"))

    done = await RotateMasterKey(rows=_ConcurrentChange(store, meanwhile), vault=ring.vault)(
        CONTEXT
    )

    assert done.resealed == 1
    opened = await UnsealCredentials(rows=store.sealed_credentials, vault=ring.vault)(account_id)
    assert opened == evolve(CLEAR, secret="clear-newer")


class _StopAfter:
    """Credentials of a store; the process crashes after a number of changes."""

    def __init__(self, store: SqlStore, changes: int) -> None:
        self._rows = store.sealed_credentials
        self._left = changes
        self.read, self.page, self.change = self._rows.read, self._rows.page, self._rows.change

    async def reseal(
        self, before: SealedCredentials, after: SealedCredentials, audit_context: AuditContext
    ) -> bool:
        if self._left == 0:
            raise ConnectionError
        self._left -= 1
        return await self._rows.reseal(before, after, audit_context)


class _ConcurrentChange:
    """Credentials of a store that are changed once before the first reseal."""

    def __init__(self, store: SqlStore, meanwhile: Step) -> None:
        self._rows = store.sealed_credentials
        self._meanwhile: Step | None = meanwhile
        self.read, self.page, self.change = self._rows.read, self._rows.page, self._rows.change

    async def reseal(
        self, before: SealedCredentials, after: SealedCredentials, audit_context: AuditContext
    ) -> bool:
        if self._meanwhile is not None:
            await self._meanwhile()
            self._meanwhile = None
        return await self._rows.reseal(before, after, audit_context)


async def _seal(
    store: SqlStore, ring: KeyRing, account_id: int, secrets: Secrets
) -> SealedCredentials:
    return await SealCredentials(rows=store.sealed_credentials, sealer=ring.vault)(
        account_id, secrets, CONTEXT
    )


async def _rotate(store: SqlStore, ring: KeyRing) -> RotationResult:
    return await RotateMasterKey(rows=store.sealed_credentials, vault=ring.vault)(CONTEXT)
