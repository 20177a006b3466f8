"""Users, API keys, passwords, tokens, permissions and the audit log."""

from alembic import op
from sqlalchemy import Boolean, Column, Date, ForeignKey, UniqueConstraint, text

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)


def create_tables() -> None:
    """Create the tables with their indexes."""
    _users()
    _user_api_keys()
    _user_password_credentials()
    _auth_tokens()
    _login_attempts()
    _user_account_permissions()
    _api_key_account_permissions()
    _api_key_strategy_permissions()
    _api_key_usage()
    _audit_log()
    _audit_chain()


def _users() -> None:
    op.create_table(
        "users",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("name", ShortText(128), nullable=False),
        Column("role", ShortText(32), nullable=False, server_default=text("'trader'")),
        Column("status", ShortText(32), nullable=False, server_default=text("'active'")),
        Column("created_at", TimestampType(), nullable=False),
        UniqueConstraint("name", name="uq_users_name"),
        **TABLE_OPTIONS,
    )


def _user_api_keys() -> None:
    op.create_table(
        "user_api_keys",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column(
            "user_id",
            BigIntId,
            ForeignKey("users.id", name="fk_user_api_keys_user_id"),
            nullable=False,
        ),
        Column("label", ShortText(128), nullable=True),
        Column("api_key_hash", ExactText(64), nullable=False),
        Column("key_prefix", ExactText(12), nullable=False, server_default=text("''")),
        Column("status", ShortText(32), nullable=False, server_default=text("'active'")),
        Column("expires_at", TimestampType(), nullable=True),
        Column("ip_allowlist", JsonText, nullable=True),
        Column("max_order_notional", DecimalType(), nullable=True),
        Column("max_day_notional", DecimalType(), nullable=True),
        Column("last_used_at", TimestampType(), nullable=True),
        Column("last_used_ip", ExactText(45), nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        UniqueConstraint("api_key_hash", name="uq_user_api_keys_api_key_hash"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_user_api_keys_user_id", "user_api_keys", ["user_id"])


def _user_password_credentials() -> None:
    op.create_table(
        "user_password_credentials",
        Column("user_id", BigIntId, primary_key=True, autoincrement=False),
        Column("password_hash", ShortText(255), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )


def _auth_tokens() -> None:
    op.create_table(
        "auth_tokens",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("user_id", BigIntId, nullable=False),
        Column("api_key_id", BigIntId, nullable=False),
        Column("token_hash", ExactText(64), nullable=False),
        Column("status", ShortText(32), nullable=False, server_default=text("'active'")),
        Column("expires_at", TimestampType(), nullable=True),
        Column("last_used_at", TimestampType(), nullable=True),
        Column("last_used_ip", ExactText(45), nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        UniqueConstraint("token_hash", name="uq_auth_tokens_token_hash"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_auth_tokens_api_key_id", "auth_tokens", ["api_key_id"])
    op.create_index("ix_auth_tokens_expires_at", "auth_tokens", ["expires_at"])
    op.create_index("ix_auth_tokens_user_id", "auth_tokens", ["user_id"])


def _login_attempts() -> None:
    op.create_table(
        "login_attempts",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("user_name", ShortText(128), nullable=False),
        Column("ip", ExactText(45), nullable=False),
        Column("ok", Boolean(), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_login_attempts_created_at", "login_attempts", ["created_at"])
    op.create_index("ix_login_attempts_ip", "login_attempts", ["ip", "created_at"])
    op.create_index("ix_login_attempts_user_name", "login_attempts", ["user_name", "created_at"])


def _user_account_permissions() -> None:
    op.create_table(
        "user_account_permissions",
        Column("user_id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("can_read", Boolean(), nullable=False, server_default=text("1")),
        Column("can_trade", Boolean(), nullable=False, server_default=text("0")),
        Column("can_risk_manage", Boolean(), nullable=False, server_default=text("0")),
        Column("created_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )


def _api_key_account_permissions() -> None:
    op.create_table(
        "api_key_account_permissions",
        Column(
            "api_key_id",
            BigIntId,
            ForeignKey("user_api_keys.id", name="fk_api_key_account_permissions_api_key_id"),
            primary_key=True,
            autoincrement=False,
        ),
        Column(
            "account_id",
            BigIntId,
            ForeignKey("accounts.id", name="fk_api_key_account_permissions_account_id"),
            primary_key=True,
            autoincrement=False,
        ),
        Column("can_read", Boolean(), nullable=False, server_default=text("1")),
        Column("can_trade", Boolean(), nullable=False, server_default=text("0")),
        Column("can_close_position", Boolean(), nullable=False, server_default=text("0")),
        Column("can_risk_manage", Boolean(), nullable=False, server_default=text("0")),
        Column("can_block_new_positions", Boolean(), nullable=False, server_default=text("0")),
        Column("can_block_account", Boolean(), nullable=False, server_default=text("0")),
        Column("restrict_to_strategies", Boolean(), nullable=False, server_default=text("0")),
        Column("status", ShortText(32), nullable=False, server_default=text("'active'")),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index(
        "ix_api_key_account_permissions_account_id", "api_key_account_permissions", ["account_id"]
    )


def _api_key_strategy_permissions() -> None:
    op.create_table(
        "api_key_strategy_permissions",
        Column("api_key_id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("strategy_id", BigIntId, primary_key=True, autoincrement=False),
        Column("can_read", Boolean(), nullable=False, server_default=text("1")),
        Column("can_trade", Boolean(), nullable=False, server_default=text("1")),
        Column("status", ShortText(32), nullable=False, server_default=text("'active'")),
        Column("created_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )


def _api_key_usage() -> None:
    op.create_table(
        "api_key_usage",
        Column("api_key_id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("day", Date(), primary_key=True),
        Column("notional", DecimalType(), nullable=False, server_default=text("'0'")),
        **TABLE_OPTIONS,
    )


def _audit_log() -> None:
    op.create_table(
        "audit_log",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=True),
        Column("actor", ShortText(128), nullable=False),
        Column("actor_user_id", BigIntId, nullable=True),
        Column("actor_api_key_id", BigIntId, nullable=True),
        Column("actor_role", ShortText(32), nullable=True),
        Column("actor_ip", ExactText(45), nullable=True),
        Column("action", ShortText(64), nullable=False),
        Column("entity", ShortText(64), nullable=False),
        Column("entity_id", ShortText(64), nullable=False),
        Column("before_json", JsonText, nullable=True),
        Column("after_json", JsonText, nullable=True),
        Column("comment", ShortText(255), nullable=True),
        Column("request_id", ExactText(128), nullable=True),
        Column("prev_hash", ExactText(64), nullable=True),
        Column("hash", ExactText(64), nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        Column("chain_no", BigIntId, nullable=True),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_audit_log_account_id", "audit_log", ["account_id", "id"])
    op.create_index("ix_audit_log_actor_user_id", "audit_log", ["actor_user_id", "id"])
    op.create_index("ix_audit_log_created_at", "audit_log", ["created_at"])
    op.create_index("ix_audit_log_entity", "audit_log", ["entity", "entity_id"])
    op.create_index("ux_audit_log_chain_no", "audit_log", ["chain_no"], unique=True)


def _audit_chain() -> None:
    op.create_table(
        "audit_chain",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("length", BigIntId, nullable=False),
        Column("hash", ExactText(64), nullable=False),
        **TABLE_OPTIONS,
    )
