"""Budgets of requests to venues, shared by all workers."""

from sqlalchemy import Column, Table

from oms.adapters.sql.tables.metadata import METADATA, needed
from oms.adapters.sql.types import ID, TABLE_OPTIONS, X

rate_chunks = Table(
    "rate_chunks",
    METADATA,
    Column("scope", X(128), primary_key=True),
    Column("second", ID, primary_key=True, autoincrement=False),
    needed("used", ID),
    **TABLE_OPTIONS,
)
