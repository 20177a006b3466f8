"""Deals name the source of signals of their order."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import BigIntId

revision = "0044"
down_revision = "0043"

FILL = (
    "UPDATE oms_deals SET source_id ="
    " (SELECT o.source_id FROM oms_orders o WHERE o.id = oms_deals.order_id)"
    " WHERE signal_id IS NOT NULL"
)


def upgrade() -> None:
    """Add the column, and fill it from the orders."""
    op.add_column("oms_deals", Column("source_id", BigIntId, nullable=True))
    op.execute(FILL)
