"""Links to figures for readers without an account."""

from alembic import op
from sqlalchemy import Boolean, Column, Index

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0042"
down_revision = "0040"


def upgrade() -> None:
    """Create the table, and the block of its ids."""
    op.create_table(
        "share_links",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("token_hash", ExactText(64), nullable=False),
        Column("api_key_id", BigIntId, nullable=False),
        Column("user_id", BigIntId, nullable=False),
        Column("created_by", ShortText(128), nullable=False),
        Column("title", ShortText(64), nullable=False),
        Column("view", ShortText(16), nullable=False),
        Column("account_ids_json", JsonText, nullable=False),
        Column("strategy_id", BigIntId, nullable=True),
        Column("since", TimestampType(), nullable=True),
        Column("has_amounts", Boolean(), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("expires_at", TimestampType(), nullable=False),
        Column("revoked_at", TimestampType(), nullable=True),
        Index("ux_share_links_token_hash", "token_hash", unique=True),
        Index("ix_share_links_user_id", "user_id"),
        **TABLE_OPTIONS,
    )
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('share_link', 1, 10)")
