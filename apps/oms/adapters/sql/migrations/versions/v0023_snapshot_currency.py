"""The currency of snapshots of equity; unknown of those taken before."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import ExactText

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the column."""
    op.add_column("equity_snapshots", Column("currency", ExactText(32), nullable=True))
