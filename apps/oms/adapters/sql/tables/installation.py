"""What is true of the whole installation."""

from sqlalchemy import Column, Table

from oms.adapters.sql.tables.metadata import METADATA
from oms.adapters.sql.types import TABLE_OPTIONS, X

installation = Table(
    "installation",
    METADATA,
    Column("tag", X(8), primary_key=True),
    **TABLE_OPTIONS,
)
