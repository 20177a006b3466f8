"""Leases of the runner's tasks; sinks of notifications and their messages."""

import sqlalchemy as sa

from oms.adapters.sql.connection import column_types as types
from oms.adapters.sql.tables import metadata as schema

task_leases = schema.table(
    "task_leases",
    sa.Column("task", types.ExactText(64), primary_key=True),
    schema.required("owner", types.ExactText(128)),
    schema.required("token", types.BigIntId),
    schema.required("expires_at", types.TimestampType()),
    schema.required("state", types.ShortText(16)),
    schema.nullable("progress_at", types.TimestampType()),
    schema.required("position", types.BigIntId),
    schema.required("restarts", types.BigIntId),
    schema.nullable("last_error", types.ShortText(255)),
    schema.required("writes", types.BigIntId),
)

notification_sinks = schema.table(
    "notification_sinks",
    schema.key("id"),
    schema.required("name", types.ShortText(64)),
    schema.required("name_key", types.ExactText(64)),
    schema.required("kind", types.ShortText(16)),
    schema.required("url_enc", sa.Text()),
    schema.nullable("secret_enc", sa.Text()),
    schema.required("events_json", types.JsonText),
    schema.required("account_ids_json", types.JsonText),
    schema.required("min_interval_seconds", sa.Integer()),
    schema.required("status", types.ShortText(16)),
    schema.required("created_by", types.ShortText(128)),
    schema.required("delivered", types.BigIntId),
    schema.required("failed", types.BigIntId),
    schema.required("dead", types.BigIntId),
    schema.nullable("last_sent_at", types.TimestampType()),
    schema.nullable("last_delivered_at", types.TimestampType()),
    schema.nullable("last_error", types.ShortText(255)),
    schema.created_at(),
    schema.updated_at(),
    sa.UniqueConstraint("name_key", name="uq_notification_sinks_name_key"),
)

notification_cursors = schema.table(
    "notification_cursors",
    schema.key("sink_id"),
    schema.key("account_id"),
    schema.required("seq", types.BigIntId),
)

notification_deliveries = schema.table(
    "notification_deliveries",
    schema.key("id"),
    schema.required("sink_id", types.BigIntId),
    schema.required("event_id", types.BigIntId),
    schema.required("account_id", types.BigIntId),
    schema.required("event", types.ShortText(64)),
    schema.required("body", types.JsonText),
    schema.required("status", types.ShortText(16)),
    schema.required("attempts", sa.Integer()),
    schema.required("next_at", types.TimestampType()),
    schema.required("expires_at", types.TimestampType()),
    schema.nullable("delivered_at", types.TimestampType()),
    schema.nullable("last_error", types.ShortText(255)),
    schema.created_at(),
    sa.UniqueConstraint("sink_id", "event_id", name="uq_notification_deliveries_event_id"),
    sa.Index("ix_notification_deliveries_due", "status", "sink_id", "next_at"),
    sa.Index("ix_notification_deliveries_created_at", "created_at"),
)
