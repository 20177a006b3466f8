"""Bots and their history; the bot of a signal."""

from alembic import op
from sqlalchemy import Boolean, Column, Index, Integer, UniqueConstraint

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    """Create the tables and the column, and the blocks of ids."""
    _create_bots()
    _create_events()
    op.add_column("signals", Column("bot_id", BigIntId, nullable=True))
    op.create_index("ix_signals_bot", "signals", ["bot_id"])
    for name, block in (("bot", 10), ("bot_event", 100)):
        op.execute(f"INSERT INTO id_blocks (name, next_id, block) VALUES ('{name}', 1, {block})")


def _create_bots() -> None:
    op.create_table(
        "bots",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("name", ShortText(64), nullable=False),
        Column("name_key", ExactText(64), nullable=False),
        Column("account_id", BigIntId, nullable=False),
        Column("strategy_id", BigIntId, nullable=False),
        Column("terms_json", JsonText, nullable=False),
        Column("desired_number", BigIntId, nullable=False),
        Column("desired_running", Boolean(), nullable=False),
        Column("desired_flatten", Boolean(), nullable=False),
        Column("desired_at", TimestampType(), nullable=True),
        Column("reported_number", BigIntId, nullable=False),
        Column("status", ShortText(16), nullable=False),
        Column("reason", ShortText(1024), nullable=True),
        Column("heartbeat_at", TimestampType(), nullable=True),
        Column("started_at", TimestampType(), nullable=True),
        Column("stopped_at", TimestampType(), nullable=True),
        Column("failures", Integer(), nullable=False),
        Column("decided_json", JsonText, nullable=False),
        Column("created_by", ShortText(128), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        UniqueConstraint("name_key", name="uq_bots_name_key"),
        Index("ix_bots_account", "account_id", "strategy_id"),
        **TABLE_OPTIONS,
    )


def _create_events() -> None:
    op.create_table(
        "bot_events",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("bot_id", BigIntId, nullable=False),
        Column("at", TimestampType(), nullable=False),
        Column("kind", ShortText(16), nullable=False),
        Column("symbol", ExactText(64), nullable=True),
        Column("bar", TimestampType(), nullable=True),
        Column("action", ShortText(16), nullable=True),
        Column("price", DecimalType(), nullable=True),
        Column("stop_loss", DecimalType(), nullable=True),
        Column("stop_gain", DecimalType(), nullable=True),
        Column("signal_id", BigIntId, nullable=True),
        Column("result", ShortText(16), nullable=True),
        Column("code", ShortText(64), nullable=True),
        Column("message", ShortText(1024), nullable=True),
        Index("ux_bot_events_decision", "bot_id", "symbol", "bar", "action", unique=True),
        Index("ix_bot_events_result", "result", "bot_id"),
        Index("ix_bot_events_bot", "bot_id", "id"),
        **TABLE_OPTIONS,
    )
