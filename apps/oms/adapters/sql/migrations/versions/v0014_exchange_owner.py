"""Which account of the exchange an account's credentials led to."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.types import S

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Nobody has asked yet."""
    column = Column("exchange_owner", S(64), nullable=True)
    op.add_column("account_credentials_encrypted", column)
