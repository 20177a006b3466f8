"""Accounts, strategies, leases, workers, id blocks, kill switches and request budgets."""

import sqlalchemy as sa

from oms.adapters.sql.connection import column_types as types
from oms.adapters.sql.tables import metadata as schema

accounts = schema.table(
    "accounts",
    schema.key("id"),
    schema.required("exchange_id", types.ShortText(64)),
    schema.boolean("is_testnet", False),
    schema.required("label", types.ShortText(128)),
    schema.required("position_mode", types.ShortText(16), "'hedge'"),
    schema.nullable("extra_config_json", types.JsonText),
    schema.boolean("reconcile_enabled", True),
    schema.nullable("reconcile_short_interval_seconds", sa.Integer()),
    schema.nullable("reconcile_short_lookback_seconds", sa.Integer()),
    schema.nullable("reconcile_hourly_interval_seconds", sa.Integer()),
    schema.nullable("reconcile_hourly_lookback_seconds", sa.Integer()),
    schema.nullable("reconcile_long_interval_seconds", sa.Integer()),
    schema.nullable("reconcile_long_lookback_seconds", sa.Integer()),
    schema.nullable("dispatcher_worker_hint", sa.Integer()),
    schema.nullable("dispatcher_hint_updated_at", types.TimestampType()),
    schema.required("raw_storage_mode", types.ShortText(16), "'shared'"),
    schema.required("pool_id", sa.Integer(), "0"),
    schema.required("status", types.ShortText(32), "'active'"),
    schema.nullable("trader_name", types.ShortText(128)),
    schema.nullable("quarantine", types.ShortText(64)),
    schema.required("environment", types.ShortText(16)),
    schema.boolean("live_enabled", False),
    schema.created_at(),
    sa.Index(None, "status"),
)

account_credentials_encrypted = schema.table(
    "account_credentials_encrypted",
    schema.key("account_id"),
    schema.required("api_key_enc", sa.Text()),
    schema.required("secret_enc", sa.Text()),
    schema.nullable("passphrase_enc", sa.Text()),
    schema.required("key_id", types.ShortText(32)),
    schema.required("fingerprint", types.ExactText(64)),
    schema.created_at(),
    schema.updated_at(),
    schema.nullable("exchange_owner", types.ShortText(64)),
)

strategies = schema.table(
    "strategies",
    schema.key("id"),
    schema.nullable("client_strategy_id", types.BigIntId),
    schema.required("name", types.ShortText(128)),
    schema.required("status", types.ShortText(32), "'active'"),
    schema.created_at(),
    schema.nullable("name_key", types.ExactText(64)),
    sa.UniqueConstraint("name"),
    sa.Index("ux_strategies_name_key", "name_key", unique=True),
)

account_groups = schema.table(
    "account_groups",
    schema.key("id"),
    schema.required("name", types.ShortText(128)),
    schema.required("name_key", types.ExactText(64)),
    schema.required("owner_user_id", types.BigIntId),
    schema.created_at(),
    schema.updated_at(),
    sa.Index("ux_account_groups_name_key", "name_key", unique=True),
)

account_group_members = schema.table(
    "account_group_members",
    schema.key("group_id"),
    schema.key("account_id"),
    schema.nullable("ratio", types.DecimalType()),
    schema.nullable("equity_weight", types.DecimalType()),
)

strategy_accounts = schema.table(
    "strategy_accounts",
    schema.key("strategy_id"),
    schema.key("account_id"),
    schema.required("status", types.ShortText(32), "'active'"),
    schema.created_at(),
    sa.Index(None, "account_id"),
)

account_risk_state = schema.table(
    "account_risk_state",
    schema.key("account_id"),
    schema.boolean("allow_new_positions", True),
    schema.created_at(),
    schema.updated_at(),
)

account_strategy_risk_state = schema.table(
    "account_strategy_risk_state",
    schema.key("account_id"),
    schema.key("strategy_id"),
    schema.boolean("allow_new_positions", True),
    schema.created_at(),
    schema.updated_at(),
)

account_leases = schema.table(
    "account_leases",
    schema.key("account_id"),
    schema.required("owner", types.ShortText(64), "''"),
    schema.required("token", types.BigIntId, "0"),
    schema.required("expires_at", types.TimestampType()),
)

workers = schema.table(
    "workers",
    sa.Column("worker_id", types.ShortText(64), primary_key=True),
    schema.required("host", types.ShortText(128)),
    schema.required("heartbeat_at", types.TimestampType()),
    schema.required("status_json", types.JsonText),
)

id_blocks = schema.table(
    "id_blocks",
    sa.Column("name", types.ShortText(64), primary_key=True),
    schema.required("next_id", types.BigIntId),
    schema.required("block", sa.Integer(), "100"),
)

