"""Rates of fees in third currencies; unknown of deals booked before."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import JsonText

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the column."""
    op.add_column("oms_deals", Column("fee_rate_json", JsonText, nullable=True))
