"""The middle of the quote at the admission of an order; unknown of those sent before."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import DecimalType

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Add the column."""
    op.add_column("oms_orders", Column("arrival_price", DecimalType(), nullable=True))
