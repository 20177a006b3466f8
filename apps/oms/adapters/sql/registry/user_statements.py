"""Statements on users, keys and tokens, executed in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.rows import access
from oms.adapters.sql.rows.users import (
    KEY_JOINED,
    KEY_SELECTED,
    USER_SELECTED,
    grant_audit_json,
    key_audit_json,
    key_from_row,
    restrictions_to_row,
    user_from_row,
)
from oms.domain.access import Grant
from oms.domain.errors import Conflict, Forbidden, Invalid, LimitReached, NotFound
from oms.domain.login_lockout import lockout_address
from oms.ports.admin.user_admin import AccountPermission, ApiKeyRow, NewApiKey
from oms.ports.audit_log import AuditContext
from oms.ports.registry import AuditEntry, UserRow
from oms.wire.json import dumps, optional_time_text

NAME_CHARACTERS_MAX = 128
NEW_KEY_AGE = timedelta(days=1)
"""How long a disabled key counts against the limit of its user."""

_KEY = BulkInsert(
    table="user_api_keys",
    columns=(
        *("id", "user_id", "label", "api_key_hash", "key_prefix", "status"),
        *("expires_at", "ip_allowlist", "max_order_notional", "max_day_notional", "created_at"),
    ),
)
_ATTEMPT = BulkInsert(table="login_attempts", columns=("id", "user_name", "ip", "ok", "created_at"))
_PASSWORD = BulkInsert(
    table="user_password_credentials",
    columns=("user_id", "password_hash", "created_at", "updated_at"),
    key=("user_id",),
    update_columns=("password_hash", "updated_at"),
)


async def lock_user(session: Session, user_id: int) -> UserRow:
    """Lock and return the user's row. Raises ``NotFound``."""
    dialect = session.dialect
    text = f"SELECT {USER_SELECTED} FROM users WHERE id = {dialect.param}{dialect.for_update}"
    for row in await session.fetch(text, (user_id,)):
        return user_from_row(row, dialect)
    raise NotFound(f"user_id={user_id}", code="user_not_found")


async def lock_key(session: Session, key_id: int) -> ApiKeyRow:
    """Lock and return the key's row. Raises ``NotFound``."""
    dialect = session.dialect
    text = (
        f"SELECT {KEY_SELECTED} FROM {KEY_JOINED} WHERE k.id = {dialect.param}{dialect.for_update}"
    )
    for row in await session.fetch(text, (key_id,)):
        return key_from_row(row, dialect)
    raise NotFound(f"api_key_id={key_id}")


async def require_other_admin(session: Session, user_id: int) -> None:
    """Lock the active admins. Raises ``Conflict`` if there is no other than ``user_id``."""
    text = "SELECT id FROM users WHERE role = 'admin' AND status = 'active' ORDER BY id"
    rows = await session.fetch(text + session.dialect.for_update)
    if all(row[0] == user_id for row in rows):
        raise Conflict("the last active admin stays an active admin")


async def require_room_for_key(
    session: Session, user_id: int, keys_max: int, now: datetime
) -> None:
    """Check the number of the user's keys that are active or new. Raises ``LimitReached``."""
    dialect = session.dialect
    rows = await session.fetch(
        f"SELECT COUNT(*) FROM user_api_keys WHERE user_id = {dialect.param}"
        f" AND (status = 'active' OR created_at > {dialect.param})",
        (user_id, dialect.encode_time(now - NEW_KEY_AGE)),
    )
    count = int(rows[0][0])
    if count >= keys_max:
        raise LimitReached(
            f"a user has at most {keys_max} API keys that are active or were created within a day",
            reason="keys_per_user",
            limit=keys_max,
            value=count + 1,
            set_by="keys_per_user_max",
        )


def require_own_disabling(key: ApiKeyRow, status: str) -> None:
    """Check that the owner enables no key that another user disabled. Raises ``Forbidden``."""
    is_enabled = status == "active" and key.status != "active"
    if is_enabled and key.disabled_by_user_id != key.user_id:
        message = f"API key {key.id} was not disabled by its owner: an admin may enable it again"
        raise Forbidden(message, code="admin_required")


async def store_disabler(
    session: Session, key: ApiKeyRow, status: str, audit_context: AuditContext
) -> None:
    """Store who disabled a key; the owner does not take the place of an admin who did before."""
    is_repeated = status != "active" and key.status != "active"
    if is_repeated and audit_context.user_id == key.user_id:
        return
    is_active = status == "active"
    param = session.dialect.param
    await session.execute(
        f"UPDATE user_api_keys SET disabled_by = {param}, disabled_by_user_id = {param}"
        f" WHERE id = {param}",
        (
            None if is_active else audit_context.actor,
            None if is_active else audit_context.user_id,
            key.id,
        ),
    )


