"""Seal all credentials anew under the master key that seals now, and see that all can be opened.

Each row is a change of its own, so the work may stop anywhere and be done again: what is under the
new key already is left alone. A row that somebody changes meanwhile is looked at again.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from oms.domain.errors import Unavailable
from oms.domain.value import evolve, value
from oms.ports.audit_log import AuditContext
from oms.ports.sealed_credentials import SealedCredentials, SealedCredentialsStore
from oms.ports.vault import UnsealError, Vault
from oms.services.credentials.unseal import unseal_row

PAGE_ROWS = 100
PASSES_MAX = 20


@value
class RotationResult:
    """What was done, and how all stands at the end."""

    #: Rows that were sealed anew.
    resealed: int
    #: Rows that can be opened.
    verified: int
    #: Master keys that rows are sealed under.
    key_ids: frozenset[str]
    #: Accounts whose credentials cannot be opened.
    unreadable: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateMasterKey:
    """Opens and seals again; keeps nothing."""

    rows: SealedCredentialsStore
    vault: Vault

    async def __call__(self, audit_context: AuditContext) -> RotationResult:
        """Raises ``NoMasterKey``, and ``Unavailable`` (also where writers never rest)."""
        resealed = 0
        for _ in range(PASSES_MAX):
            met, again = 0, False
            async for row in self._all():
                after = self._resealed(row)
                if after is None:
                    continue
                if await self.rows.reseal(row, after, audit_context):
                    met += 1
                else:
                    again = True
            resealed += met
            if not again:
                return evolve(await self.check(), resealed=resealed)
        raise Unavailable("credentials change all the time; try again")

    async def check(self) -> RotationResult:
        """Whether all can be opened, and under which keys they are. Changes nothing."""
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
        """The row under the new key; ``None`` where it is, or where it cannot be opened."""
        key_id = self.vault.key_id
        try:
            if self._key_ids(row) == {key_id} and row.key_id == key_id:
                return None
            clear = unseal_row(self.vault, row)
        except UnsealError:
            return None
        assert clear.api_key is not None and clear.secret is not None, "a row has both"
        seal, account_id = self.vault.seal, row.account_id
        return SealedCredentials(
            account_id=account_id,
            api_key=seal(account_id, "api_key", clear.api_key),
            secret=seal(account_id, "secret", clear.secret),
            passphrase=None
            if clear.passphrase is None
            else seal(account_id, "passphrase", clear.passphrase),
            key_id=key_id,
            fingerprint=self.vault.fingerprint(clear.api_key),
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
