"""Users, keys, permissions and accounts. Each change is one transaction with its audit row."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.adapters.sql.engine import Database, InDoubt, Work
from oms.adapters.sql.errors import Duplicate
from oms.adapters.sql.ids import SqlIdBlocks
from oms.adapters.sql.registry_reads import RegistryReads
from oms.adapters.sql.rows.accounts import paper_settings
from oms.adapters.sql.tables.access import (
    api_key_account_permissions,
    api_key_strategy_permissions,
    audit_log,
    user_account_permissions,
    user_api_keys,
    users,
)
from oms.adapters.sql.tables.accounts import account_leases, accounts
from oms.adapters.sql.tables.ledger import account_streams
from oms.domain.access import Grant
from oms.domain.errors import Conflict, NotFound, Unavailable
from oms.ports.registry import AuditEntry, UserRow

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class SqlRegistry(RegistryReads):
    """``ports.registry.Registry``: the writes; the reads stand in ``registry_reads``."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        super().__init__(database)
        self._ids = ids

    async def create_user(
        self, *, name: str, role: str, now: datetime, audit: AuditEntry
    ) -> tuple[UserRow, bool]:
        """The user of that name and whether it was made now. Raises ``Unavailable``."""
        known = await self.user(name)
        if known is not None:
            return known, False
        await self._ids.ensure("user", 1)
        row = UserRow(id=self._ids("user"), name=name, role=role, status="active", created_at=now)

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(
                insert(users).values(
                    id=row.id, name=name, role=role, status=row.status, created_at=now
                )
            )
            await self._audit(connection, audit, now, row.id)

        try:
            await self._write(work)
        except Duplicate:
            known = await self.user(name)
            assert known is not None, "the name is taken"
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
        """A new key with its user's template of grants; its id.

        Raises ``Conflict``, ``NotFound``, ``Unavailable``.
        """
        await self._ids.ensure("key", 1)
        key_id = self._ids("key")
        row = {
            "id": key_id,
            "user_id": user_id,
            "label": label,
            "api_key_hash": key_hash,
            "key_prefix": key_prefix,
            "status": "active",
            "expires_at": expires_at,
            "created_at": now,
        }

        async def work(connection: AsyncConnection) -> None:
            owner = await connection.execute(select(users.c.id).where(users.c.id == user_id))
            if owner.first() is None:
                raise NotFound(f"user_id={user_id}", code="user_not_found")
            await connection.execute(insert(user_api_keys).values(**row))
            await self._copy_template(connection, user_id, key_id, now)
            await self._audit(connection, audit, now, key_id)

        try:
            await self._write(work)
        except Duplicate as twice:
            raise Conflict("this API key is in use already") from twice
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
    ) -> int:
        """A new account with its lease and event stream; its id.

        Raises ``Invalid`` where ``extra_config`` cannot be read, ``Unavailable``.
        """
        paper_settings(extra_config)
        await self._ids.ensure("account", 1)
        account_id = self._ids("account")
        row = {
            "id": account_id,
            "exchange_id": exchange_id,
            "label": label,
            "position_mode": position_mode,
            "environment": environment,
            "is_testnet": is_testnet,
            "extra_config_json": extra_config,
            "trader_name": trader_name,
            "status": "active",
            "created_at": now,
        }
        lease = {"account_id": account_id, "owner": "", "token": 0, "expires_at": LONG_AGO}
        stream = {"account_id": account_id, "head_seq": 0, "lease_token": 0}

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(insert(accounts).values(**row))
            await connection.execute(insert(account_streams).values(**stream))
            await connection.execute(insert(account_leases).values(**lease))
            entry = replace(audit, account_id=account_id)
            await self._audit(connection, entry, now, account_id)

        await self._write(work)
        return account_id

    async def grant(
        self, *, user_id: int, account_id: int, grant: Grant, now: datetime, audit: AuditEntry
    ) -> None:
        """Give the user's template and all his active keys these flags.

        Raises ``Unavailable``.
        """
        template = {
            "can_read": grant.can_read,
            "can_trade": grant.can_trade,
            "can_risk_manage": grant.can_risk_manage,
        }

        async def work(connection: AsyncConnection) -> None:
            key = {"user_id": user_id, "account_id": account_id}
            await _put(connection, user_account_permissions, key, template, {"created_at": now})
            active = await connection.execute(
                select(user_api_keys.c.id).where(
                    user_api_keys.c.user_id == user_id, user_api_keys.c.status == "active"
                )
            )
            for (key_id,) in active.all():
                await _grant_key(connection, key_id, account_id, grant, now)
            await self._audit(connection, audit, now, user_id)

        await self._write(work)

    async def _copy_template(
        self, connection: AsyncConnection, user_id: int, key_id: int, now: datetime
    ) -> None:
        template = user_account_permissions
        found = await connection.execute(select(template).where(template.c.user_id == user_id))
        for row in found.all():
            grant = Grant(
                can_read=row.can_read,
                can_trade=row.can_trade,
                can_close_position=row.can_trade,
                can_risk_manage=row.can_risk_manage,
                can_block_new_positions=row.can_risk_manage,
                can_block_account=row.can_risk_manage,
            )
            await _grant_key(connection, key_id, row.account_id, grant, now)

    async def _audit(
        self, connection: AsyncConnection, entry: AuditEntry, now: datetime, made: int
    ) -> None:
        """Write the audit row; an entry that names no entity is about what was made."""
        await connection.execute(
            insert(audit_log).values(
                id=self._ids("audit"),
                account_id=entry.account_id,
                actor=entry.actor,
                actor_user_id=entry.actor_user_id,
                actor_api_key_id=entry.actor_api_key_id,
                actor_role=entry.actor_role,
                actor_ip=entry.actor_ip,
                action=entry.action,
                entity=entry.entity,
                entity_id=entry.entity_id or str(made),
                before_json=entry.before,
                after_json=entry.after,
                comment=entry.comment,
                request_id=entry.request_id,
                created_at=now,
            )
        )

    async def _write(self, work: Work[None]) -> None:
        await self._ids.ensure("audit", 1)
        try:
            await self._database.write(work)
        except InDoubt as doubt:
            raise Unavailable("whether it was written is not known", reason="in_doubt") from doubt


