"""Administration of users, API keys and permissions."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.errors import DuplicateKey
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.adapters.sql.registry.user_statements import (
    insert_key,
    lock_key,
    lock_user,
    replace_permission,
    require_other_admin,
    require_own_disabling,
    require_room_for_key,
    revoke_key_tokens,
    revoke_user_tokens,
    store_disabler,
    store_password,
)
from oms.adapters.sql.rows import access
from oms.adapters.sql.rows.users import (
    KEY_JOINED,
    KEY_SELECTED,
    USER_SELECTED,
    key_audit_json,
    key_from_row,
    restrictions_to_row,
    user_from_row,
)
from oms.domain.errors import Conflict
from oms.domain.unique_name import unique_name_key
from oms.ports.admin.user_admin import (
    AccountPermission,
    AccountPermissionRow,
    ApiKeyChange,
    ApiKeyRow,
    NewApiKey,
    UserChange,
)
from oms.ports.audit_log import AuditContext
from oms.ports.registry import AuditEntry, UserRow
from oms.wire.json import dumps

KEYS_PER_QUERY_MAX = 500


class SqlUserAdmin(AuditedWriter):
    """``ports.user_admin.UserAdmin``."""

    async def users(self) -> Sequence[UserRow]:
        """Return all users, ascending."""
        rows = await self._database.fetch(f"SELECT {USER_SELECTED} FROM users ORDER BY id")
        return [user_from_row(row, self._dialect) for row in rows]

    async def keys(self, user_id: int | None = None) -> Sequence[ApiKeyRow]:
        """Return all keys or those of the user, ascending."""
        where = "" if user_id is None else f" WHERE k.user_id = {self._dialect.param}"
        values = () if user_id is None else (user_id,)
        text = f"SELECT {KEY_SELECTED} FROM {KEY_JOINED}{where} ORDER BY k.id"
        return [
            key_from_row(row, self._dialect) for row in await self._database.fetch(text, values)
        ]

    async def key(self, key_id: int) -> ApiKeyRow | None:
        """Return one key."""
        text = f"SELECT {KEY_SELECTED} FROM {KEY_JOINED} WHERE k.id = {self._dialect.param}"
        rows = await self._database.fetch(text, (key_id,))
        return key_from_row(rows[0], self._dialect) if rows else None

    async def permissions(self, key_ids: Sequence[int]) -> Sequence[AccountPermissionRow]:
        """Return the permissions of the keys, ordered by key and account."""
        rows: list[AccountPermissionRow] = []
        for start in range(0, len(key_ids), KEYS_PER_QUERY_MAX):
            some = key_ids[start : start + KEYS_PER_QUERY_MAX]

            async def work(
                session: Session, some: Sequence[int] = some
            ) -> Sequence[AccountPermissionRow]:
                return await _read_permissions(session, some)

            rows += await self._database.read_consistent(work)
        return rows

    async def rename_user(self, user_id: int, name: str, audit_context: AuditContext) -> None:
        """Rename a user. Raises ``Conflict``, ``NotFound``."""

        async def work(session: Session) -> AuditedResult[None]:
            user = await lock_user(session, user_id)
            param = session.dialect.param
            await session.execute(
                f"UPDATE users SET name = {param}, name_key = {param} WHERE id = {param}",
                (name, unique_name_key(name), user_id),
            )
            before, after = dumps({"user_name": user.name}), dumps({"user_name": name})
            entry = audit_context.entry("rename_user", "user", user_id, before=before, after=after)
            return None, [entry]

        try:
            await self._write_audited(work, audit_context.at)
        except DuplicateKey as error:
            raise Conflict("this user name is taken") from error

    async def change_user(
        self, user_id: int, change: UserChange, audit_context: AuditContext
    ) -> int:
        """Change role, status or password, revoking tokens; returns 1.

        Raises ``NotFound``, ``Conflict``.
        """

        async def work(session: Session) -> AuditedResult[int]:
            user = await lock_user(session, user_id)
            role, status = change.role or user.role, change.status or user.status
            if user.role == "admin" and (role != "admin" or status != "active"):
                await require_other_admin(session, user_id)
            param = session.dialect.param
            await session.execute(
                f"UPDATE users SET role = {param}, status = {param} WHERE id = {param}",
                (role, status, user_id),
            )
            after: dict[str, Any] = {"role": role, "status": status}
            if change.password_hash is not None:
                await store_password(session, user_id, change.password_hash, audit_context.at)
                after["password"] = "changed"
            if status != "active" or change.password_hash is not None:
                await revoke_user_tokens(session, user_id, None)
            before = dumps({"role": user.role, "status": user.status})
            entry = audit_context.entry(
                "change_user", "user", user_id, before=before, after=dumps(after)
            )
            return 1, [entry]

        return await self._write_audited(work, audit_context.at)

    async def create_user(
        self,
        name: str,
        role: str,
        password_hash: str | None,
        key: NewApiKey,
        permissions: Sequence[AccountPermission],
        audit_context: AuditContext,
    ) -> tuple[int, int]:
        """Create a user with a key and its permissions; returns (user id, key id).

        Raises ``Conflict``, ``NotFound``, ``Invalid``.
        """
        user_id = await self._ids.allocate("user")
        key_id = await self._ids.allocate("key")

        async def work(session: Session) -> AuditedResult[tuple[int, int]]:
            at = session.dialect.encode_time(audit_context.at)
            await access.INSERT_USER(
                session, [(user_id, name, role, "active", at, unique_name_key(name))]
            )
            after = {"user_name": name, "role": role, "status": "active"}
            if password_hash is not None:
                await store_password(session, user_id, password_hash, audit_context.at)
                after["password"] = "set"
            entries = [audit_context.entry("create_user", "user", user_id, after=dumps(after))]
            entries.append(await insert_key(session, key_id, user_id, key, audit_context))
            entries += [
                await replace_permission(session, key_id, permission, audit_context)
                for permission in permissions
            ]
            return (user_id, key_id), entries

        try:
            return await self._write_audited(work, audit_context.at, 2 + len(permissions))
        except DuplicateKey as error:
            raise Conflict("this user name is taken, or the API key is already in use") from error

    async def create_key(
        self,
        user_id: int,
        key: NewApiKey,
        audit_context: AuditContext,
        keys_max: int | None = None,
    ) -> int:
        """Create a key without permissions; returns its id.

        Raises ``Conflict``, ``LimitReached``, ``NotFound``.
        """
        key_id = await self._ids.allocate("key")

        async def work(session: Session) -> AuditedResult[int]:
            await lock_user(session, user_id)
            if keys_max is not None:
                await require_room_for_key(session, user_id, keys_max, audit_context.at)
            return key_id, [await insert_key(session, key_id, user_id, key, audit_context)]

        try:
            return await self._write_audited(work, audit_context.at)
        except DuplicateKey as error:
            raise Conflict("this API key is already in use") from error

    async def change_key(
        self,
        key_id: int,
        change: ApiKeyChange,
        audit_context: AuditContext,
        *,
        is_by_owner: bool = False,
    ) -> int:
        """Change label, status or restrictions of a key; returns 1.

        Raises ``Forbidden``, ``NotFound``.
        """

        async def work(session: Session) -> AuditedResult[int]:
            key = await lock_key(session, key_id)
            status = change.status or key.status
            if is_by_owner:
                require_own_disabling(key, status)
            label = change.label if change.label or change.clears_label else key.label
            held = change.restrictions or key.restrictions
            param = session.dialect.param
            await session.execute(
                f"UPDATE user_api_keys SET status = {param}, label = {param}, expires_at = {param},"
                f" ip_allowlist = {param}, max_order_notional = {param}, max_day_notional = {param}"
                f" WHERE id = {param}",
                (status, label, *restrictions_to_row(held, session.dialect), key_id),
            )
            if status != "active":
                await revoke_key_tokens(session, key_id)
            if change.status is not None:
                await store_disabler(session, key, status, audit_context)
            entry = audit_context.entry(
                "change_api_key",
                "api_key",
                key_id,
                before=key_audit_json(key.label, key.status, key.restrictions),
                after=key_audit_json(label, status, held),
            )
            return 1, [entry]

        return await self._write_audited(work, audit_context.at)

    async def set_permission(
        self, key_id: int, permission: AccountPermission, audit_context: AuditContext
    ) -> int:
        """Replace a permission of a key; returns 1. Raises ``NotFound``, ``Invalid``."""

        async def work(session: Session) -> AuditedResult[int]:
            await lock_key(session, key_id)
            entry: AuditEntry = await replace_permission(session, key_id, permission, audit_context)
            return 1, [entry]

        return await self._write_audited(work, audit_context.at)


async def _read_permissions(
    session: Session, key_ids: Sequence[int]
) -> Sequence[AccountPermissionRow]:
    params = session.dialect.params(len(key_ids))
    flags = ", ".join(access.PERMISSION_FLAGS)
    rows = await session.fetch(
        f"SELECT api_key_id, account_id, status, {flags} FROM api_key_account_permissions"
        f" WHERE api_key_id IN ({params}) ORDER BY api_key_id, account_id",
        tuple(key_ids),
    )
    listed = await session.fetch(
        "SELECT api_key_id, account_id, strategy_id FROM api_key_strategy_permissions"
        f" WHERE api_key_id IN ({params}) AND status = 'active'",
        tuple(key_ids),
    )
    strategies: dict[tuple[int, int], set[int]] = {}
    for key_id, account_id, strategy_id in listed:
        strategies.setdefault((key_id, account_id), set()).add(strategy_id)
    return [
        AccountPermissionRow(
            api_key_id=row[0],
            account_id=row[1],
            status=row[2],
            grant=access.grant_from_row(row[3:], frozenset(strategies.get((row[0], row[1]), ()))),
        )
        for row in rows
    ]
