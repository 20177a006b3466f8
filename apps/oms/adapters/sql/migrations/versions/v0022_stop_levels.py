"""Stop levels of orders and positions beside their two prices."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import JsonText

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the columns."""
    for table in ("oms_orders", "oms_positions"):
        op.add_column(table, Column("levels_json", JsonText, nullable=True))
