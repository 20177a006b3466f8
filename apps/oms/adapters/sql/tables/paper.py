"""State of paper exchanges, separate from the ledger."""

import sqlalchemy as sa

from oms.adapters.sql.connection import column_types as types
from oms.adapters.sql.tables import metadata as schema

paper_state = schema.table(
    "paper_state",
    schema.key("account_id"),
    schema.required("version", sa.Integer()),
    schema.required("state_json", types.JsonText),
    schema.required("hash", types.ExactText(64), "''"),
)

paper_orders = schema.table(
    "paper_orders",
    schema.key("account_id"),
    sa.Column("exchange_order_id", types.ExactText(128), primary_key=True),
    schema.required("order_json", types.JsonText),
)

paper_trades = schema.table(
    "paper_trades",
    schema.key("account_id"),
    sa.Column("trade_id", types.ExactText(128), primary_key=True),
    schema.required("symbol", types.ShortText(64)),
    schema.required("executed_at", types.TimestampType()),
    schema.required("trade_json", types.JsonText),
    sa.Index("ix_paper_trades_executed_at", "account_id", "executed_at"),
)

paper_prices = schema.table(
    "paper_prices",
    schema.key("account_id"),
    sa.Column("symbol", types.ShortText(64), primary_key=True),
    schema.required("price_json", types.JsonText),
)
