"""Budgets of requests to venues, shared by all workers."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import TABLE_OPTIONS, BigIntId, ExactText

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """One table, empty."""
    op.create_table(
        "rate_chunks",
        Column("scope", ExactText(128), primary_key=True),
        Column("second", BigIntId, primary_key=True, autoincrement=False),
        Column("used", BigIntId, nullable=False),
        **TABLE_OPTIONS,
    )
