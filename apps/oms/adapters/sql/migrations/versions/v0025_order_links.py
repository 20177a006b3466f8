"""Indexes of what orders are linked to, and the source of the signal that sent them."""

from alembic import op
from sqlalchemy import Column, text

from oms.adapters.sql.connection.column_types import BigIntId

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the column and the indexes."""
    op.add_column("oms_orders", Column("source_id", BigIntId, nullable=True))
    for name in ("group_id", "parent_order_id", "signal_id"):
        op.create_index(
            f"ix_oms_orders_{name}",
            "oms_orders",
            [name],
            sqlite_where=text(f"{name} IS NOT NULL"),
        )
