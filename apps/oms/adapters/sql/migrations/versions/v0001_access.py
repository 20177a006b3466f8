"""Users, keys, permissions and the audit log."""

from alembic import op
from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Make the tables."""
    _users()
    _user_api_keys()
    _user_account_permissions()
    _api_key_strategy_permissions()
    _audit_log()


def _users() -> None:
    op.create_table(
        "users",
        Column("id", BigIntId, autoincrement=False, nullable=False),
        Column("name", ShortText(128), nullable=False),
        Column("role", ShortText(32), server_default=text("'trader'"), nullable=False),
        Column("status", ShortText(32), server_default=text("'active'"), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("name", name="uq_users_name"),
        **TABLE_OPTIONS,
    )


def _user_api_keys() -> None:
    op.create_table(
        "user_api_keys",
        Column("id", BigIntId, autoincrement=False, nullable=False),
        Column("user_id", BigIntId, nullable=False),
        Column("label", ShortText(128), nullable=True),
        Column("api_key_hash", ExactText(64), nullable=False),
        Column("key_prefix", ExactText(12), server_default=text("''"), nullable=False),
        Column("status", ShortText(32), server_default=text("'active'"), nullable=False),
        Column("expires_at", TimestampType(), nullable=True),
        Column("ip_allowlist", JsonText, nullable=True),
        Column("max_order_notional", DecimalType(), nullable=True),
        Column("max_day_notional", DecimalType(), nullable=True),
        Column("last_used_at", TimestampType(), nullable=True),
        Column("last_used_ip", ExactText(45), nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_api_keys_user_id"),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("api_key_hash", name="uq_user_api_keys_api_key_hash"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_user_api_keys_user_id", "user_api_keys", ["user_id"])


def _user_account_permissions() -> None:
    op.create_table(
        "user_account_permissions",
        Column("user_id", BigIntId, autoincrement=False, nullable=False),
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("can_read", Boolean(), server_default=text("1"), nullable=False),
        Column("can_trade", Boolean(), server_default=text("0"), nullable=False),
        Column("can_risk_manage", Boolean(), server_default=text("0"), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("user_id", "account_id"),
        **TABLE_OPTIONS,
    )


def _api_key_strategy_permissions() -> None:
    op.create_table(
        "api_key_strategy_permissions",
        Column("api_key_id", BigIntId, autoincrement=False, nullable=False),
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("strategy_id", BigIntId, autoincrement=False, nullable=False),
        Column("can_read", Boolean(), server_default=text("1"), nullable=False),
        Column("can_trade", Boolean(), server_default=text("1"), nullable=False),
        Column("status", ShortText(32), server_default=text("'active'"), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("api_key_id", "account_id", "strategy_id"),
        **TABLE_OPTIONS,
    )


def _audit_log() -> None:
    op.create_table(
        "audit_log",
        Column("id", BigIntId, autoincrement=False, nullable=False),
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
        PrimaryKeyConstraint("id"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_audit_log_account_id", "audit_log", ["account_id", "id"])
    op.create_index("ix_audit_log_actor_user_id", "audit_log", ["actor_user_id", "id"])
    op.create_index("ix_audit_log_entity", "audit_log", ["entity", "entity_id"])
