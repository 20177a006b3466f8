"""The cause of kill switches; those from before have none."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import ShortText

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add the column."""
    op.add_column("kill_switches", Column("cause", ShortText(64), nullable=True))
