"""Reads of the registry: principals, users and accounts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.rows.access import PERMISSION_FLAGS, grant_from_row
from oms.adapters.sql.rows.accounts import JOINED, SELECTED, account_from_row
from oms.adapters.sql.rows.browser_sessions import SESSION_COLUMNS, session_from_row
from oms.adapters.sql.rows.users import RESTRICTION_COLUMNS, restrictions_from_row
from oms.domain.access import Grant, Principal, Role
from oms.domain.account import Account
from oms.ports.registry import AccountRow, ExchangeSettings, UserRow

_KEY = (
    f"SELECT k.id, u.id, u.name, u.role, {RESTRICTION_COLUMNS}, NULL, NULL"
    " FROM user_api_keys k JOIN users u ON u.id = k.user_id"
    " WHERE k.{column} = {param} AND k.status = 'active' AND u.status = 'active'"
)
_TOKEN = (
    f"SELECT k.id, u.id, u.name, u.role, {RESTRICTION_COLUMNS}, t.id, t.expires_at"
    " FROM auth_tokens t JOIN user_api_keys k ON k.id = t.api_key_id"
    " JOIN users u ON u.id = k.user_id WHERE t.{column} = {param} AND t.status = 'active'"
    " AND t.kind = 'token' AND k.status = 'active' AND u.status = 'active'"
)
_SESSION = (
    f"SELECT k.id, u.id, u.name, u.role, {RESTRICTION_COLUMNS}, t.id, t.expires_at,"
    f" {SESSION_COLUMNS} FROM auth_tokens t JOIN user_api_keys k ON k.id = t.api_key_id"
    " JOIN users u ON u.id = k.user_id WHERE t.{column} = {param} AND t.status = 'active'"
    " AND t.kind = 'session' AND k.status = 'active' AND u.status = 'active'"
)
_GRANTS = (
    f"SELECT p.account_id, s.strategy_id, {', '.join(f'p.{flag}' for flag in PERMISSION_FLAGS)}"
    " FROM api_key_account_permissions p LEFT JOIN api_key_strategy_permissions s"
    " ON s.api_key_id = p.api_key_id AND s.account_id = p.account_id AND s.status = 'active'"
    " WHERE p.api_key_id = {param} AND p.status = 'active'"
)


class RegistryReads:
    """The reads of ``ports.registry.Registry``; every method raises ``Unavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def principal(self, key_hash: str, now: datetime) -> Principal | None:
        """Return the principal of the key with this hash."""
        return await self._principal(_KEY, "api_key_hash", key_hash, now)

    async def principal_of_token(self, token_hash: str, now: datetime) -> Principal | None:
        """Return the principal of the login token with this hash."""
        return await self._principal(_TOKEN, "token_hash", token_hash, now)

    async def principal_of_session(self, session_hash: str, now: datetime) -> Principal | None:
        """Return the principal of the browser session with this hash."""
        return await self._principal(_SESSION, "token_hash", session_hash, now)

    async def principal_of(self, api_key_id: int, now: datetime) -> Principal | None:
        """Return the principal of the key with this id."""
        return await self._principal(_KEY, "id", api_key_id, now)

    async def user(self, name: str) -> UserRow | None:
        """Return a user by name."""
        text = (
            "SELECT id, name, role, status, created_at FROM users"
            f" WHERE name = {self._dialect.param}"
        )
        for row in await self._database.fetch(text, (name,)):
            if row[1] != name:
                continue  # MariaDB ignores trailing spaces.
            return UserRow(
                id=row[0],
                name=row[1],
                role=row[2],
                status=row[3],
                created_at=self._dialect.decode_time(row[4]),
            )
        return None

    async def keys_of(self, user_id: int) -> Sequence[int]:
        """Return the ids of the user's active keys, ascending."""
        text = (
            f"SELECT id FROM user_api_keys WHERE user_id = {self._dialect.param}"
            " AND status = 'active' ORDER BY id"
        )
        return [row[0] for row in await self._database.fetch(text, (user_id,))]

    async def accounts(self, ids: Sequence[int] | None = None) -> Sequence[AccountRow]:
        """Return all accounts or those of ``ids``, ascending."""
        if ids is not None and not ids:
            return ()
        where = "" if ids is None else f" WHERE a.id IN ({self._dialect.params(len(ids))})"
        text = (
            f"SELECT a.is_testnet, a.trader_name, a.created_at, a.quarantine, {SELECTED}"
            f" FROM {JOINED}{where} ORDER BY a.id"
        )
        rows = await self._database.fetch(text, ids or ())
        return [self._account_row(row[:4], account_from_row(row[4:])) for row in rows]

    async def exchange_settings(self, limit: int) -> Sequence[ExchangeSettings]:
        """Return the different settings of accounts at real exchanges, at most ``limit``."""
        text = (
            "SELECT DISTINCT exchange_id, environment, COALESCE(extra_config_json, '{}')"
            f" FROM accounts WHERE environment <> 'paper' LIMIT {limit:d}"
        )
        return [
            ExchangeSettings(exchange_id=row[0], environment=row[1], extra_config=row[2])
            for row in await self._database.fetch(text)
        ]

    def _account_row(self, columns: Any, account: Account) -> AccountRow:
        is_testnet, trader_name, created_at, quarantine = columns
        return AccountRow(
            account=account,
            extra_config=account.extra_config,
            is_testnet=bool(is_testnet),
            trader_name=trader_name,
            created_at=self._dialect.decode_time(created_at),
            live_enabled=account.live_enabled,
            quarantine=quarantine,
        )

    async def linked_strategies(self, account_ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
        """Return active linked strategies by account."""
        if not account_ids:
            return {}
        text = (
            "SELECT l.account_id, s.id FROM strategy_accounts l"
            " JOIN strategies s ON s.id = l.strategy_id"
            f" WHERE l.account_id IN ({self._dialect.params(len(account_ids))})"
            " AND l.status = 'active' AND s.status = 'active'"
        )
        by_account: dict[int, set[int]] = {}
        for account_id, strategy_id in await self._database.fetch(text, account_ids):
            by_account.setdefault(account_id, set()).add(strategy_id)
        return {account_id: frozenset(ids) for account_id, ids in by_account.items()}

    async def _principal(
        self, text: str, column: str, value: str | int, now: datetime
    ) -> Principal | None:
        param = self._dialect.param

        async def work(session: Session) -> tuple[Any, Sequence[Any]]:
            rows = await session.fetch(text.format(column=column, param=param), (value,))
            if not rows:
                return None, ()
            return rows[0], await session.fetch(_GRANTS.format(param=param), (rows[0][0],))

        key, grants = await self._database.read(work)
        if key is None:
            return None
        restrictions = restrictions_from_row(key[4:8], self._dialect)
        expiries = [
            at for at in (restrictions.expires_at, self._dialect.decode_optional_time(key[9])) if at
        ]
        if expiries and min(expiries) <= now:
            return None
        return Principal(
            user_id=key[1],
            user_name=key[2],
            api_key_id=key[0],
            role=Role.parse(key[3]),
            grants=_grants(grants),
            restrictions=restrictions,
            token_id=key[8],
            expires_at=min(expiries, default=None),
            session=session_from_row(key[10:], self._dialect) if len(key) > 10 else None,
        )


def _grants(rows: Sequence[Any]) -> dict[int, Grant]:
    strategies: dict[int, set[int]] = {}
    for row in rows:
        of_account = strategies.setdefault(row[0], set())
        if row[1] is not None:
            of_account.add(row[1])
    return {row[0]: grant_from_row(row[2:], frozenset(strategies[row[0]])) for row in rows}
