"""The schema as SQLAlchemy tables, one metadata for every kind of database.

Migrations create the schema; a test keeps both equal.
"""

from oms.adapters.sql.tables import (
    access,
    accounts,
    installation,
    kill_switches,
    ledger,
    paper,
    rate_chunks,
    raw,
    reconciliation,
)
from oms.adapters.sql.tables.metadata import METADATA

__all__ = [
    "METADATA",
    "access",
    "accounts",
    "installation",
    "kill_switches",
    "ledger",
    "paper",
    "rate_chunks",
    "raw",
    "reconciliation",
]
