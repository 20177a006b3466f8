"""Request budgets per venue, shared by all workers."""

from sqlalchemy import Column, Table

from oms.adapters.sql.connection.column_types import TABLE_OPTIONS, BigIntId, ExactText
from oms.adapters.sql.tables.metadata import METADATA, required_column

rate_chunks = Table(
    "rate_chunks",
    METADATA,
    Column("scope", ExactText(128), primary_key=True),
    Column("second", BigIntId, primary_key=True, autoincrement=False),
    required_column("used", BigIntId),
    **TABLE_OPTIONS,
)
