"""Writes of users, keys, permissions and accounts, each with its audit row in one transaction."""

from dataclasses import replace
from datetime import UTC, datetime

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.errors import (
    DuplicateKey,
)
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.registry.registry_reads import RegistryReads
from oms.adapters.sql.rows import access, risk_policies
from oms.adapters.sql.rows.users import grant_audit_json
from oms.domain.access import TEMPLATE_FLAGS, Grant
from oms.domain.errors import Conflict, NotFound
from oms.domain.risk.policy import preset_limits
from oms.domain.unique_name import unique_name_key
from oms.ports.admin.account_admin import AccountCheck
from oms.ports.registry import AuditEntry, UserRow
from oms.wire.account_config.extra_config import check_extra_config
from oms.wire.json import dumps, optional_time_text
from oms.wire.responses.risk_policy_rows import settings_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ACCOUNT = BulkInsert(
    table="accounts",
    columns=(
        "id",
        "exchange_id",
        "label",
        "position_mode",
        "environment",
        "is_testnet",
        "extra_config_json",
        "trader_name",
        "created_at",
    ),
)
_STREAM = BulkInsert(table="account_streams", columns=("account_id",))
_LEASE = BulkInsert(table="account_leases", columns=("account_id", "expires_at"))


class SqlRegistry(RegistryReads):
    """``ports.registry.Registry``; the reads are inherited from ``RegistryReads``."""

    def __init__(self, database: Database, ids: SqlIdBlocks, check_account: AccountCheck) -> None:
        super().__init__(database)
        self._ids = ids
        self._check_account = check_account

    async def create_user(
        self, *, name: str, role: str, now: datetime, audit: AuditEntry
    ) -> tuple[UserRow, bool]:
        """Return the user of that name and whether it was created now.

        Raises ``Conflict`` if the name counts as the same as that of another user, ``Unavailable``.
        """
        known = await self.user(name)
        if known is not None:
            return known, False
        row = UserRow(
            id=await self._ids.allocate("user"),
            name=name,
            role=role,
            status="active",
            created_at=now,
        )
        audit_id = await self._ids.allocate("audit")

        async def work(session: Session) -> None:
            at = session.dialect.encode_time(now)
            await access.INSERT_USER(
                session, [(row.id, name, role, row.status, at, unique_name_key(name))]
            )
            after = dumps({"user_name": name, "role": role, "status": row.status})
            await _insert_audit(session, audit_id, audit, now, row.id, after)

        try:
            await self._database.commit(work)
        except DuplicateKey:
            known = await self.user(name)
            if known is None:
                raise Conflict("this user name is taken") from None
            return known, False
        return row, True

    async def create_key(
        self,
        *,
        user_id: int,
        key_hash: str,
        key_prefix: str,
        label: str | None,
        expires_at: datetime | None,
        now: datetime,
        audit: AuditEntry,
    ) -> int:
        """Create a key with the permission template of its user; returns its id.

        Raises ``Conflict``, ``NotFound``, ``Unavailable``.
        """
        key_id = await self._ids.allocate("key")
        audit_id = await self._ids.allocate("audit")
        dialect = self._dialect
        expires, at = dialect.encode_optional_time(expires_at), dialect.encode_time(now)
        row = (key_id, user_id, label, key_hash, key_prefix, "active", expires, at)

        async def work(session: Session) -> None:
            owner = f"SELECT id FROM users WHERE id = {dialect.param}"
            if not await session.fetch(owner, (user_id,)):
                raise NotFound(f"user_id={user_id}", code="user_not_found")
            await access.INSERT_KEY(session, [row])
            await _copy_template(session, user_id, key_id, now)
            after = {
                "user_id": user_id,
                "label": label,
                "status": "active",
                "key_prefix": key_prefix,
            }
            after["expires_at"] = optional_time_text(expires_at)
            await _insert_audit(session, audit_id, audit, now, key_id, dumps(after))

        try:
            await self._database.commit(work)
        except DuplicateKey as error:
            raise Conflict("this API key is already in use") from error
        return key_id

    async def create_account(
        self,
        *,
        exchange_id: str,
        label: str,
        position_mode: str,
        environment: str,
        is_testnet: bool,
        extra_config: str,
        trader_name: str | None,
        now: datetime,
        audit: AuditEntry,
        risk_preset: str = "open",
    ) -> int:
        """Create an account with its lease, its event stream and the limits of a preset.

        Returns its id. The limits have an audit row of their own.

        Raises ``Invalid`` if engine, environment and ``extra_config`` do not fit together, and
        ``Unavailable``.
        """
        self._check_account(
            exchange_id=exchange_id, environment=environment, extra_config=extra_config
        )
        check_extra_config(extra_config)
        account_id = await self._ids.allocate("account")
        row = (
            account_id,
            exchange_id,
            label,
            position_mode,
            environment,
            is_testnet,
            extra_config,
            trader_name,
            self._dialect.encode_time(now),
        )
        audit_id = await self._ids.allocate("audit", 2)

        async def work(session: Session) -> None:
            await _ACCOUNT(session, [row])
            await _STREAM(session, [(account_id,)])
            await _LEASE(session, [(account_id, session.dialect.encode_time(EPOCH))])
            after: dict[str, object] = {"exchange_id": exchange_id, "label": label}
            after |= {"position_mode": position_mode, "environment": environment}
            after["trader_name"] = trader_name
            entry = replace(audit, account_id=account_id)
            await _insert_audit(session, audit_id, entry, now, account_id, dumps(after))
            await _insert_limits(session, audit_id + 1, account_id, risk_preset, entry, now)

        await self._database.commit(work)
        return account_id

    async def grant(
        self, *, user_id: int, account_id: int, grant: Grant, now: datetime, audit: AuditEntry
    ) -> None:
        """Set these flags on the user's template and all active keys of the user.

        Raises ``Unavailable``.
        """
        flags = tuple(getattr(grant, name) for name in TEMPLATE_FLAGS)
        audit_id = await self._ids.allocate("audit")

        async def work(session: Session) -> None:
            at = session.dialect.encode_time(now)
            await access.UPSERT_TEMPLATE(session, [(user_id, account_id, *flags, at)])
            keys = await session.fetch(
                "SELECT id FROM user_api_keys WHERE status = 'active'"
                f" AND user_id = {session.dialect.param} ORDER BY id",
                (user_id,),
            )
            for (key_id,) in keys:
                await _grant_key(session, key_id, account_id, grant, now)
            entry = replace(audit, account_id=audit.account_id or account_id)
            after = grant_audit_json(grant, user_id=user_id)
            await _insert_audit(session, audit_id, entry, now, user_id, after)

        await self._database.commit(work)


