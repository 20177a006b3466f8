"""Plain credentials, for the worker that creates an exchange client, and for nothing else."""

from dataclasses import dataclass

from oms.ports.admin.sealed_credentials import SealedCredentials, SealedCredentialsStore
from oms.ports.vault import Secrets, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsealCredentials:
    """Opens the stored credentials of an account."""

    rows: SealedCredentialsStore
    vault: Vault

    async def __call__(self, account_id: int) -> Secrets | None:
        """Return the credentials, or ``None`` if the account has none.

        Raises ``UnsealError`` (also for plain text in the table), ``NoMasterKey``, ``Unavailable``.
        """
        row = await self.rows.read(account_id)
        return None if row is None else unseal_row(self.vault, row)


def unseal_row(vault: Vault, row: SealedCredentials) -> Secrets:
    """Return all fields of a row in plain text. Raises ``UnsealError``, ``NoMasterKey``."""
    passphrase = row.passphrase
    return Secrets(
        api_key=vault.open(row.account_id, "api_key", row.api_key),
        secret=vault.open(row.account_id, "secret", row.secret),
        passphrase=None
        if passphrase is None
        else vault.open(row.account_id, "passphrase", passphrase),
    )
