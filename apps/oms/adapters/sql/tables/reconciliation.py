"""Results of reconciliation: cursors, runs and discrepancies."""

import sqlalchemy as sa

from oms.adapters.sql.connection import column_types as types
from oms.adapters.sql.tables import metadata as schema

reconciliation_cursor = schema.table(
    "reconciliation_cursor",
    schema.key("account_id"),
    sa.Column("entity", types.ShortText(96), primary_key=True),
    schema.required("cursor_value", types.ShortText(255)),
    schema.required("updated_at", types.TimestampType()),
)

reconcile_runs = schema.table(
    "reconcile_runs",
    schema.key("id"),
    schema.required("account_id", types.BigIntId),
    schema.required("scope", types.ShortText(16)),
    schema.required("started_at", types.TimestampType()),
    schema.required("finished_at", types.TimestampType()),
    schema.required("counts_json", types.JsonText),
    schema.nullable("error", types.ShortText(255)),
    sa.Index("ix_reconcile_runs_account_id", "account_id", "id"),
    sa.Index("ix_reconcile_runs_started_at", "started_at"),
)

discrepancies = schema.table(
    "discrepancies",
    schema.key("id"),
    schema.required("account_id", types.BigIntId),
    schema.required("class", types.ShortText(32)),
    schema.nullable("symbol", types.ShortText(64)),
    schema.required("subject", types.ExactText(255)),
    schema.required("status", types.ShortText(16)),
    schema.required("policy", types.ShortText(16)),
    schema.required("evidence_json", types.JsonText),
    schema.nullable("fix_json", types.JsonText),
    schema.required("first_seen", types.TimestampType()),
    schema.required("last_seen", types.TimestampType()),
    schema.nullable("decided_by", types.ShortText(128)),
    schema.nullable("comment", types.ShortText(255)),
    sa.Index("ix_discrepancies_account_id", "account_id", "status", "id"),
)
