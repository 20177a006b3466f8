"""Sinks of notifications, how far each has read the events, and the messages."""

from alembic import op
from sqlalchemy import Column, Integer, Text, UniqueConstraint

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """Create the tables, and the blocks of their ids."""
    _sinks()
    op.create_table(
        "notification_cursors",
        Column("sink_id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("seq", BigIntId, nullable=False),
        **TABLE_OPTIONS,
    )
    _deliveries()
    for name in ("sink", "delivery"):
        op.execute(f"INSERT INTO id_blocks (name, next_id, block) VALUES ('{name}', 1, 100)")


def _sinks() -> None:
    op.create_table(
        "notification_sinks",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("name", ShortText(64), nullable=False),
        Column("name_key", ExactText(64), nullable=False),
        Column("kind", ShortText(16), nullable=False),
        Column("url_enc", Text(), nullable=False),
        Column("secret_enc", Text(), nullable=True),
        Column("events_json", JsonText, nullable=False),
        Column("account_ids_json", JsonText, nullable=False),
        Column("min_interval_seconds", Integer(), nullable=False),
        Column("status", ShortText(16), nullable=False),
        Column("created_by", ShortText(128), nullable=False),
        Column("delivered", BigIntId, nullable=False),
        Column("failed", BigIntId, nullable=False),
        Column("dead", BigIntId, nullable=False),
        Column("last_sent_at", TimestampType(), nullable=True),
        Column("last_delivered_at", TimestampType(), nullable=True),
        Column("last_error", ShortText(255), nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        UniqueConstraint("name_key", name="uq_notification_sinks_name_key"),
        **TABLE_OPTIONS,
    )


def _deliveries() -> None:
    op.create_table(
        "notification_deliveries",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("sink_id", BigIntId, nullable=False),
        Column("event_id", BigIntId, nullable=False),
        Column("account_id", BigIntId, nullable=False),
        Column("event", ShortText(64), nullable=False),
        Column("body", JsonText, nullable=False),
        Column("status", ShortText(16), nullable=False),
        Column("attempts", Integer(), nullable=False),
        Column("next_at", TimestampType(), nullable=False),
        Column("expires_at", TimestampType(), nullable=False),
        Column("delivered_at", TimestampType(), nullable=True),
        Column("last_error", ShortText(255), nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        UniqueConstraint("sink_id", "event_id", name="uq_notification_deliveries_event_id"),
        **TABLE_OPTIONS,
    )
    op.create_index(
        "ix_notification_deliveries_due",
        "notification_deliveries",
        ["status", "sink_id", "next_at"],
    )
    op.create_index(
        "ix_notification_deliveries_created_at", "notification_deliveries", ["created_at"]
    )
