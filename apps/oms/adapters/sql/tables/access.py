"""Users, API keys, passwords, tokens, permissions and the audit log."""

from sqlalchemy import Column, Date, ForeignKey, Index, Table, UniqueConstraint

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)
from oms.adapters.sql.tables.metadata import (
    METADATA,
    boolean_column,
    created_at_column,
    nullable_column,
    required_column,
    updated_at_column,
)

users = Table(
    "users",
    METADATA,
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    required_column("name", ShortText(128)),
    required_column("role", ShortText(32), "'trader'"),
    required_column("status", ShortText(32), "'active'"),
    created_at_column(),
    UniqueConstraint("name"),
    **TABLE_OPTIONS,
)

user_api_keys = Table(
    "user_api_keys",
    METADATA,
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    Column("user_id", BigIntId, ForeignKey("users.id"), nullable=False),
    nullable_column("label", ShortText(128)),
    required_column("api_key_hash", ExactText(64)),
    required_column("key_prefix", ExactText(12), "''"),
    required_column("status", ShortText(32), "'active'"),
    nullable_column("expires_at", TimestampType()),
    nullable_column("ip_allowlist", JsonText),
    nullable_column("max_order_notional", DecimalType()),
    nullable_column("max_day_notional", DecimalType()),
    nullable_column("last_used_at", TimestampType()),
    nullable_column("last_used_ip", ExactText(45)),
    created_at_column(),
    UniqueConstraint("api_key_hash"),
    Index(None, "user_id"),
    **TABLE_OPTIONS,
)

user_password_credentials = Table(
    "user_password_credentials",
    METADATA,
    Column("user_id", BigIntId, primary_key=True, autoincrement=False),
    required_column("password_hash", ShortText(255)),
    created_at_column(),
    updated_at_column(),
    **TABLE_OPTIONS,
)

auth_tokens = Table(
    "auth_tokens",
    METADATA,
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    required_column("user_id", BigIntId),
    required_column("api_key_id", BigIntId),
    required_column("token_hash", ExactText(64)),
    required_column("status", ShortText(32), "'active'"),
    nullable_column("expires_at", TimestampType()),
    nullable_column("last_used_at", TimestampType()),
    nullable_column("last_used_ip", ExactText(45)),
    created_at_column(),
    UniqueConstraint("token_hash"),
    Index(None, "api_key_id"),
    Index(None, "user_id"),
    Index(None, "expires_at"),
    **TABLE_OPTIONS,
)

login_attempts = Table(
    "login_attempts",
    METADATA,
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    required_column("user_name", ShortText(128)),
    required_column("ip", ExactText(45)),
    boolean_column("ok"),
    created_at_column(),
    Index("ix_login_attempts_user_name", "user_name", "created_at"),
    Index("ix_login_attempts_ip", "ip", "created_at"),
    Index(None, "created_at"),
    **TABLE_OPTIONS,
)

user_account_permissions = Table(
    "user_account_permissions",
    METADATA,
    Column("user_id", BigIntId, primary_key=True, autoincrement=False),
    Column("account_id", BigIntId, primary_key=True, autoincrement=False),
    boolean_column("can_read", True),
    boolean_column("can_trade", False),
    boolean_column("can_risk_manage", False),
    created_at_column(),
    **TABLE_OPTIONS,
)

api_key_account_permissions = Table(
    "api_key_account_permissions",
    METADATA,
    Column(
        "api_key_id",
        BigIntId,
        ForeignKey("user_api_keys.id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column(
        "account_id", BigIntId, ForeignKey("accounts.id"), primary_key=True, autoincrement=False
    ),
    boolean_column("can_read", True),
    boolean_column("can_trade", False),
    boolean_column("can_close_position", False),
    boolean_column("can_risk_manage", False),
    boolean_column("can_block_new_positions", False),
    boolean_column("can_block_account", False),
    boolean_column("restrict_to_strategies", False),
    required_column("status", ShortText(32), "'active'"),
    created_at_column(),
    updated_at_column(),
    Index(None, "account_id"),
    **TABLE_OPTIONS,
)

api_key_strategy_permissions = Table(
    "api_key_strategy_permissions",
    METADATA,
    Column("api_key_id", BigIntId, primary_key=True, autoincrement=False),
    Column("account_id", BigIntId, primary_key=True, autoincrement=False),
    Column("strategy_id", BigIntId, primary_key=True, autoincrement=False),
    boolean_column("can_read", True),
    boolean_column("can_trade", True),
    required_column("status", ShortText(32), "'active'"),
    created_at_column(),
    **TABLE_OPTIONS,
)

api_key_usage = Table(
    "api_key_usage",
    METADATA,
    Column("api_key_id", BigIntId, primary_key=True, autoincrement=False),
    Column("account_id", BigIntId, primary_key=True, autoincrement=False),
    Column("day", Date(), primary_key=True),
    required_column("notional", DecimalType(), "'0'"),
    **TABLE_OPTIONS,
)

audit_log = Table(
    "audit_log",
    METADATA,
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    nullable_column("account_id", BigIntId),
    required_column("actor", ShortText(128)),
    nullable_column("actor_user_id", BigIntId),
    nullable_column("actor_api_key_id", BigIntId),
    nullable_column("actor_role", ShortText(32)),
    nullable_column("actor_ip", ExactText(45)),
    required_column("action", ShortText(64)),
    required_column("entity", ShortText(64)),
    required_column("entity_id", ShortText(64)),
    nullable_column("before_json", JsonText),
    nullable_column("after_json", JsonText),
    nullable_column("comment", ShortText(255)),
    nullable_column("request_id", ExactText(128)),
    nullable_column("prev_hash", ExactText(64)),
    nullable_column("hash", ExactText(64)),
    created_at_column(),
    nullable_column("chain_no", BigIntId),
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
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    required_column("length", BigIntId),
    required_column("hash", ExactText(64)),
    **TABLE_OPTIONS,
)

command_chain = Table(
    "command_chain",
    METADATA,
    Column("chain_no", BigIntId, primary_key=True, autoincrement=False),
    required_column("command_id", BigIntId),
    required_column("status", ShortText(32)),
    required_column("digest", ExactText(64)),
    required_column("hash", ExactText(64)),
    boolean_column("is_open"),
    Index("ix_command_chain_command_id", "command_id"),
    Index("ix_command_chain_open", "is_open", "chain_no"),
    **TABLE_OPTIONS,
)
