"""Snapshots of equity; balances and market prices at real exchanges."""

import sqlalchemy as sa

from oms.adapters.sql.connection import column_types as types
from oms.adapters.sql.tables import metadata as schema

equity_snapshots = schema.table(
    "equity_snapshots",
    schema.key("account_id"),
    sa.Column("ts", types.TimestampType(), primary_key=True),
    schema.required("cash", types.DecimalType()),
    schema.required("equity", types.DecimalType()),
    schema.required("unrealized", types.DecimalType()),
    schema.required("realized", types.DecimalType()),
    schema.required("fees", types.DecimalType()),
    schema.required("flows", types.DecimalType()),
    schema.nullable("currency", types.ExactText(32)),
    sa.Index("ix_equity_snapshots_ts", "ts"),
)

balances = schema.table(
    "balances",
    schema.key("account_id"),
    sa.Column("currency", types.ExactText(32), primary_key=True),
    schema.nullable("free", types.DecimalType()),
    schema.nullable("used", types.DecimalType()),
    schema.required("total", types.DecimalType()),
    schema.required("as_of", types.TimestampType()),
)

marks = schema.table(
    "marks",
    sa.Column("source", types.ExactText(64), primary_key=True),
    sa.Column("symbol", types.ExactText(64), primary_key=True),
    schema.nullable("bid", types.DecimalType()),
    schema.nullable("ask", types.DecimalType()),
    schema.nullable("last", types.DecimalType()),
    schema.nullable("mark", types.DecimalType()),
    schema.required("at", types.TimestampType()),
)
