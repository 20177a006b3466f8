"""Price alerts that have not fired."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ShortText,
    TimestampType,
)

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "price_alerts",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=False),
        Column("symbol", ShortText(64), nullable=False),
        Column("trigger_condition", ShortText(16), nullable=False),
        Column("price", DecimalType(), nullable=False),
        Column("note", ShortText(255), nullable=True),
        Column("price_side", ShortText(16), nullable=True),
        Column("user_id", BigIntId, nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_price_alerts_account", "price_alerts", ["account_id"])
