"""The name by which exchanges know the orders of this installation."""

import secrets

from alembic import op
from sqlalchemy import Column, column, table

from oms.adapters.sql.connection.column_types import TABLE_OPTIONS, ExactText

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """One table of one row, drawn once and never changed."""
    op.create_table("installation", Column("tag", ExactText(8), primary_key=True), **TABLE_OPTIONS)
    op.execute(table("installation", column("tag")).insert().values(tag=secrets.token_hex(4)))
