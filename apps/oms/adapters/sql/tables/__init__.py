"""The schema: one metadata for every kind of database.

It describes; the migrations make. A test holds the two equal.
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
