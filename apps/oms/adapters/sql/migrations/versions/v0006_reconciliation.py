"""What reconciliation leaves behind: cursors, runs, and what differs."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Three tables of their own, and where their ids begin."""
    op.create_table(
        "reconciliation_cursor",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("entity", ShortText(96), primary_key=True),
        Column("cursor_value", ShortText(255), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "reconcile_runs",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=False),
        Column("scope", ShortText(16), nullable=False),
        Column("started_at", TimestampType(), nullable=False),
        Column("finished_at", TimestampType(), nullable=False),
        Column("counts_json", JsonText, nullable=False),
        Column("error", ShortText(255)),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_reconcile_runs_account_id", "reconcile_runs", ["account_id", "id"])
    op.create_index("ix_reconcile_runs_started_at", "reconcile_runs", ["started_at"])
    op.create_table(
        "discrepancies",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=False),
        Column("class", ShortText(32), nullable=False),
        Column("symbol", ShortText(64)),
        Column("subject", ExactText(255), nullable=False),
        Column("status", ShortText(16), nullable=False),
        Column("policy", ShortText(16), nullable=False),
        Column("evidence_json", JsonText, nullable=False),
        Column("fix_json", JsonText),
        Column("first_seen", TimestampType(), nullable=False),
        Column("last_seen", TimestampType(), nullable=False),
        Column("decided_by", ShortText(128)),
        Column("comment", ShortText(255)),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_discrepancies_account_id", "discrepancies", ["account_id", "status", "id"])
    for kind in ("reconcile_run", "discrepancy"):
        op.execute(f"INSERT INTO id_blocks (name, next_id, block) VALUES ('{kind}', 1, 100)")
