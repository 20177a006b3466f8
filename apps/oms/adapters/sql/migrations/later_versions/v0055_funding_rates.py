"""Funding rates of contracts."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    TimestampType,
)

revision = "0055"
down_revision = "0054"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "funding_rates",
        Column("instrument_id", BigIntId, primary_key=True, autoincrement=False),
        Column("at", TimestampType(), primary_key=True),
        Column("rate", DecimalType(), nullable=False),
        **TABLE_OPTIONS,
    )
