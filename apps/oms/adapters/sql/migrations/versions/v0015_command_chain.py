"""A hash chain over the commands, beside that of the audit log."""

from alembic import op
from sqlalchemy import Boolean, Column, Index

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    ShortText,
)

revision = "0015"
down_revision = "0014"

_GENESIS_HASH = "0" * 64


def upgrade() -> None:
    """Create the table of links and the chain's head; housekeeping links the stored commands."""
    op.create_table(
        "command_chain",
        Column("chain_no", BigIntId, primary_key=True, autoincrement=False),
        Column("command_id", BigIntId, nullable=False),
        Column("status", ShortText(32), nullable=False),
        Column("digest", ExactText(64), nullable=False),
        Column("hash", ExactText(64), nullable=False),
        Column("is_open", Boolean(), nullable=False),
        Index("ix_command_chain_command_id", "command_id"),
        Index("ix_command_chain_open", "is_open", "chain_no"),
        **TABLE_OPTIONS,
    )
    op.execute(f"INSERT INTO audit_chain (id, length, hash) VALUES (2, 0, '{_GENESIS_HASH}')")
