"""Order of the command queue by the time of the database."""

from alembic import op
from sqlalchemy import Column, text

from oms.adapters.sql.connection.column_types import TimestampType

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    """Add the time, and take over that of unfinished commands."""
    op.add_column(
        "oms_commands",
        Column(
            "queued_at",
            TimestampType(),
            nullable=False,
            server_default=text("'1970-01-01 00:00:00'"),
        ),
    )
    # SQLite keeps the default as it is written, which is not how times are stored there.
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    unfinished = "" if is_sqlite else " WHERE status IN ('queued', 'running')"
    op.execute(f"UPDATE oms_commands SET queued_at = created_at{unfinished}")
