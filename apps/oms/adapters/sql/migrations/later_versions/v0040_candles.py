"""Instruments and their candles."""

from alembic import op
from sqlalchemy import Boolean, Column

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    ShortText,
    TimestampType,
)

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "instruments",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("exchange", ExactText(64), nullable=False),
        Column("symbol", ExactText(64), nullable=False),
        Column("base", ShortText(32), nullable=False),
        Column("quote", ShortText(32), nullable=False),
        Column("asset_class", ShortText(16), nullable=False),
        Column("market_type", ShortText(16), nullable=False),
        Column("session", ShortText(16), nullable=False),
        Column("price_tick", DecimalType(), nullable=False),
        Column("qty_step", DecimalType(), nullable=False),
        Column("min_qty", DecimalType(), nullable=False),
        Column("min_notional", DecimalType(), nullable=False),
        Column("contract_size", DecimalType(), nullable=False),
        Column("is_active", Boolean(), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('instrument', 1, 100)")
    op.create_index("ux_instruments_symbol", "instruments", ["exchange", "symbol"], unique=True)
    op.create_table(
        "candles",
        Column("instrument_id", BigIntId, primary_key=True, autoincrement=False),
        Column("timeframe", ExactText(4), primary_key=True),
        Column("open_time", TimestampType(), primary_key=True),
        Column("open", DecimalType(), nullable=False),
        Column("high", DecimalType(), nullable=False),
        Column("low", DecimalType(), nullable=False),
        Column("close", DecimalType(), nullable=False),
        Column("volume", DecimalType(), nullable=True),
        Column("is_closed", Boolean(), nullable=False),
        Column("source", ShortText(16), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
