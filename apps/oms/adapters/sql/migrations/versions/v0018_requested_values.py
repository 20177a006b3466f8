"""What the command that placed an order asked for; unknown of orders placed before."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import DecimalType

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add the columns."""
    for name in ("requested_qty", "requested_price"):
        op.add_column("oms_orders", Column(name, DecimalType(), nullable=True))
