"""Rows of users, keys, permissions and the audit log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.statement_batch import Values
from oms.domain.access import TEMPLATE_FLAGS, Grant, template_grant
from oms.ports.registry import AuditEntry

#: Permission columns of a key on an account; also fields of ``Grant``.
PERMISSION_FLAGS = (
    "can_read",
    "can_trade",
    "can_close_position",
    "can_risk_manage",
    "can_block_new_positions",
    "can_block_account",
    "restrict_to_strategies",
)

INSERT_USER = BulkInsert(
    table="users", columns=("id", "name", "role", "status", "created_at", "name_key")
)
INSERT_KEY = BulkInsert(
    table="user_api_keys",
    columns=(
        "id",
        "user_id",
        "label",
        "api_key_hash",
        "key_prefix",
        "status",
        "expires_at",
        "created_at",
    ),
)
UPSERT_TEMPLATE = BulkInsert(
    table="user_account_permissions",
    columns=("user_id", "account_id", *TEMPLATE_FLAGS, "created_at"),
    key=("user_id", "account_id"),
    update_columns=TEMPLATE_FLAGS,
)
UPSERT_GRANT = BulkInsert(
    table="api_key_account_permissions",
    columns=("api_key_id", "account_id", *PERMISSION_FLAGS, "status", "created_at", "updated_at"),
    key=("api_key_id", "account_id"),
    update_columns=(*PERMISSION_FLAGS, "status", "updated_at"),
)
INSERT_STRATEGY_GRANT = BulkInsert(
    table="api_key_strategy_permissions",
    columns=("api_key_id", "account_id", "strategy_id", "created_at"),
)
INSERT_AUDIT = BulkInsert(
    table="audit_log",
    columns=(
        "id",
        "account_id",
        "actor",
        "actor_user_id",
        "actor_api_key_id",
        "actor_role",
        "actor_ip",
        "action",
        "entity",
        "entity_id",
        "before_json",
        "after_json",
        "comment",
        "request_id",
        "created_at",
    ),
)


def grant_from_row(flags: Sequence[Any], strategy_ids: frozenset[int]) -> Grant:
    """Return the grant of a row of ``PERMISSION_FLAGS``."""
    return Grant(
        **{name: bool(value) for name, value in zip(PERMISSION_FLAGS, flags, strict=True)},
        strategy_ids=strategy_ids,
    )


def grant_from_template(flags: Sequence[Any]) -> Grant:
    """Return the grant of a new key from a row of ``TEMPLATE_FLAGS``."""
    named = {name: bool(flag) for name, flag in zip(TEMPLATE_FLAGS, flags, strict=True)}
    return template_grant(**named)


def grant_to_row(
    key_id: int, account_id: int, grant: Grant, now: datetime, dialect: Dialect
) -> Values:
    """Return the values of ``UPSERT_GRANT``."""
    at = dialect.encode_time(now)
    flags = (getattr(grant, name) for name in PERMISSION_FLAGS)
    return (key_id, account_id, *flags, "active", at, at)


def audit_to_row(
    audit_id: int, entry: AuditEntry, made: int, now: datetime, dialect: Dialect
) -> Values:
    """Return the values of ``INSERT_AUDIT``; ``made`` is the entity id if the entry has none."""
    return (
        audit_id,
        entry.account_id,
        entry.actor,
        entry.actor_user_id,
        entry.actor_api_key_id,
        entry.actor_role,
        entry.actor_ip,
        entry.action,
        entry.entity,
        entry.entity_id or str(made),
        entry.before,
        entry.after,
        entry.comment,
        entry.request_id,
        dialect.encode_time(now),
    )
