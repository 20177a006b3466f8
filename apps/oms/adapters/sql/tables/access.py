"""Who may do what: users, keys, passwords, tokens, permissions, and the log of what was done."""

from sqlalchemy import Column, Date, ForeignKey, Index, Table, UniqueConstraint

from oms.adapters.sql.tables.metadata import METADATA, absent, created, flag, needed, updated
from oms.adapters.sql.types import DEC, ID, TABLE_OPTIONS, TS, J, S, X

users = Table(
    "users",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    needed("name", S(128)),
    needed("role", S(32), "'trader'"),
    needed("status", S(32), "'active'"),
    created(),
    UniqueConstraint("name"),
    **TABLE_OPTIONS,
)

user_api_keys = Table(
    "user_api_keys",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    Column("user_id", ID, ForeignKey("users.id"), nullable=False),
    absent("label", S(128)),
    needed("api_key_hash", X(64)),
    needed("key_prefix", X(12), "''"),
    needed("status", S(32), "'active'"),
    absent("expires_at", TS()),
    absent("ip_allowlist", J),
    absent("max_order_notional", DEC()),
    absent("max_day_notional", DEC()),
    absent("last_used_at", TS()),
    absent("last_used_ip", X(45)),
    created(),
    UniqueConstraint("api_key_hash"),
    Index(None, "user_id"),
    **TABLE_OPTIONS,
)

user_password_credentials = Table(
    "user_password_credentials",
    METADATA,
    Column("user_id", ID, primary_key=True, autoincrement=False),
    needed("password_hash", S(255)),
    created(),
    updated(),
    **TABLE_OPTIONS,
)

auth_tokens = Table(
    "auth_tokens",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    needed("user_id", ID),
    needed("api_key_id", ID),
    needed("token_hash", X(64)),
    needed("status", S(32), "'active'"),
    absent("expires_at", TS()),
    absent("last_used_at", TS()),
    absent("last_used_ip", X(45)),
    created(),
    UniqueConstraint("token_hash"),
    Index(None, "api_key_id"),
    Index(None, "user_id"),
    Index(None, "expires_at"),
    **TABLE_OPTIONS,
)

login_attempts = Table(
    "login_attempts",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    needed("user_name", S(128)),
    needed("ip", X(45)),
    flag("ok"),
    created(),
    Index("ix_login_attempts_user_name", "user_name", "created_at"),
    Index("ix_login_attempts_ip", "ip", "created_at"),
    Index(None, "created_at"),
    **TABLE_OPTIONS,
)

user_account_permissions = Table(
    "user_account_permissions",
    METADATA,
    Column("user_id", ID, primary_key=True, autoincrement=False),
    Column("account_id", ID, primary_key=True, autoincrement=False),
    flag("can_read", True),
    flag("can_trade", False),
    flag("can_risk_manage", False),
    created(),
    **TABLE_OPTIONS,
)

api_key_account_permissions = Table(
    "api_key_account_permissions",
    METADATA,
    Column("api_key_id", ID, ForeignKey("user_api_keys.id"), primary_key=True, autoincrement=False),
    Column("account_id", ID, ForeignKey("accounts.id"), primary_key=True, autoincrement=False),
    flag("can_read", True),
    flag("can_trade", False),
    flag("can_close_position", False),
    flag("can_risk_manage", False),
    flag("can_block_new_positions", False),
    flag("can_block_account", False),
    flag("restrict_to_strategies", False),
    needed("status", S(32), "'active'"),
    created(),
    updated(),
    Index(None, "account_id"),
    **TABLE_OPTIONS,
)

api_key_strategy_permissions = Table(
    "api_key_strategy_permissions",
    METADATA,
    Column("api_key_id", ID, primary_key=True, autoincrement=False),
    Column("account_id", ID, primary_key=True, autoincrement=False),
    Column("strategy_id", ID, primary_key=True, autoincrement=False),
    flag("can_read", True),
    flag("can_trade", True),
    needed("status", S(32), "'active'"),
    created(),
    **TABLE_OPTIONS,
)

api_key_usage = Table(
    "api_key_usage",
    METADATA,
    Column("api_key_id", ID, primary_key=True, autoincrement=False),
    Column("account_id", ID, primary_key=True, autoincrement=False),
    Column("day", Date(), primary_key=True),
    needed("notional", DEC(), "'0'"),
    **TABLE_OPTIONS,
)

audit_log = Table(
    "audit_log",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    absent("account_id", ID),
    needed("actor", S(128)),
    absent("actor_user_id", ID),
    absent("actor_api_key_id", ID),
    absent("actor_role", S(32)),
    absent("actor_ip", X(45)),
    needed("action", S(64)),
    needed("entity", S(64)),
    needed("entity_id", S(64)),
    absent("before_json", J),
    absent("after_json", J),
    absent("comment", S(255)),
    absent("request_id", X(128)),
    absent("prev_hash", X(64)),
    absent("hash", X(64)),
    created(),
    absent("chain_no", ID),
    Index("ux_audit_log_chain_no", "chain_no", unique=True),
    Index("ix_audit_log_created_at", "created_at"),
    Index("ix_audit_log_account_id", "account_id", "id"),
    Index("ix_audit_log_actor_user_id", "actor_user_id", "id"),
    Index("ix_audit_log_entity", "entity", "entity_id"),
    **TABLE_OPTIONS,
)

audit_chain = Table(
    "audit_chain",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    needed("length", ID),
    needed("hash", X(64)),
    **TABLE_OPTIONS,
)
