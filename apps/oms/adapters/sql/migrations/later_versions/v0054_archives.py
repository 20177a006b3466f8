"""What the database keeps of archived rows; the oldest program that works on the schema."""

from alembic import op
from sqlalchemy import Column, Index

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0054"
down_revision = "0049"


def upgrade() -> None:
    """Create the tables, and the block of ids."""
    op.create_table(
        "archives",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("file", ExactText(255), nullable=False),
        Column("sha256", ExactText(64), nullable=False),
        Column("status", ShortText(16), nullable=False),
        Column("before_at", TimestampType(), nullable=False),
        Column("rows_json", JsonText, nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("finished_at", TimestampType(), nullable=True),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "archived_rows",
        Column("kind", ShortText(16), primary_key=True),
        Column("row_id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=False),
        Column("archive_id", BigIntId, nullable=False),
        Column("name_hash", ExactText(32), nullable=True),
        Index("ix_archived_rows_name", "account_id", "kind", "name_hash"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "archived_positions",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=False),
        Column("archive_id", BigIntId, nullable=False),
        Column("symbol", ShortText(64), nullable=False),
        Column("strategy_id", BigIntId, nullable=False),
        Column("source_id", BigIntId, nullable=False),
        Column("profit", DecimalType(), nullable=False),
        Column("funding", DecimalType(), nullable=False),
        Column("realized_pnl", DecimalType(), nullable=False),
        Column("other_fees", DecimalType(), nullable=False),
        Column("close_reason", ShortText(32), nullable=True),
        Column("closed_at", TimestampType(), nullable=False),
        Index("ix_archived_positions_closed_at", "account_id", "closed_at"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "archived_fees",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("symbol", ShortText(64), primary_key=True),
        Column("fee_currency", ShortText(32), primary_key=True),
        Column("type", ShortText(16), primary_key=True),
        Column("fee", DecimalType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "schema_support",
        Column("oldest_program", ExactText(8), primary_key=True),
        **TABLE_OPTIONS,
    )
    op.execute("INSERT INTO schema_support (oldest_program) VALUES ('0014')")
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('archive', 1, 100)")
