"""The limits of risk policies; accounts from before have none."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "risk_policies",
        Column("scope", ShortText(16), primary_key=True),
        Column("scope_id", BigIntId, primary_key=True, autoincrement=False),
        Column("name", ShortText(64), primary_key=True),
        Column("value_json", JsonText, nullable=False),
        Column("set_by", ShortText(128), nullable=False),
        Column("set_by_user_id", BigIntId, nullable=True),
        Column("set_at", TimestampType(), nullable=False),
        Column("comment", ShortText(255), nullable=False),
        **TABLE_OPTIONS,
    )
