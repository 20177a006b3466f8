"""The schema as SQLAlchemy tables, one metadata for every kind of database.

Migrations create the schema; a test keeps both equal.
"""

from oms.adapters.sql.tables import (
    access,
    accounts,
    ledger,
    paper,
    raw,
    reconciliation,
)
from oms.adapters.sql.tables.metadata import METADATA

__all__ = [
    "METADATA",
    "access",
    "accounts",
    "ledger",
    "paper",
    "raw",
    "reconciliation",
]
