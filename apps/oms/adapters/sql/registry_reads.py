"""Who a key is and what accounts there are: the reads of the registry."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.adapters.sql.bulk import fetch
from oms.adapters.sql.engine import Database
from oms.adapters.sql.rows.accounts import JOINED, SELECTED, account_of
from oms.adapters.sql.tables.access import (
    api_key_account_permissions,
    api_key_strategy_permissions,
    user_api_keys,
    users,
)
from oms.domain.access import Grant, Principal, Role
from oms.ports.registry import AccountRow, UserRow

_keys, _allowed = user_api_keys.c, api_key_strategy_permissions.c
_granted = api_key_account_permissions.c
_PRINCIPAL = (
    select(
        _keys.id,
        _keys.status.label("key_status"),
        _keys.expires_at,
        users.c.id.label("user_id"),
        users.c.name,
        users.c.role,
        users.c.status.label("user_status"),
    )
    .select_from(user_api_keys)
    .join(users, users.c.id == _keys.user_id)
)
_GRANTS = select(api_key_account_permissions, _allowed.strategy_id).join(
    api_key_strategy_permissions,
    and_(
        _allowed.api_key_id == _granted.api_key_id,
        _allowed.account_id == _granted.account_id,
        _allowed.status == "active",
    ),
    isouter=True,
)


class RegistryReads:
    """The reading half of ``ports.registry.Registry``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def principal(self, key_hash: str, now: datetime) -> Principal | None:
        """Who the key of this hash is. Raises ``Unavailable``."""
        return await self._principal(_keys.api_key_hash == key_hash, now)

    async def principal_of(self, api_key_id: int, now: datetime) -> Principal | None:
        """Who the key of this id is. Raises ``Unavailable``."""
        return await self._principal(_keys.id == api_key_id, now)

    async def user(self, name: str) -> UserRow | None:
        """A user by name. Raises ``Unavailable``."""

        async def work(connection: AsyncConnection) -> Any:
            return (await connection.execute(select(users).where(users.c.name == name))).first()

        row = await self._database.read(work)
        if row is None:
            return None
        return UserRow(
            id=row.id, name=row.name, role=row.role, status=row.status, created_at=row.created_at
        )

    async def keys_of(self, user_id: int) -> Sequence[int]:
        """Ids of the user's active keys, ascending. Raises ``Unavailable``."""

        async def work(connection: AsyncConnection) -> Sequence[int]:
            active = (_keys.user_id == user_id, _keys.status == "active")
            found = await connection.execute(select(_keys.id).where(*active).order_by(_keys.id))
            return list(found.scalars())

        return await self._database.read(work)

    async def accounts(self, ids: Sequence[int] | None = None) -> Sequence[AccountRow]:
        """All accounts, or those named, ascending. Raises ``Unavailable``."""
        if ids is not None and not ids:
            return ()
        dialect = self._database.dialect
        where = "" if ids is None else f" WHERE a.id IN ({dialect.marks(len(ids))})"
        text = (
            f"SELECT {SELECTED}, a.is_testnet, a.trader_name, a.created_at"
            f" FROM {JOINED}{where} ORDER BY a.id"
        )

        async def work(connection: AsyncConnection) -> Sequence[Any]:
            return await fetch(connection, text, ids or ())

        return [
            AccountRow(
                account=account_of(row),
                extra_config=row[6] or "{}",
                is_testnet=bool(row[8]),
                trader_name=row[9],
                created_at=dialect.time_out(row[10]),
            )
            for row in await self._database.read(work)
        ]

    async def _principal(self, which: ColumnElement[bool], now: datetime) -> Principal | None:
        async def work(connection: AsyncConnection) -> tuple[Any, Sequence[Any]]:
            key = (await connection.execute(_PRINCIPAL.where(which))).first()
            if key is None:
                return None, ()
            grants = _GRANTS.where(_granted.api_key_id == key.id, _granted.status == "active")
            return key, (await connection.execute(grants)).all()

        key, grants = await self._database.read(work)
        if key is None or key.key_status != "active" or key.user_status != "active":
            return None
        if key.expires_at is not None and key.expires_at <= now.astimezone(UTC):
            return None
        return Principal(
            user_id=key.user_id,
            user_name=key.name,
            api_key_id=key.id,
            role=Role.read(key.role),
            grants=_grants(grants),
        )


def _grants(rows: Sequence[Any]) -> dict[int, Grant]:
    strategies: dict[int, set[int]] = {}
    for row in rows:
        of_account = strategies.setdefault(row.account_id, set())
        if row.strategy_id is not None:
            of_account.add(row.strategy_id)
    return {
        row.account_id: Grant(
            can_read=row.can_read,
            can_trade=row.can_trade,
            can_close_position=row.can_close_position,
            can_risk_manage=row.can_risk_manage,
            can_block_new_positions=row.can_block_new_positions,
            can_block_account=row.can_block_account,
            restrict_to_strategies=row.restrict_to_strategies,
            strategy_ids=frozenset(strategies[row.account_id]),
        )
        for row in rows
    }
