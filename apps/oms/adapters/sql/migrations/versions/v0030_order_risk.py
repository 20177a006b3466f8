"""Verdicts of the limits on orders; those from before have none."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import JsonText

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Add the column."""
    op.add_column("oms_orders", Column("risk_json", JsonText, nullable=True))
