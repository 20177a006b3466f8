"""What the database keeps of rows that were moved into archive files."""

import sqlalchemy as sa

from oms.adapters.sql.connection import column_types as types
from oms.adapters.sql.tables import metadata as schema

archives = schema.table(
    "archives",
    schema.key("id"),
    schema.required("file", types.ExactText(255)),
    schema.required("sha256", types.ExactText(64)),
    schema.required("status", types.ShortText(16)),
    schema.required("before_at", types.TimestampType()),
    schema.required("rows_json", types.JsonText),
    schema.created_at(),
    schema.nullable("finished_at", types.TimestampType()),
)

archived_rows = schema.table(
    "archived_rows",
    sa.Column("kind", types.ShortText(16), primary_key=True),
    schema.key("row_id"),
    schema.required("account_id", types.BigIntId),
    schema.required("archive_id", types.BigIntId),
    schema.nullable("name_hash", types.ExactText(32)),
    sa.Index("ix_archived_rows_name", "account_id", "kind", "name_hash"),
)

archived_positions = schema.table(
    "archived_positions",
    schema.key("id"),
    schema.required("account_id", types.BigIntId),
    schema.required("archive_id", types.BigIntId),
    schema.required("symbol", types.ShortText(64)),
    schema.required("strategy_id", types.BigIntId),
    schema.required("source_id", types.BigIntId),
    schema.required("profit", types.DecimalType()),
    schema.required("funding", types.DecimalType()),
    schema.required("realized_pnl", types.DecimalType()),
    schema.required("other_fees", types.DecimalType()),
    schema.nullable("close_reason", types.ShortText(32)),
    schema.required("closed_at", types.TimestampType()),
    sa.Index("ix_archived_positions_closed_at", "account_id", "closed_at"),
)

archived_fees = schema.table(
    "archived_fees",
    schema.key("account_id"),
    sa.Column("symbol", types.ShortText(64), primary_key=True),
    sa.Column("fee_currency", types.ShortText(32), primary_key=True),
    sa.Column("type", types.ShortText(16), primary_key=True),
    schema.required("fee", types.DecimalType()),
)
