"""Series of candles that the runner keeps up to date."""

from alembic import op
from sqlalchemy import Boolean, Column, Index

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    ShortText,
    TimestampType,
)

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    """Create the table, and the block of its ids."""
    op.create_table(
        "candle_ingestions",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("instrument_id", BigIntId, nullable=False),
        Column("timeframe", ExactText(4), nullable=False),
        Column("is_enabled", Boolean(), nullable=False),
        Column("start", TimestampType(), nullable=False),
        Column("fetched_at", TimestampType(), nullable=True),
        Column("newest_open", TimestampType(), nullable=True),
        Column("last_error", ShortText(255), nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        Index("ux_candle_ingestions_series", "instrument_id", "timeframe", unique=True),
        **TABLE_OPTIONS,
    )
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('candle_ingestion', 1, 10)")
