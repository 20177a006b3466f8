"""What reconciliation leaves behind: cursors, runs, and what differs."""

from sqlalchemy import Column, Index, Table

from oms.adapters.sql.tables.metadata import METADATA, absent, needed
from oms.adapters.sql.types import ID, TABLE_OPTIONS, TS, J, S, X

reconciliation_cursor = Table(
    "reconciliation_cursor",
    METADATA,
    Column("account_id", ID, primary_key=True, autoincrement=False),
    Column("entity", S(96), primary_key=True),
    needed("cursor_value", S(255)),
    needed("updated_at", TS()),
    **TABLE_OPTIONS,
)

reconcile_runs = Table(
    "reconcile_runs",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    needed("account_id", ID),
    needed("scope", S(16)),
    needed("started_at", TS()),
    needed("finished_at", TS()),
    needed("counts_json", J),
    absent("error", S(255)),
    Index("ix_reconcile_runs_account_id", "account_id", "id"),
    Index("ix_reconcile_runs_started_at", "started_at"),
    **TABLE_OPTIONS,
)

discrepancies = Table(
    "discrepancies",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    needed("account_id", ID),
    needed("class", S(32)),
    absent("symbol", S(64)),
    needed("subject", X(255)),
    needed("status", S(16)),
    needed("policy", S(16)),
    needed("evidence_json", J),
    absent("fix_json", J),
    needed("first_seen", TS()),
    needed("last_seen", TS()),
    absent("decided_by", S(128)),
    absent("comment", S(255)),
    Index("ix_discrepancies_account_id", "account_id", "status", "id"),
    **TABLE_OPTIONS,
)
