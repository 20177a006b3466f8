"""Credentials in the clear, for the worker that makes an exchange's client. For nobody else."""

from dataclasses import dataclass

from oms.ports.sealed_credentials import SealedCredentials, SealedCredentialsStore
from oms.ports.vault import Secrets, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsealCredentials:
    """Opens what is stored for an account."""

    rows: SealedCredentialsStore
    vault: Vault

    async def __call__(self, account_id: int) -> Secrets | None:
        """``None`` where the account has no credentials.

        Raises ``Unsealable`` (plain text in the table is refused too), ``NoMasterKey``,
        ``Unavailable``.
        """
        row = await self.rows.read(account_id)
        return None if row is None else unseal_row(self.vault, row)


def unseal_row(vault: Vault, row: SealedCredentials) -> Secrets:
    """All texts of a row. Raises ``Unsealable``, ``NoMasterKey``."""
    passphrase = row.passphrase
    return Secrets(
        api_key=vault.open(row.account_id, "api_key", row.api_key),
        secret=vault.open(row.account_id, "secret", row.secret),
        passphrase=None
        if passphrase is None
        else vault.open(row.account_id, "passphrase", passphrase),
    )
