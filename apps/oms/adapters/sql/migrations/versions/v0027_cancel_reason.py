"""Why an order was canceled without a request of a caller."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import ShortText

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Add the column."""
    op.add_column("oms_orders", Column("cancel_reason", ShortText(32), nullable=True))
