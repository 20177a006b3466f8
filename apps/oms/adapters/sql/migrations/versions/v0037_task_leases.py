"""Leases of the runner's tasks."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    ShortText,
    TimestampType,
)

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "task_leases",
        Column("task", ExactText(64), primary_key=True),
        Column("owner", ExactText(128), nullable=False),
        Column("token", BigIntId, nullable=False),
        Column("expires_at", TimestampType(), nullable=False),
        Column("state", ShortText(16), nullable=False),
        Column("progress_at", TimestampType(), nullable=True),
        Column("position", BigIntId, nullable=False),
        Column("restarts", BigIntId, nullable=False),
        Column("last_error", ShortText(255), nullable=True),
        Column("writes", BigIntId, nullable=False),
        **TABLE_OPTIONS,
    )