async def _grant_key(
    connection: AsyncConnection, key_id: int, account_id: int, grant: Grant, now: datetime
) -> None:
    key = {"api_key_id": key_id, "account_id": account_id}
    flags = {
        "can_read": grant.can_read,
        "can_trade": grant.can_trade,
        "can_close_position": grant.can_close_position,
        "can_risk_manage": grant.can_risk_manage,
        "can_block_new_positions": grant.can_block_new_positions,
        "can_block_account": grant.can_block_account,
        "restrict_to_strategies": grant.restrict_to_strategies,
        "status": "active",
        "updated_at": now,
    }
    await _put(connection, api_key_account_permissions, key, flags, {"created_at": now})
    allowed = api_key_strategy_permissions
    of_key = and_(allowed.c.api_key_id == key_id, allowed.c.account_id == account_id)
    await connection.execute(allowed.delete().where(of_key))
    for strategy_id in sorted(grant.strategy_ids):
        await connection.execute(
            insert(allowed).values(**key, strategy_id=strategy_id, created_at=now)
        )


async def _put(
    connection: AsyncConnection,
    table: Table,
    key: dict[str, Any],
    values: dict[str, Any],
    once: dict[str, Any],
) -> None:
    """Change the row of ``key``, or make it, with ``once`` as well."""
    where: Sequence[Any] = [table.c[name] == value for name, value in key.items()]
    changed = await connection.execute(update(table).where(*where).values(**values))
    if changed.rowcount == 0:
        await connection.execute(insert(table).values(**key, **values, **once))
