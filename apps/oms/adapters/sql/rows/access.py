"""Rows of users, keys, permissions and the audit log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.bulk import Insert
from oms.adapters.sql.dialect import Dialect
from oms.adapters.sql.script import Values
from oms.domain.access import Grant
from oms.ports.registry import AuditEntry

#: Flags of a key on an account, as columns and as fields of ``Grant``.
FLAGS = (
    "can_read",
    "can_trade",
    "can_close_position",
    "can_risk_manage",
    "can_block_new_positions",
    "can_block_account",
    "restrict_to_strategies",
)
#: Flags that later keys of a user are born with.
TEMPLATE_FLAGS = ("can_read", "can_trade", "can_risk_manage")

USER = Insert(table="users", columns=("id", "name", "role", "status", "created_at"))
KEY = Insert(
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
TEMPLATE = Insert(
    table="user_account_permissions",
    columns=("user_id", "account_id", *TEMPLATE_FLAGS, "created_at"),
    key=("user_id", "account_id"),
    changes=TEMPLATE_FLAGS,
)
GRANT = Insert(
    table="api_key_account_permissions",
    columns=("api_key_id", "account_id", *FLAGS, "status", "created_at", "updated_at"),
    key=("api_key_id", "account_id"),
    changes=(*FLAGS, "status", "updated_at"),
)
STRATEGY_GRANT = Insert(
    table="api_key_strategy_permissions",
    columns=("api_key_id", "account_id", "strategy_id", "created_at"),
)
AUDIT = Insert(
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


def grant_of(flags: Sequence[Any], strategy_ids: frozenset[int]) -> Grant:
    """The grant of a row's ``FLAGS``."""
    return Grant(
        **{name: bool(value) for name, value in zip(FLAGS, flags, strict=True)},
        strategy_ids=strategy_ids,
    )


def grant_of_template(flags: Sequence[Any]) -> Grant:
    """What a new key gets by a row's ``TEMPLATE_FLAGS``: who may trade may close, who manages risk
    may block."""
    can_read, can_trade, can_risk_manage = (bool(flag) for flag in flags)
    return Grant(
        can_read=can_read,
        can_trade=can_trade,
        can_close_position=can_trade,
        can_risk_manage=can_risk_manage,
        can_block_new_positions=can_risk_manage,
        can_block_account=can_risk_manage,
    )


def grant_values(
    key_id: int, account_id: int, grant: Grant, now: datetime, dialect: Dialect
) -> Values:
    """The values of ``GRANT``."""
    at = dialect.time_in(now)
    flags = (getattr(grant, name) for name in FLAGS)
    return (key_id, account_id, *flags, "active", at, at)


def audit_values(
    audit_id: int, entry: AuditEntry, made: int, now: datetime, dialect: Dialect
) -> Values:
    """The values of ``AUDIT``; an entry that names no entity is about what was ``made``."""
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
        dialect.time_in(now),
    )