async def insert_key(
    session: Session, key_id: int, user_id: int, key: NewApiKey, audit_context: AuditContext
) -> AuditEntry:
    """Insert a key without permissions; returns its audit entry."""
    dialect = session.dialect
    held = restrictions_to_row(key.restrictions, dialect)
    await _KEY(
        session,
        [
            (
                *(key_id, user_id, key.label, key.hash, key.prefix, "active"),
                *held,
                dialect.encode_time(audit_context.at),
            )
        ],
    )
    after = key_audit_json(
        key.label, "active", key.restrictions, user_id=user_id, key_prefix=key.prefix
    )
    return audit_context.entry("create_api_key", "api_key", key_id, after=after)


async def replace_permission(
    session: Session, key_id: int, permission: AccountPermission, audit_context: AuditContext
) -> AuditEntry:
    """Replace a permission and its strategy list; returns the audit entry.

    Raises ``NotFound``, ``Invalid``.
    """
    dialect, account_id = session.dialect, permission.account_id
    param = dialect.param
    if not await session.fetch(f"SELECT id FROM accounts WHERE id = {param}", (account_id,)):
        raise NotFound(f"account_id={account_id}", code="account_not_found")
    strategy_ids = sorted(permission.grant.strategy_ids)
    await _require_strategies(session, strategy_ids)
    before = await _grant(session, key_id, account_id)
    values = access.grant_to_row(key_id, account_id, permission.grant, audit_context.at, dialect)
    await access.UPSERT_GRANT(session, [values])
    await session.execute(
        "DELETE FROM api_key_strategy_permissions"
        f" WHERE api_key_id = {param} AND account_id = {param}",
        (key_id, account_id),
    )
    at = dialect.encode_time(audit_context.at)
    await access.INSERT_STRATEGY_GRANT(session, [(key_id, account_id, i, at) for i in strategy_ids])
    return audit_context.entry(
        "set_permission",
        "api_key",
        key_id,
        before=grant_audit_json(before),
        after=grant_audit_json(permission.grant),
        account_id=account_id,
    )


async def store_password(session: Session, user_id: int, stored: str, now: datetime) -> None:
    """Store the hash of a user's password."""
    at = session.dialect.encode_time(now)
    await _PASSWORD(session, [(user_id, stored, at, at)])


async def revoke_user_tokens(session: Session, user_id: int, keep_token_id: int | None) -> int:
    """Revoke all tokens of a user but ``keep_token_id``; returns the number."""
    param = session.dialect.param
    return await session.execute(
        f"UPDATE auth_tokens SET status = 'revoked' WHERE user_id = {param}"
        f" AND status = 'active' AND id <> {param}",
        (user_id, keep_token_id or 0),
    )


async def revoke_key_tokens(session: Session, key_id: int) -> None:
    """Revoke all tokens of a key."""
    param = session.dialect.param
    await session.execute(
        "UPDATE auth_tokens SET status = 'revoked'"
        f" WHERE api_key_id = {param} AND status = 'active'",
        (key_id,),
    )


async def insert_attempt(
    session: Session, attempt_id: int, user_name: str, audit_context: AuditContext, *, ok: bool
) -> None:
    """Insert a login attempt of a name from the caller's address."""
    at = session.dialect.encode_time(audit_context.at)
    address = lockout_address(audit_context.ip or "")
    await _ATTEMPT(session, [(attempt_id, user_name[:NAME_CHARACTERS_MAX], address, ok, at)])


def token_audit_json(
    token_id: int | None, kind: str, mode: str, expires_at: datetime | None
) -> str:
    """Return the audit JSON of a login token or session, without its text and hash."""
    content = {"token_id": token_id, "kind": kind, "mode": mode}
    return dumps(content | {"expires_at": optional_time_text(expires_at)})


async def _require_strategies(session: Session, strategy_ids: Sequence[int]) -> None:
    if not strategy_ids:
        return
    params = session.dialect.params(len(strategy_ids))
    text = f"SELECT id FROM strategies WHERE id IN ({params})"
    known = {row[0] for row in await session.fetch(text, tuple(strategy_ids))}
    for strategy_id in strategy_ids:
        if strategy_id and strategy_id not in known:
            message = f"there is no strategy {strategy_id}"
            raise Invalid(message, code="invalid_strategy_id")


async def _grant(session: Session, key_id: int, account_id: int) -> Grant | None:
    param = session.dialect.param
    named: tuple[Any, ...] = (key_id, account_id)
    rows = await session.fetch(
        f"SELECT {', '.join(access.PERMISSION_FLAGS)} FROM api_key_account_permissions"
        f" WHERE api_key_id = {param} AND account_id = {param} AND status = 'active'",
        named,
    )
    strategy_ids = await session.fetch(
        "SELECT strategy_id FROM api_key_strategy_permissions"
        f" WHERE api_key_id = {param} AND account_id = {param} AND status = 'active'",
        named,
    )
    return (
        access.grant_from_row(rows[0], frozenset(row[0] for row in strategy_ids)) if rows else None
    )
