"""Snapshots of equity, and balances of accounts at real exchanges."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    TimestampType,
)

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "equity_snapshots",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("ts", TimestampType(), primary_key=True),
        *(
            Column(name, DecimalType(), nullable=False)
            for name in ("cash", "equity", "unrealized", "realized", "fees", "flows")
        ),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_equity_snapshots_ts", "equity_snapshots", ["ts"])
    op.create_table(
        "balances",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("currency", ExactText(32), primary_key=True),
        Column("free", DecimalType(), nullable=True),
        Column("used", DecimalType(), nullable=True),
        Column("total", DecimalType(), nullable=False),
        Column("as_of", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
