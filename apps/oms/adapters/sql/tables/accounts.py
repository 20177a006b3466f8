"""Accounts, strategies, and the plumbing of processes: leases, workers, id blocks."""

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint

from oms.adapters.sql.tables.metadata import METADATA, absent, created, flag, needed, updated
from oms.adapters.sql.types import ID, TABLE_OPTIONS, TS, J, S, X

accounts = Table(
    "accounts",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    needed("exchange_id", S(64)),
    flag("is_testnet", False),
    needed("label", S(128)),
    needed("position_mode", S(16), "'hedge'"),
    absent("extra_config_json", J),
    flag("reconcile_enabled", True),
    absent("reconcile_short_interval_seconds", Integer()),
    absent("reconcile_short_lookback_seconds", Integer()),
    absent("reconcile_hourly_interval_seconds", Integer()),
    absent("reconcile_hourly_lookback_seconds", Integer()),
    absent("reconcile_long_interval_seconds", Integer()),
    absent("reconcile_long_lookback_seconds", Integer()),
    absent("dispatcher_worker_hint", Integer()),
    absent("dispatcher_hint_updated_at", TS()),
    needed("raw_storage_mode", S(16), "'shared'"),
    needed("pool_id", Integer(), "0"),
    needed("status", S(32), "'active'"),
    absent("trader_name", S(128)),
    absent("quarantine", S(64)),
    needed("environment", S(16)),
    flag("live_enabled", False),
    created(),
    Index(None, "status"),
    **TABLE_OPTIONS,
)

account_credentials_encrypted = Table(
    "account_credentials_encrypted",
    METADATA,
    Column("account_id", ID, primary_key=True, autoincrement=False),
    needed("api_key_enc", Text()),
    needed("secret_enc", Text()),
    absent("passphrase_enc", Text()),
    needed("key_id", S(32)),
    needed("fingerprint", X(64)),
    created(),
    updated(),
    absent("exchange_owner", S(64)),
    **TABLE_OPTIONS,
)

strategies = Table(
    "strategies",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    absent("client_strategy_id", ID),
    needed("name", S(128)),
    needed("status", S(32), "'active'"),
    created(),
    UniqueConstraint("name"),
    **TABLE_OPTIONS,
)

strategy_accounts = Table(
    "strategy_accounts",
    METADATA,
    Column("strategy_id", ID, primary_key=True, autoincrement=False),
    Column("account_id", ID, primary_key=True, autoincrement=False),
    needed("status", S(32), "'active'"),
    created(),
    Index(None, "account_id"),
    **TABLE_OPTIONS,
)

account_risk_state = Table(
    "account_risk_state",
    METADATA,
    Column("account_id", ID, primary_key=True, autoincrement=False),
    flag("allow_new_positions", True),
    created(),
    updated(),
    **TABLE_OPTIONS,
)

account_strategy_risk_state = Table(
    "account_strategy_risk_state",
    METADATA,
    Column("account_id", ID, primary_key=True, autoincrement=False),
    Column("strategy_id", ID, primary_key=True, autoincrement=False),
    flag("allow_new_positions", True),
    created(),
    updated(),
    **TABLE_OPTIONS,
)

account_leases = Table(
    "account_leases",
    METADATA,
    Column("account_id", ID, primary_key=True, autoincrement=False),
    needed("owner", S(64), "''"),
    needed("token", ID, "0"),
    needed("expires_at", TS()),
    **TABLE_OPTIONS,
)

workers = Table(
    "workers",
    METADATA,
    Column("worker_id", S(64), primary_key=True),
    needed("host", S(128)),
    needed("heartbeat_at", TS()),
    needed("status_json", J),
    **TABLE_OPTIONS,
)

id_blocks = Table(
    "id_blocks",
    METADATA,
    Column("name", S(64), primary_key=True),
    needed("next_id", ID),
    needed("block", Integer(), "100"),
    **TABLE_OPTIONS,
)
