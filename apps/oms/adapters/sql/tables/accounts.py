"""Accounts, strategies, leases, workers, id blocks, kill switches and request budgets."""

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
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

accounts = Table(
    "accounts",
    METADATA,
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    required_column("exchange_id", ShortText(64)),
    boolean_column("is_testnet", False),
    required_column("label", ShortText(128)),
    required_column("position_mode", ShortText(16), "'hedge'"),
    nullable_column("extra_config_json", JsonText),
    boolean_column("reconcile_enabled", True),
    nullable_column("reconcile_short_interval_seconds", Integer()),
    nullable_column("reconcile_short_lookback_seconds", Integer()),
    nullable_column("reconcile_hourly_interval_seconds", Integer()),
    nullable_column("reconcile_hourly_lookback_seconds", Integer()),
    nullable_column("reconcile_long_interval_seconds", Integer()),
    nullable_column("reconcile_long_lookback_seconds", Integer()),
    nullable_column("dispatcher_worker_hint", Integer()),
    nullable_column("dispatcher_hint_updated_at", TimestampType()),
    required_column("raw_storage_mode", ShortText(16), "'shared'"),
    required_column("pool_id", Integer(), "0"),
    required_column("status", ShortText(32), "'active'"),
    nullable_column("trader_name", ShortText(128)),
    nullable_column("quarantine", ShortText(64)),
    required_column("environment", ShortText(16)),
    boolean_column("live_enabled", False),
    created_at_column(),
    Index(None, "status"),
    **TABLE_OPTIONS,
)

account_credentials_encrypted = Table(
    "account_credentials_encrypted",
    METADATA,
    Column("account_id", BigIntId, primary_key=True, autoincrement=False),
    required_column("api_key_enc", Text()),
    required_column("secret_enc", Text()),
    nullable_column("passphrase_enc", Text()),
    required_column("key_id", ShortText(32)),
    required_column("fingerprint", ExactText(64)),
    created_at_column(),
    updated_at_column(),
    nullable_column("exchange_owner", ShortText(64)),
    **TABLE_OPTIONS,
)

strategies = Table(
    "strategies",
    METADATA,
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    nullable_column("client_strategy_id", BigIntId),
    required_column("name", ShortText(128)),
    required_column("status", ShortText(32), "'active'"),
    created_at_column(),
    UniqueConstraint("name"),
    **TABLE_OPTIONS,
)

strategy_accounts = Table(
    "strategy_accounts",
    METADATA,
    Column("strategy_id", BigIntId, primary_key=True, autoincrement=False),
    Column("account_id", BigIntId, primary_key=True, autoincrement=False),
    required_column("status", ShortText(32), "'active'"),
    created_at_column(),
    Index(None, "account_id"),
    **TABLE_OPTIONS,
)

account_risk_state = Table(
    "account_risk_state",
    METADATA,
    Column("account_id", BigIntId, primary_key=True, autoincrement=False),
    boolean_column("allow_new_positions", True),
    created_at_column(),
    updated_at_column(),
    **TABLE_OPTIONS,
)

account_strategy_risk_state = Table(
    "account_strategy_risk_state",
    METADATA,
    Column("account_id", BigIntId, primary_key=True, autoincrement=False),
    Column("strategy_id", BigIntId, primary_key=True, autoincrement=False),
    boolean_column("allow_new_positions", True),
    created_at_column(),
    updated_at_column(),
    **TABLE_OPTIONS,
)

account_leases = Table(
    "account_leases",
    METADATA,
    Column("account_id", BigIntId, primary_key=True, autoincrement=False),
    required_column("owner", ShortText(64), "''"),
    required_column("token", BigIntId, "0"),
    required_column("expires_at", TimestampType()),
    **TABLE_OPTIONS,
)

workers = Table(
    "workers",
    METADATA,
    Column("worker_id", ShortText(64), primary_key=True),
    required_column("host", ShortText(128)),
    required_column("heartbeat_at", TimestampType()),
    required_column("status_json", JsonText),
    **TABLE_OPTIONS,
)

id_blocks = Table(
    "id_blocks",
    METADATA,
    Column("name", ShortText(64), primary_key=True),
    required_column("next_id", BigIntId),
    required_column("block", Integer(), "100"),
    **TABLE_OPTIONS,
)

installation = Table(
    "installation",
    METADATA,
    Column("tag", ExactText(8), primary_key=True),
    **TABLE_OPTIONS,
)

kill_switches = Table(
    "kill_switches",
    METADATA,
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    required_column("scope", ShortText(16)),
    required_column("scope_id", ShortText(64)),
    required_column("mode", ShortText(16)),
    required_column("comment", ShortText(255)),
    boolean_column("cancel_entries"),
    boolean_column("flatten"),
    boolean_column("is_on"),
    required_column("set_by", ShortText(128)),
    nullable_column("set_by_user_id", BigIntId),
    nullable_column("set_by_api_key_id", BigIntId),
    nullable_column("released_at", TimestampType()),
    nullable_column("released_by", ShortText(128)),
    nullable_column("release_comment", ShortText(255)),
    created_at_column(),
    Index("ix_kill_switches_on", "is_on", "id"),
    **TABLE_OPTIONS,
)

rate_chunks = Table(
    "rate_chunks",
    METADATA,
    Column("scope", ExactText(128), primary_key=True),
    Column("second", BigIntId, primary_key=True, autoincrement=False),
    required_column("used", BigIntId),
    **TABLE_OPTIONS,
)