installation = schema.table(
    "installation",
    sa.Column("tag", types.ExactText(8), primary_key=True),
)

schema_support = schema.table(
    "schema_support",
    sa.Column("oldest_program", types.ExactText(8), primary_key=True),
)

kill_switches = schema.table(
    "kill_switches",
    schema.key("id"),
    schema.required("scope", types.ShortText(16)),
    schema.required("scope_id", types.ShortText(64)),
    schema.required("mode", types.ShortText(16)),
    schema.required("comment", types.ShortText(255)),
    schema.boolean("cancel_entries"),
    schema.boolean("flatten"),
    schema.boolean("is_on"),
    schema.required("set_by", types.ShortText(128)),
    schema.nullable("set_by_user_id", types.BigIntId),
    schema.nullable("set_by_api_key_id", types.BigIntId),
    schema.nullable("released_at", types.TimestampType()),
    schema.nullable("released_by", types.ShortText(128)),
    schema.nullable("release_comment", types.ShortText(255)),
    schema.created_at(),
    schema.nullable("cause", types.ShortText(64)),
    sa.Index("ix_kill_switches_on", "is_on", "id"),
)

deadman_switches = schema.table(
    "deadman_switches",
    schema.key("id"),
    schema.required("account_ids_json", types.JsonText),
    schema.required("strategy_ids_json", types.JsonText),
    schema.required("timeout_seconds", sa.Integer()),
    schema.required("action", types.ShortText(32)),
    schema.required("state", types.ShortText(16)),
    schema.required("deadline", types.TimestampType()),
    schema.boolean("is_extended"),
    schema.nullable("comment", types.ShortText(255)),
    schema.required("set_by", types.ShortText(128)),
    schema.nullable("set_by_user_id", types.BigIntId),
    schema.nullable("set_by_api_key_id", types.BigIntId),
    schema.created_at(),
    schema.required("beat_at", types.TimestampType()),
    schema.nullable("fired_at", types.TimestampType()),
    schema.nullable("disarmed_at", types.TimestampType()),
    sa.Index("ix_deadman_switches_state", "state", "deadline"),
)

risk_policies = schema.table(
    "risk_policies",
    sa.Column("scope", types.ShortText(16), primary_key=True),
    schema.key("scope_id"),
    sa.Column("name", types.ShortText(64), primary_key=True),
    schema.required("value_json", types.JsonText),
    schema.required("set_by", types.ShortText(128)),
    schema.nullable("set_by_user_id", types.BigIntId),
    schema.required("set_at", types.TimestampType()),
    schema.required("comment", types.ShortText(255)),
)

session_overrides = schema.table(
    "session_overrides",
    schema.key("id"),
    schema.required("session", types.ShortText(32)),
    schema.required("day", types.ShortText(10)),
    schema.nullable("opens", types.ShortText(5)),
    schema.nullable("closes", types.ShortText(5)),
    schema.required("comment", types.ShortText(255)),
    schema.required("set_by", types.ShortText(128)),
    schema.nullable("set_by_user_id", types.BigIntId),
    schema.required("set_at", types.TimestampType()),
    sa.Index("ux_session_overrides_day", "session", "day", unique=True),
)

price_alerts = schema.table(
    "price_alerts",
    schema.key("id"),
    schema.required("account_id", types.BigIntId),
    schema.required("symbol", types.ShortText(64)),
    schema.required("trigger_condition", types.ShortText(16)),
    schema.required("price", types.DecimalType()),
    schema.nullable("note", types.ShortText(255)),
    schema.nullable("price_side", types.ShortText(16)),
    schema.required("user_id", types.BigIntId),
    schema.required("created_at", types.TimestampType()),
    sa.Index("ix_price_alerts_account", "account_id"),
)

risk_trips = schema.table(
    "risk_trips",
    schema.key("account_id"),
    sa.Column("name", types.ShortText(64), primary_key=True),
    schema.required("scope", types.ShortText(16)),
    schema.required("tripped_at", types.TimestampType()),
    schema.required("limit_value", types.DecimalType()),
    schema.nullable("actual_value", types.DecimalType()),
)

risk_high_water = schema.table(
    "risk_high_water",
    schema.key("account_id"),
    schema.required("currency", types.ExactText(32)),
    schema.required("peak", types.DecimalType()),
    schema.required("as_of", types.TimestampType()),
    schema.nullable("reset_at", types.TimestampType()),
)

rate_chunks = schema.table(
    "rate_chunks",
    sa.Column("scope", types.ExactText(128), primary_key=True),
    schema.key("second"),
    schema.required("used", types.BigIntId),
)
