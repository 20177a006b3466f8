"""Store the credentials of an account, sealed, for API and command line. Cannot open them."""

from dataclasses import dataclass

from oms.domain.errors import Invalid
from oms.ports.admin.sealed_credentials import (
    SealedCredentials,
    SealedCredentialsChange,
    SealedCredentialsStore,
)
from oms.ports.audit_log import AuditContext
from oms.ports.vault import FIELDS, SEALED_PREFIX, Sealer, Secrets

CHARACTERS_MAX = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class SealCredentials:
    """Seals and stores credentials."""

    rows: SealedCredentialsStore
    sealer: Sealer

    async def __call__(
        self, account_id: int, secrets: Secrets, audit_context: AuditContext
    ) -> SealedCredentials:
        """Seal and store ``secrets``; a field that is ``None`` keeps its value. Returns the stored
        row.

        Raises ``Invalid``, ``NotFound`` (account), ``NoMasterKey``, ``Unavailable``.
        """
        for name in FIELDS:
            _check(name, getattr(secrets, name))
        change = SealedCredentialsChange(
            account_id=account_id,
            key_id=self.sealer.key_id,
            api_key=self._sealed(account_id, "api_key", secrets.api_key),
            secret=self._sealed(account_id, "secret", secrets.secret),
            passphrase=self._sealed(account_id, "passphrase", secrets.passphrase),
            fingerprint=None
            if secrets.api_key is None
            else self.sealer.fingerprint(secrets.api_key),
        )
        return await self.rows.change(change, audit_context)

    def _sealed(self, account_id: int, name: str, text: str | None) -> str | None:
        return None if text is None else self.sealer.seal(account_id, name, text)


def _check(name: str, text: str | None) -> None:
    if text is None:
        return
    if not text or len(text) > CHARACTERS_MAX:
        raise Invalid(f"{name} has 1 to {CHARACTERS_MAX} characters")
    if text.startswith(SEALED_PREFIX):
        raise Invalid(f"{name} is already sealed")
