"""Overridden trading days."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ShortText,
    TimestampType,
)

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "session_overrides",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("session", ShortText(32), nullable=False),
        Column("day", ShortText(10), nullable=False),
        Column("opens", ShortText(5), nullable=True),
        Column("closes", ShortText(5), nullable=True),
        Column("comment", ShortText(255), nullable=False),
        Column("set_by", ShortText(128), nullable=False),
        Column("set_by_user_id", BigIntId, nullable=True),
        Column("set_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index(
        "ux_session_overrides_day", "session_overrides", ["session", "day"], unique=True
    )
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('session_override', 1, 100)")
