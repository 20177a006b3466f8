"""Browser sessions among the login tokens, and preferences of users."""

from alembic import op
from sqlalchemy import Column, text

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Add the columns and the table; every token from before is a login token."""
    for column in (
        Column("kind", ShortText(16), nullable=False, server_default=text("'token'")),
        Column("mode", ShortText(16), nullable=True),
        Column("ends_at", TimestampType(), nullable=True),
        Column("confirmed_until", TimestampType(), nullable=True),
        Column("created_ip", ExactText(45), nullable=True),
        Column("user_agent", ShortText(255), nullable=True),
    ):
        op.add_column("auth_tokens", column)
    op.create_table(
        "user_preferences",
        Column("user_id", BigIntId, primary_key=True, autoincrement=False),
        Column("preferences_json", JsonText, nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
