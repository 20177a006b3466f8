"""Accounts, credentials, strategies, risk flags, leases, workers, id blocks and kill switches."""

from alembic import op
from sqlalchemy import Boolean, Column, Integer, Text, UniqueConstraint, text

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)


def create_tables() -> None:
    """Create the tables with their indexes."""
    _account_credentials_encrypted()
    _account_leases()
    _account_risk_state()
    _account_strategy_risk_state()
    _accounts()
    _id_blocks()
    _installation()
    _kill_switches()
    _strategies()
    _strategy_accounts()
    _workers()


def _account_credentials_encrypted() -> None:
    op.create_table(
        "account_credentials_encrypted",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("api_key_enc", Text(), nullable=False),
        Column("secret_enc", Text(), nullable=False),
        Column("passphrase_enc", Text(), nullable=True),
        Column("key_id", ShortText(32), nullable=False),
        Column("fingerprint", ExactText(64), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        Column("exchange_owner", ShortText(64), nullable=True),
        **TABLE_OPTIONS,
    )


def _account_leases() -> None:
    op.create_table(
        "account_leases",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("owner", ShortText(64), nullable=False, server_default=text("''")),
        Column("token", BigIntId, nullable=False, server_default=text("0")),
        Column("expires_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )


def _account_risk_state() -> None:
    op.create_table(
        "account_risk_state",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("allow_new_positions", Boolean(), nullable=False, server_default=text("1")),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )


def _account_strategy_risk_state() -> None:
    op.create_table(
        "account_strategy_risk_state",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("strategy_id", BigIntId, primary_key=True, autoincrement=False),
        Column("allow_new_positions", Boolean(), nullable=False, server_default=text("1")),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )


def _accounts() -> None:
    op.create_table(
        "accounts",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("exchange_id", ShortText(64), nullable=False),
        Column("is_testnet", Boolean(), nullable=False, server_default=text("0")),
        Column("label", ShortText(128), nullable=False),
        Column("position_mode", ShortText(16), nullable=False, server_default=text("'hedge'")),
        Column("extra_config_json", JsonText, nullable=True),
        Column("reconcile_enabled", Boolean(), nullable=False, server_default=text("1")),
        Column("reconcile_short_interval_seconds", Integer(), nullable=True),
        Column("reconcile_short_lookback_seconds", Integer(), nullable=True),
        Column("reconcile_hourly_interval_seconds", Integer(), nullable=True),
        Column("reconcile_hourly_lookback_seconds", Integer(), nullable=True),
        Column("reconcile_long_interval_seconds", Integer(), nullable=True),
        Column("reconcile_long_lookback_seconds", Integer(), nullable=True),
        Column("dispatcher_worker_hint", Integer(), nullable=True),
        Column("dispatcher_hint_updated_at", TimestampType(), nullable=True),
        Column("raw_storage_mode", ShortText(16), nullable=False, server_default=text("'shared'")),
        Column("pool_id", Integer(), nullable=False, server_default=text("0")),
        Column("status", ShortText(32), nullable=False, server_default=text("'active'")),
        Column("trader_name", ShortText(128), nullable=True),
        Column("quarantine", ShortText(64), nullable=True),
        Column("environment", ShortText(16), nullable=False),
        Column("live_enabled", Boolean(), nullable=False, server_default=text("0")),
        Column("created_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_accounts_status", "accounts", ["status"])


def _id_blocks() -> None:
    op.create_table(
        "id_blocks",
        Column("name", ShortText(64), primary_key=True),
        Column("next_id", BigIntId, nullable=False),
        Column("block", Integer(), nullable=False, server_default=text("100")),
        **TABLE_OPTIONS,
    )


def _installation() -> None:
    op.create_table(
        "installation",
        Column("tag", ExactText(8), primary_key=True),
        **TABLE_OPTIONS,
    )


def _kill_switches() -> None:
    op.create_table(
        "kill_switches",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("scope", ShortText(16), nullable=False),
        Column("scope_id", ShortText(64), nullable=False),
        Column("mode", ShortText(16), nullable=False),
        Column("comment", ShortText(255), nullable=False),
        Column("cancel_entries", Boolean(), nullable=False),
        Column("flatten", Boolean(), nullable=False),
        Column("is_on", Boolean(), nullable=False),
        Column("set_by", ShortText(128), nullable=False),
        Column("set_by_user_id", BigIntId, nullable=True),
        Column("set_by_api_key_id", BigIntId, nullable=True),
        Column("released_at", TimestampType(), nullable=True),
        Column("released_by", ShortText(128), nullable=True),
        Column("release_comment", ShortText(255), nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_kill_switches_on", "kill_switches", ["is_on", "id"])


def _strategies() -> None:
    op.create_table(
        "strategies",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("client_strategy_id", BigIntId, nullable=True),
        Column("name", ShortText(128), nullable=False),
        Column("status", ShortText(32), nullable=False, server_default=text("'active'")),
        Column("created_at", TimestampType(), nullable=False),
        UniqueConstraint("name", name="uq_strategies_name"),
        **TABLE_OPTIONS,
    )


def _strategy_accounts() -> None:
    op.create_table(
        "strategy_accounts",
        Column("strategy_id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("status", ShortText(32), nullable=False, server_default=text("'active'")),
        Column("created_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_strategy_accounts_account_id", "strategy_accounts", ["account_id"])


def _workers() -> None:
    op.create_table(
        "workers",
        Column("worker_id", ShortText(64), primary_key=True),
        Column("host", ShortText(128), nullable=False),
        Column("heartbeat_at", TimestampType(), nullable=False),
        Column("status_json", JsonText, nullable=False),
        **TABLE_OPTIONS,
    )
