"""Which account of the exchange an account's credentials led to."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import ShortText

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Nobody has asked yet."""
    column = Column("exchange_owner", ShortText(64), nullable=True)
    op.add_column("account_credentials_encrypted", column)
