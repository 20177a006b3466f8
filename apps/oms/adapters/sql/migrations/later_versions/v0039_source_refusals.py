"""The last refusal of a request of a signal source, before it became a signal."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import ShortText, TimestampType

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("signal_sources", Column("last_refused_at", TimestampType(), nullable=True))
    op.add_column("signal_sources", Column("last_refused_reason", ShortText(64), nullable=True))
    op.add_column("signal_sources", Column("last_refused_text", ShortText(255), nullable=True))
