"""Groups of accounts, for orders that are sent to all of them."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    ShortText,
    TimestampType,
)

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "account_groups",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("name", ShortText(128), nullable=False),
        Column("name_key", ExactText(64), nullable=False),
        Column("owner_user_id", BigIntId, nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index("ux_account_groups_name_key", "account_groups", ["name_key"], unique=True)
    op.create_table(
        "account_group_members",
        Column("group_id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("ratio", DecimalType(), nullable=True),
        Column("equity_weight", DecimalType(), nullable=True),
        **TABLE_OPTIONS,
    )
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('account_group', 1, 100)")
