"""Indexes by which the newest decision and signal of a bot, and its latest failures, are found."""

from alembic import op

revision = "0061"
down_revision = "0060"

INDEXES = {
    "ix_bot_events_kind": ["bot_id", "kind", "id"],
    "ix_bot_events_signal": ["bot_id", "signal_id"],
    "ix_bot_events_kind_at": ["kind", "at", "bot_id"],
    "ix_bot_events_result_at": ["result", "at", "bot_id"],
}


def upgrade() -> None:
    """Create the indexes."""
    for name, columns in INDEXES.items():
        op.create_index(name, "bot_events", columns)
