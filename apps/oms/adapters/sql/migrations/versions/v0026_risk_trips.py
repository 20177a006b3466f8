"""Limits on losses that accounts reached, and the high-water marks of their equity."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    ShortText,
    TimestampType,
)

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "risk_trips",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("name", ShortText(64), primary_key=True),
        Column("scope", ShortText(16), nullable=False),
        Column("tripped_at", TimestampType(), nullable=False),
        Column("limit_value", DecimalType(), nullable=False),
        Column("actual_value", DecimalType(), nullable=True),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "risk_high_water",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("currency", ExactText(32), nullable=False),
        Column("peak", DecimalType(), nullable=False),
        Column("as_of", TimestampType(), nullable=False),
        Column("reset_at", TimestampType(), nullable=True),
        **TABLE_OPTIONS,
    )
