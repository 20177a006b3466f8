"""What reconciliation leaves behind: cursors, runs, and what differs."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.types import ID, TABLE_OPTIONS, TS, J, S, X

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Three tables of their own, and where their ids begin."""
    op.create_table(
        "reconciliation_cursor",
        Column("account_id", ID, primary_key=True, autoincrement=False),
        Column("entity", S(96), primary_key=True),
        Column("cursor_value", S(255), nullable=False),
        Column("updated_at", TS(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "reconcile_runs",
        Column("id", ID, primary_key=True, autoincrement=False),
        Column("account_id", ID, nullable=False),
        Column("scope", S(16), nullable=False),
        Column("started_at", TS(), nullable=False),
        Column("finished_at", TS(), nullable=False),
        Column("counts_json", J, nullable=False),
        Column("error", S(255)),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_reconcile_runs_account_id", "reconcile_runs", ["account_id", "id"])
    op.create_index("ix_reconcile_runs_started_at", "reconcile_runs", ["started_at"])
    op.create_table(
        "discrepancies",
        Column("id", ID, primary_key=True, autoincrement=False),
        Column("account_id", ID, nullable=False),
        Column("class", S(32), nullable=False),
        Column("symbol", S(64)),
        Column("subject", X(255), nullable=False),
        Column("status", S(16), nullable=False),
        Column("policy", S(16), nullable=False),
        Column("evidence_json", J, nullable=False),
        Column("fix_json", J),
        Column("first_seen", TS(), nullable=False),
        Column("last_seen", TS(), nullable=False),
        Column("decided_by", S(128)),
        Column("comment", S(255)),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_discrepancies_account_id", "discrepancies", ["account_id", "status", "id"])
    for kind in ("reconcile_run", "discrepancy"):
        op.execute(f"INSERT INTO id_blocks (name, next_id, block) VALUES ('{kind}', 1, 100)")
