"""Requests of the API that the runner answers."""

from alembic import op
from sqlalchemy import Column, Index

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    """Create the table, and the block of ids."""
    op.create_table(
        "research_requests",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("kind", ShortText(16), nullable=False),
        Column("status", ShortText(16), nullable=False),
        Column("request_json", JsonText, nullable=False),
        Column("answer_json", JsonText, nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        Index("ix_research_requests_status", "status"),
        **TABLE_OPTIONS,
    )
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('research_request', 1, 100)")
