"""Kill switches: who pulled which, over what, and when it was released."""

from alembic import op
from sqlalchemy import Boolean, Column

from oms.adapters.sql.types import ID, TABLE_OPTIONS, TS, S

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """One table, and where its ids begin."""
    op.create_table(
        "kill_switches",
        Column("id", ID, primary_key=True, autoincrement=False),
        Column("scope", S(16), nullable=False),
        Column("scope_id", S(64), nullable=False),
        Column("mode", S(16), nullable=False),
        Column("comment", S(255), nullable=False),
        Column("cancel_entries", Boolean(), nullable=False),
        Column("flatten", Boolean(), nullable=False),
        Column("is_on", Boolean(), nullable=False),
        Column("set_by", S(128), nullable=False),
        Column("set_by_user_id", ID),
        Column("set_by_api_key_id", ID),
        Column("released_at", TS()),
        Column("released_by", S(128)),
        Column("release_comment", S(255)),
        Column("created_at", TS(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_kill_switches_on", "kill_switches", ["is_on", "id"])
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('kill', 1, 100)")
