"""Results of reconciliation: cursors, runs and discrepancies."""

from sqlalchemy import Column, Index, Table

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)
from oms.adapters.sql.tables.metadata import METADATA, nullable_column, required_column

reconciliation_cursor = Table(
    "reconciliation_cursor",
    METADATA,
    Column("account_id", BigIntId, primary_key=True, autoincrement=False),
    Column("entity", ShortText(96), primary_key=True),
    required_column("cursor_value", ShortText(255)),
    required_column("updated_at", TimestampType()),
    **TABLE_OPTIONS,
)

reconcile_runs = Table(
    "reconcile_runs",
    METADATA,
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    required_column("account_id", BigIntId),
    required_column("scope", ShortText(16)),
    required_column("started_at", TimestampType()),
    required_column("finished_at", TimestampType()),
    required_column("counts_json", JsonText),
    nullable_column("error", ShortText(255)),
    Index("ix_reconcile_runs_account_id", "account_id", "id"),
    Index("ix_reconcile_runs_started_at", "started_at"),
    **TABLE_OPTIONS,
)

discrepancies = Table(
    "discrepancies",
    METADATA,
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    required_column("account_id", BigIntId),
    required_column("class", ShortText(32)),
    nullable_column("symbol", ShortText(64)),
    required_column("subject", ExactText(255)),
    required_column("status", ShortText(16)),
    required_column("policy", ShortText(16)),
    required_column("evidence_json", JsonText),
    nullable_column("fix_json", JsonText),
    required_column("first_seen", TimestampType()),
    required_column("last_seen", TimestampType()),
    nullable_column("decided_by", ShortText(128)),
    nullable_column("comment", ShortText(255)),
    Index("ix_discrepancies_account_id", "account_id", "status", "id"),
    **TABLE_OPTIONS,
)
