"""The schema as SQLAlchemy tables, one metadata for every kind of database.

Migrations create the schema; a test keeps both equal.
"""

from oms.adapters.sql.tables import (
    access,
    accounts,
    archive,
    backtests,
    bots,
    exchange_data,
    ledger,
    market,
    performance,
    research,
    runner,
    signals,
)
from oms.adapters.sql.tables.metadata import METADATA

__all__ = [
    "METADATA",
    "access",
    "accounts",
    "archive",
    "backtests",
    "bots",
    "exchange_data",
    "ledger",
    "market",
    "performance",
    "research",
    "runner",
    "signals",
]
