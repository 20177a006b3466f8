"""Sealed exchange credentials. This module cannot open them."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.errors import CommitOutcomeUnknown
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.fencing import revoke_lease
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.domain.errors import NotFound
from oms.ports.admin.sealed_credentials import SealedCredentials, SealedCredentialsChange
from oms.ports.audit_log import AuditContext
from oms.ports.vault import FIELDS
from oms.wire.json import dumps

_TABLE = "account_credentials_encrypted"
_TEXTS = ("api_key_enc", "secret_enc", "passphrase_enc", "key_id", "fingerprint")
_SELECTED = f"SELECT account_id, {', '.join(_TEXTS)} FROM {_TABLE}"
_PUT = BulkInsert(
    table=_TABLE,
    columns=("account_id", *_TEXTS, "created_at", "updated_at"),
    key=("account_id",),
    update_columns=(*_TEXTS, "updated_at"),
)


class SqlSealedCredentialsStore(AuditedWriter):
    """``ports.sealed_credentials.SealedCredentialsStore``."""

    async def read(self, account_id: int) -> SealedCredentials | None:
        """Return the sealed credentials of an account."""
        text = f"{_SELECTED} WHERE account_id = {self._dialect.param}"
        rows = await self._database.fetch(text, (account_id,))
        return _row(rows[0]) if rows else None

    async def is_key_shared(self, account_id: int) -> bool:
        """See ``SealedCredentialsStore``."""
        text = (
            f"SELECT 1 FROM {_TABLE} mine JOIN {_TABLE} theirs"
            " ON theirs.fingerprint = mine.fingerprint AND theirs.account_id <> mine.account_id"
            f" WHERE mine.account_id = {self._dialect.param} LIMIT 1"
        )
        return bool(await self._database.fetch(text, (account_id,)))

    async def owner(self, account_id: int) -> str | None:
        """See ``SealedCredentialsStore``."""
        text = f"SELECT exchange_owner FROM {_TABLE} WHERE account_id = {self._dialect.param}"
        rows = await self._database.fetch(text, (account_id,))
        return rows[0][0] if rows else None

    async def set_owner(self, account_id: int, owner: str) -> None:
        """See ``SealedCredentialsStore``."""
        param = self._dialect.param
        text = f"UPDATE {_TABLE} SET exchange_owner = {param} WHERE account_id = {param}"

        async def work(session: Session) -> None:
            await session.execute(text, (owner, account_id))

        try:
            await self._database.write(work)
        except CommitOutcomeUnknown:
            await self._database.write(work)  # idempotent

    async def page(self, after_account_id: int, limit: int) -> Sequence[SealedCredentials]:
        """Return rows of accounts above that id, ascending."""
        param = self._dialect.param
        text = f"{_SELECTED} WHERE account_id > {param} ORDER BY account_id LIMIT {param}"
        return [_row(row) for row in await self._database.fetch(text, (after_account_id, limit))]

    async def change(
        self, change: SealedCredentialsChange, audit_context: AuditContext
    ) -> SealedCredentials:
        """See ``SealedCredentialsStore``."""

        async def work(session: Session) -> AuditedResult[SealedCredentials]:
            account_id = change.account_id
            known = f"SELECT id FROM accounts WHERE id = {session.dialect.param}"
            if not await session.fetch(known, (account_id,)):
                raise NotFound(f"account_id={account_id}", code="account_not_found")
            before = await _lock_row(session, account_id)
            after = change.apply_to(before)
            await _put(session, after, audit_context)
            # The worker's exchange client uses the old credentials: make it load the account again.
            await revoke_lease(session, account_id)
            names = [name for name in FIELDS if getattr(change, name) is not None]
            entry = audit_context.entry(
                "set_credentials",
                "account_credentials",
                account_id,
                before=None if before is None else _audit_json(before),
                after=_audit_json(after, names),
                account_id=account_id,
            )
            return after, [entry]

        return await self._write_audited(work, audit_context.at)

    async def reseal(
        self, before: SealedCredentials, after: SealedCredentials, audit_context: AuditContext
    ) -> bool:
        """See ``SealedCredentialsStore``."""

        async def work(session: Session) -> AuditedResult[bool]:
            if await _lock_row(session, before.account_id) != before:
                return False, []
            await _put(session, after, audit_context)
            entry = audit_context.entry(
                "reseal_credentials",
                "account_credentials",
                before.account_id,
                before=_audit_json(before),
                after=_audit_json(after),
                account_id=before.account_id,
            )
            return True, [entry]

        return await self._write_audited(work, audit_context.at)


async def _lock_row(session: Session, account_id: int) -> SealedCredentials | None:
    param, lock = session.dialect.param, session.dialect.for_update
    rows = await session.fetch(f"{_SELECTED} WHERE account_id = {param}{lock}", (account_id,))
    return _row(rows[0]) if rows else None


async def _put(session: Session, row: SealedCredentials, audit_context: AuditContext) -> None:
    at = session.dialect.encode_time(audit_context.at)
    texts = (row.api_key, row.secret, row.passphrase, row.key_id, row.fingerprint)
    await _PUT(session, [(row.account_id, *texts, at, at)])


def _audit_json(row: SealedCredentials, names: Sequence[str] = ()) -> str:
    """Return key id and field names for the audit log; never a value, not even sealed."""
    has = [name for name in FIELDS if getattr(row, name) is not None]
    return dumps({"key_id": row.key_id, "has": has} | ({"set": list(names)} if names else {}))


def _row(row: Any) -> SealedCredentials:
    return SealedCredentials(
        account_id=row[0],
        api_key=row[1],
        secret=row[2],
        passphrase=row[3],
        key_id=row[4],
        fingerprint=row[5],
    )
