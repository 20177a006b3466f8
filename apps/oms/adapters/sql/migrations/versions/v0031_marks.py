"""Prices of markets at real exchanges, which their accounts share."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    DecimalType,
    ExactText,
    TimestampType,
)

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "marks",
        Column("source", ExactText(64), primary_key=True),
        Column("symbol", ExactText(64), primary_key=True),
        *(Column(name, DecimalType(), nullable=True) for name in ("bid", "ask", "last", "mark")),
        Column("at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
