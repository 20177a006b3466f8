"""Sources of signals, the keys that may post to them, and the signals received."""

import sqlalchemy as sa

from oms.adapters.sql.connection import column_types as types
from oms.adapters.sql.tables import metadata as schema

signal_sources = schema.table(
    "signal_sources",
    schema.key("id"),
    schema.required("name", types.ShortText(64)),
    schema.required("name_key", types.ExactText(64)),
    schema.required("kind", types.ShortText(16)),
    schema.nullable("account_id", types.BigIntId),
    schema.nullable("account_group_id", types.BigIntId),
    schema.required("strategy_id", types.BigIntId, "0"),
    schema.nullable("token_hash", types.ExactText(64)),
    schema.nullable("old_token_hash", types.ExactText(64)),
    schema.nullable("secret_enc", sa.Text()),
    schema.nullable("old_secret_enc", sa.Text()),
    schema.nullable("rotate_until", types.TimestampType()),
    schema.required("settings_json", types.JsonText),
    schema.required("status", types.ShortText(16), "'active'"),
    schema.nullable("last_seen_at", types.TimestampType()),
    schema.created_at(),
    schema.updated_at(),
    schema.nullable("last_refused_at", types.TimestampType()),
    schema.nullable("last_refused_reason", types.ShortText(64)),
    schema.nullable("last_refused_text", types.ShortText(255)),
    sa.Index("ux_signal_sources_name_key", "name_key", unique=True),
    sa.Index("ux_signal_sources_token_hash", "token_hash", unique=True),
    sa.Index("ix_signal_sources_old_token", "old_token_hash"),
)

signal_source_keys = schema.table(
    "signal_source_keys",
    schema.key("api_key_id"),
    sa.Column("kind", types.ShortText(16), primary_key=True),
    schema.required("source_id", types.BigIntId),
    sa.Index("ix_signal_source_keys_source", "source_id"),
)

signals = schema.table(
    "signals",
    schema.key("id"),
    schema.required("source_id", types.BigIntId, "0"),
    schema.nullable("dedupe_key", types.ExactText(64)),
    schema.required("payload_hash", types.ExactText(64)),
    schema.required("group_signal_id", types.BigIntId),
    schema.required("kind", types.ShortText(16)),
    schema.required("account_id", types.BigIntId),
    schema.required("strategy_id", types.BigIntId, "0"),
    schema.required("symbol", types.ShortText(64)),
    schema.required("action", types.ShortText(16)),
    schema.nullable("price", types.DecimalType()),
    schema.required("raw_json", types.JsonText),
    schema.required("received_at", types.TimestampType()),
    schema.required("status", types.ShortText(16), "'queued'"),
    schema.nullable("reason_code", types.ShortText(64)),
    schema.nullable("reason", types.ShortText(1024)),
    schema.nullable("command_ids", types.JsonText),
    schema.nullable("order_ids", types.JsonText),
    schema.nullable("position_id", types.BigIntId),
    schema.nullable("stop_gain", types.DecimalType()),
    schema.nullable("stop_loss", types.DecimalType()),
    schema.nullable("finished_at", types.TimestampType()),
    schema.required("duplicate_count", sa.Integer(), "0"),
    schema.nullable("last_duplicate_at", types.TimestampType()),
    schema.nullable("user_id", types.BigIntId),
    schema.nullable("api_key_id", types.BigIntId),
    schema.nullable("bot_id", types.BigIntId),
    sa.Index("ux_signals_dedupe", "source_id", "dedupe_key", unique=True),
    sa.Index("ix_signals_payload", "source_id", "payload_hash", "received_at"),
    sa.Index("ix_signals_account", "account_id", "received_at"),
    sa.Index("ix_signals_group", "group_signal_id"),
    sa.Index("ix_signals_received", "received_at"),
    sa.Index("ix_signals_status", "source_id", "status"),
    sa.Index("ix_signals_bot", "bot_id"),
)
