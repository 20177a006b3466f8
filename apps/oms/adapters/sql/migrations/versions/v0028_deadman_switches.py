"""Dead-man switches."""

from alembic import op
from sqlalchemy import Boolean, Column, Integer

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Create the table, and the block of its ids."""
    op.create_table(
        "deadman_switches",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_ids_json", JsonText, nullable=False),
        Column("strategy_ids_json", JsonText, nullable=False),
        Column("timeout_seconds", Integer(), nullable=False),
        Column("action", ShortText(32), nullable=False),
        Column("state", ShortText(16), nullable=False),
        Column("deadline", TimestampType(), nullable=False),
        Column("is_extended", Boolean(), nullable=False),
        Column("comment", ShortText(255), nullable=True),
        Column("set_by", ShortText(128), nullable=False),
        Column("set_by_user_id", BigIntId, nullable=True),
        Column("set_by_api_key_id", BigIntId, nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        Column("beat_at", TimestampType(), nullable=False),
        Column("fired_at", TimestampType(), nullable=True),
        Column("disarmed_at", TimestampType(), nullable=True),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_deadman_switches_state", "deadman_switches", ["state", "deadline"])
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('deadman', 1, 100)")
