"""Bots, and the history of each."""

import sqlalchemy as sa

from oms.adapters.sql.connection import column_types as types
from oms.adapters.sql.tables import metadata as schema

bots = schema.table(
    "bots",
    schema.key("id"),
    schema.required("name", types.ShortText(64)),
    schema.required("name_key", types.ExactText(64)),
    schema.required("account_id", types.BigIntId),
    schema.required("strategy_id", types.BigIntId),
    schema.required("terms_json", types.JsonText),
    schema.required("desired_number", types.BigIntId),
    schema.boolean("desired_running"),
    schema.boolean("desired_flatten"),
    schema.nullable("desired_at", types.TimestampType()),
    schema.required("reported_number", types.BigIntId),
    schema.required("status", types.ShortText(16)),
    schema.nullable("reason", types.ShortText(1024)),
    schema.nullable("heartbeat_at", types.TimestampType()),
    schema.nullable("started_at", types.TimestampType()),
    schema.nullable("stopped_at", types.TimestampType()),
    schema.required("failures", sa.Integer()),
    schema.required("decided_json", types.JsonText),
    schema.required("created_by", types.ShortText(128)),
    schema.created_at(),
    schema.updated_at(),
    sa.UniqueConstraint("name_key", name="uq_bots_name_key"),
    sa.Index("ix_bots_account", "account_id", "strategy_id"),
)

bot_events = schema.table(
    "bot_events",
    schema.key("id"),
    schema.required("bot_id", types.BigIntId),
    schema.required("at", types.TimestampType()),
    schema.required("kind", types.ShortText(16)),
    schema.nullable("symbol", types.ExactText(64)),
    schema.nullable("bar", types.TimestampType()),
    schema.nullable("action", types.ShortText(16)),
    schema.nullable("price", types.DecimalType()),
    schema.nullable("stop_loss", types.DecimalType()),
    schema.nullable("stop_gain", types.DecimalType()),
    schema.nullable("signal_id", types.BigIntId),
    schema.nullable("result", types.ShortText(16)),
    schema.nullable("code", types.ShortText(64)),
    schema.nullable("message", types.ShortText(1024)),
    sa.Index("ux_bot_events_decision", "bot_id", "symbol", "bar", "action", unique=True),
    sa.Index("ix_bot_events_result", "result", "bot_id"),
    sa.Index("ix_bot_events_bot", "bot_id", "id"),
    sa.Index("ix_bot_events_kind", "bot_id", "kind", "id"),
    sa.Index("ix_bot_events_signal", "bot_id", "signal_id"),
    sa.Index("ix_bot_events_kind_at", "kind", "at", "bot_id"),
    sa.Index("ix_bot_events_result_at", "result", "at", "bot_id"),
)
