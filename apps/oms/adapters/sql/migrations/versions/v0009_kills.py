"""Kill switches: who pulled which, over what, and when it was released."""

from alembic import op
from sqlalchemy import Boolean, Column

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ShortText,
    TimestampType,
)

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """One table, and where its ids begin."""
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
        Column("set_by_user_id", BigIntId),
        Column("set_by_api_key_id", BigIntId),
        Column("released_at", TimestampType()),
        Column("released_by", ShortText(128)),
        Column("release_comment", ShortText(255)),
        Column("created_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_kill_switches_on", "kill_switches", ["is_on", "id"])
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('kill', 1, 100)")
