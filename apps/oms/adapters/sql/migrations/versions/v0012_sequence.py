"""The exchange's own order of the executions of one moment."""

from alembic import op
from sqlalchemy import Column, text

from oms.adapters.sql.connection.column_types import BigIntId

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Deals that are there already were told without it."""
    column = Column("exchange_sequence", BigIntId, nullable=False, server_default=text("0"))
    op.add_column("oms_deals", column)
