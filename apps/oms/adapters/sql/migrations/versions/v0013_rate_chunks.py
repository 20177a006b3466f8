"""Budgets of requests to venues, shared by all workers."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.types import ID, TABLE_OPTIONS, X

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """One table, empty."""
    op.create_table(
        "rate_chunks",
        Column("scope", X(128), primary_key=True),
        Column("second", ID, primary_key=True, autoincrement=False),
        Column("used", ID, nullable=False),
        **TABLE_OPTIONS,
    )
