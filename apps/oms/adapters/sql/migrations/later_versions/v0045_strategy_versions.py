"""Versions of strategies, and the catalogue that the runner loaded."""

from alembic import op
from sqlalchemy import Column, Index

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    """Create the tables, and the block of ids."""
    op.create_table(
        "strategy_versions",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("name", ExactText(64), nullable=False),
        Column("version", ExactText(32), nullable=False),
        Column("code_hash", ExactText(64), nullable=False),
        Column("params_json", JsonText, nullable=False),
        Column("params_hash", ExactText(64), nullable=False),
        Column("checked_at", TimestampType(), nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        Index("ux_strategy_versions_params", "name", "version", "params_hash", unique=True),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "strategy_catalog",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("source", ShortText(255), nullable=False),
        Column("description_json", JsonText, nullable=True),
        Column("error", ShortText(1000), nullable=True),
        Column("loaded_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('strategy_version', 1, 100)")
