"""Accounts and the keys' rights to them, strategies, leases, workers, id blocks."""

from alembic import op
from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    _accounts()
    _api_key_account_permissions()
    _strategies()
    _strategy_accounts()
    _account_risk_state()
    _account_strategy_risk_state()
    _account_leases()
    _workers()
    _id_blocks()
    _seed()


def _accounts() -> None:
    op.create_table(
        "accounts",
        Column("id", BigIntId, autoincrement=False, nullable=False),
        Column("exchange_id", ShortText(64), nullable=False),
        Column("is_testnet", Boolean(), server_default=text("0"), nullable=False),
        Column("label", ShortText(128), nullable=False),
        Column("position_mode", ShortText(16), server_default=text("'hedge'"), nullable=False),
        Column("extra_config_json", JsonText, nullable=True),
        Column("reconcile_enabled", Boolean(), server_default=text("1"), nullable=False),
        Column("reconcile_short_interval_seconds", Integer(), nullable=True),
        Column("reconcile_short_lookback_seconds", Integer(), nullable=True),
        Column("reconcile_hourly_interval_seconds", Integer(), nullable=True),
        Column("reconcile_hourly_lookback_seconds", Integer(), nullable=True),
        Column("reconcile_long_interval_seconds", Integer(), nullable=True),
        Column("reconcile_long_lookback_seconds", Integer(), nullable=True),
        Column("dispatcher_worker_hint", Integer(), nullable=True),
        Column("dispatcher_hint_updated_at", TimestampType(), nullable=True),
        Column("raw_storage_mode", ShortText(16), server_default=text("'shared'"), nullable=False),
        Column("pool_id", Integer(), server_default=text("0"), nullable=False),
        Column("status", ShortText(32), server_default=text("'active'"), nullable=False),
        Column("trader_name", ShortText(128), nullable=True),
        Column("quarantine", ShortText(64), nullable=True),
        Column("environment", ShortText(16), nullable=False),
        Column("live_enabled", Boolean(), server_default=text("0"), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("id"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_accounts_status", "accounts", ["status"])


def _api_key_account_permissions() -> None:
    op.create_table(
        "api_key_account_permissions",
        Column("api_key_id", BigIntId, autoincrement=False, nullable=False),
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("can_read", Boolean(), server_default=text("1"), nullable=False),
        Column("can_trade", Boolean(), server_default=text("0"), nullable=False),
        Column("can_close_position", Boolean(), server_default=text("0"), nullable=False),
        Column("can_risk_manage", Boolean(), server_default=text("0"), nullable=False),
        Column("can_block_new_positions", Boolean(), server_default=text("0"), nullable=False),
        Column("can_block_account", Boolean(), server_default=text("0"), nullable=False),
        Column("restrict_to_strategies", Boolean(), server_default=text("0"), nullable=False),
        Column("status", ShortText(32), server_default=text("'active'"), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_api_key_account_permissions_account_id"
        ),
        ForeignKeyConstraint(
            ["api_key_id"], ["user_api_keys.id"], name="fk_api_key_account_permissions_api_key_id"
        ),
        PrimaryKeyConstraint("api_key_id", "account_id"),
        **TABLE_OPTIONS,
    )
    op.create_index(
        "ix_api_key_account_permissions_account_id", "api_key_account_permissions", ["account_id"]
    )


def _strategies() -> None:
    op.create_table(
        "strategies",
        Column("id", BigIntId, autoincrement=False, nullable=False),
        Column("client_strategy_id", BigIntId, nullable=True),
        Column("name", ShortText(128), nullable=False),
        Column("status", ShortText(32), server_default=text("'active'"), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("name", name="uq_strategies_name"),
        **TABLE_OPTIONS,
    )


def _strategy_accounts() -> None:
    op.create_table(
        "strategy_accounts",
        Column("strategy_id", BigIntId, autoincrement=False, nullable=False),
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("status", ShortText(32), server_default=text("'active'"), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("strategy_id", "account_id"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_strategy_accounts_account_id", "strategy_accounts", ["account_id"])


def _account_risk_state() -> None:
    op.create_table(
        "account_risk_state",
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("allow_new_positions", Boolean(), server_default=text("1"), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("account_id"),
        **TABLE_OPTIONS,
    )


def _account_strategy_risk_state() -> None:
    op.create_table(
        "account_strategy_risk_state",
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("strategy_id", BigIntId, autoincrement=False, nullable=False),
        Column("allow_new_positions", Boolean(), server_default=text("1"), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("account_id", "strategy_id"),
        **TABLE_OPTIONS,
    )


def _account_leases() -> None:
    op.create_table(
        "account_leases",
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("owner", ShortText(64), server_default=text("''"), nullable=False),
        Column("token", BigIntId, server_default=text("0"), nullable=False),
        Column("expires_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("account_id"),
        **TABLE_OPTIONS,
    )


def _workers() -> None:
    op.create_table(
        "workers",
        Column("worker_id", ShortText(64), nullable=False),
        Column("host", ShortText(128), nullable=False),
        Column("heartbeat_at", TimestampType(), nullable=False),
        Column("status_json", JsonText, nullable=False),
        PrimaryKeyConstraint("worker_id"),
        **TABLE_OPTIONS,
    )


def _id_blocks() -> None:
    op.create_table(
        "id_blocks",
        Column("name", ShortText(64), nullable=False),
        Column("next_id", BigIntId, nullable=False),
        Column("block", Integer(), server_default=text("(100)"), nullable=False),
        PrimaryKeyConstraint("name"),
        **TABLE_OPTIONS,
    )


def _seed() -> None:
    # Row 0 is the right to the chores; it is free from the beginning.
    long_ago = (
        "1970-01-01T00:00:00.000000Z"
        if op.get_bind().dialect.name == "sqlite"
        else "1970-01-01 00:00:00"
    )
    op.execute(
        "INSERT INTO account_leases (account_id, owner, token, expires_at)"
        f" VALUES (0, '', 0, '{long_ago}')"
    )
    for kind in (
        "account",
        "audit",
        "command",
        "deal",
        "event",
        "key",
        "order",
        "position",
        "user",
    ):
        op.execute(f"INSERT INTO id_blocks (name, next_id, block) VALUES ('{kind}', 1, 100)")
