"""Seal all credentials again under the current master key, and check that all can be opened.

Each row is a change of its own, so the rotation can be interrupted and repeated: rows under the new
key are left alone. A row that changes meanwhile is read again.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from oms.domain.errors import Unavailable
from oms.domain.value import evolve, value
from oms.ports.admin.sealed_credentials import SealedCredentials, SealedCredentialsStore
from oms.ports.audit_log import AuditContext
from oms.ports.vault import UnsealError, Vault
from oms.services.credentials.unseal import unseal_row

PAGE_ROWS = 100
PASSES_MAX = 20


@value
class RotationResult:
    """The result of a rotation or check."""

    #: Rows that were sealed again.
    resealed: int
    #: Rows that can be opened.
    verified: int
    #: Master keys in use.
    key_ids: frozenset[str]
    #: Accounts whose credentials cannot be opened.
    unreadable: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateMasterKey:
    """Opens and seals credentials; stores nothing in memory."""

    rows: SealedCredentialsStore
    vault: Vault

    async def __call__(self, audit_context: AuditContext) -> RotationResult:
        """Seal all rows that are under another key.

        Raises ``NoMasterKey``, and ``Unavailable`` (also if rows keep changing).
        """
        resealed = 0
        for _ in range(PASSES_MAX):
            changed, has_conflict = 0, False
            async for row in self._all():
                after = self._resealed(row)
                if after is None:
                    continue
                if await self.rows.reseal(row, after, audit_context):
                    changed += 1
                else:
                    has_conflict = True
            resealed += changed
            if not has_conflict:
                return evolve(await self.check(), resealed=resealed)
        raise Unavailable("credentials keep changing; try again")

    async def check(self) -> RotationResult:
        """Return whether all rows can be opened, and under which keys they are. Changes nothing."""
        verified, unreadable, key_ids = 0, [], set[str]()
        async for row in self._all():
            try:
                unseal_row(self.vault, row)
            except UnsealError:
                unreadable.append(row.account_id)
            else:
                verified += 1
                key_ids |= self._key_ids(row)
        return RotationResult(
            resealed=0,
            verified=verified,
            key_ids=frozenset(key_ids),
            unreadable=tuple(unreadable),
        )

    def _resealed(self, row: SealedCredentials) -> SealedCredentials | None:
        """Return the row under the new key, or ``None`` if it is already or cannot be opened."""
        key_id = self.vault.key_id
        try:
            if self._key_ids(row) == {key_id} and row.key_id == key_id:
                return None
            secrets = unseal_row(self.vault, row)
        except UnsealError:
            return None
        assert secrets.api_key is not None and secrets.secret is not None, "a row has both"
        seal, account_id = self.vault.seal, row.account_id
        return SealedCredentials(
            account_id=account_id,
            api_key=seal(account_id, "api_key", secrets.api_key),
            secret=seal(account_id, "secret", secrets.secret),
            passphrase=None
            if secrets.passphrase is None
            else seal(account_id, "passphrase", secrets.passphrase),
            key_id=key_id,
            fingerprint=self.vault.fingerprint(secrets.api_key),
        )

    def _key_ids(self, row: SealedCredentials) -> set[str]:
        texts = (row.api_key, row.secret, row.passphrase)
        return {self.vault.key_id_of(text) for text in texts if text is not None}

    async def _all(self) -> AsyncIterator[SealedCredentials]:
        after = 0
        while page := await self.rows.page(after, PAGE_ROWS):
            for row in page:
                yield row
            after = page[-1].account_id
