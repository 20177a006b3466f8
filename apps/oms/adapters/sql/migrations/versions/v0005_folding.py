"""Orders know the ticket they named, their trail and what of them is inferred."""

from alembic import op
from sqlalchemy import Column, text

from oms.adapters.sql.connection.column_types import BigIntId, DecimalType

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Columns of ``oms_orders``; an index for the order of folding."""
    zero, none = text("0"), text("'0'")
    op.add_column("oms_orders", Column("ticket_id", BigIntId, nullable=False, server_default=zero))
    op.add_column("oms_orders", Column("trailing_amount", DecimalType()))
    op.add_column("oms_orders", Column("trailing_percent", DecimalType()))
    op.add_column(
        "oms_orders", Column("provisional_qty", DecimalType(), nullable=False, server_default=none)
    )
    op.create_index("ix_oms_deals_folding", "oms_deals", ["account_id", "symbol", "executed_at"])
