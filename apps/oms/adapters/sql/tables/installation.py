"""Facts about the installation."""

from sqlalchemy import Column, Table

from oms.adapters.sql.connection.column_types import TABLE_OPTIONS, ExactText
from oms.adapters.sql.tables.metadata import METADATA

installation = Table(
    "installation",
    METADATA,
    Column("tag", ExactText(8), primary_key=True),
    **TABLE_OPTIONS,
)