async def _insert_audit(
    session: Session, audit_id: int, entry: AuditEntry, now: datetime, made: int, after: str | None
) -> None:
    if entry.after is None:
        entry = replace(entry, after=after)
    row = access.audit_to_row(audit_id, entry, made, now, session.dialect)
    await access.INSERT_AUDIT(session, [row])


async def _insert_limits(
    session: Session,
    audit_id: int,
    account_id: int,
    preset: str,
    created: AuditEntry,
    now: datetime,
) -> None:
    """Insert the limits of a preset with an audit row by the author of ``created``."""
    comment = f"preset {preset} of a new account"
    limits = preset_limits(
        preset,
        account_id,
        set_by=created.actor,
        set_by_user_id=created.actor_user_id,
        set_at=now,
        comment=comment,
    )
    if not limits:
        return
    rows = [risk_policies.limit_to_row(limit, session.dialect) for limit in limits]
    await risk_policies.UPSERT(session, rows)
    entry = replace(
        created,
        action="risk_policy",
        entity="account_policy",
        before=dumps({}),
        after=dumps(settings_of(limits)),
        comment=comment,
    )
    await _insert_audit(session, audit_id, entry, now, account_id, None)


async def _copy_template(session: Session, user_id: int, key_id: int, now: datetime) -> None:
    rows = await session.fetch(
        f"SELECT account_id, {', '.join(TEMPLATE_FLAGS)} FROM user_account_permissions"
        f" WHERE user_id = {session.dialect.param} ORDER BY account_id",
        (user_id,),
    )
    for row in rows:
        grant = access.grant_from_template(row[1:])
        await _grant_key(session, key_id, row[0], grant, now)


async def _grant_key(
    session: Session, key_id: int, account_id: int, grant: Grant, now: datetime
) -> None:
    dialect = session.dialect
    await access.UPSERT_GRANT(
        session, [access.grant_to_row(key_id, account_id, grant, now, dialect)]
    )
    await session.execute(
        "DELETE FROM api_key_strategy_permissions"
        f" WHERE api_key_id = {dialect.param} AND account_id = {dialect.param}",
        (key_id, account_id),
    )
    allowed = [
        (key_id, account_id, strategy_id, dialect.encode_time(now))
        for strategy_id in sorted(grant.strategy_ids)
    ]
    await access.INSERT_STRATEGY_GRANT(session, allowed)
