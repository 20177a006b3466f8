"""What was read from exchanges, state of paper exchanges, and results of reconciliation."""

import sqlalchemy as sa

from oms.adapters.sql.connection import column_types as types
from oms.adapters.sql.tables import metadata as schema

ccxt_orders_raw = schema.table(
    "ccxt_orders_raw",
    schema.key("id"),
    schema.required("account_id", types.BigIntId),
    schema.required("exchange_id", types.ShortText(64)),
    schema.nullable("exchange_order_id", types.ExactText(128)),
    schema.nullable("client_order_id", types.ExactText(128)),
    schema.nullable("symbol", types.ShortText(64)),
    schema.required("raw_json", types.JsonText),
    schema.required("fingerprint_hash", types.ExactText(64)),
    schema.required("observed_at", types.TimestampType()),
    sa.UniqueConstraint(
        "account_id", "exchange_id", "fingerprint_hash", name="uq_ccxt_orders_raw_fingerprint"
    ),
    sa.Index("ix_ccxt_orders_raw_observed", "account_id", "observed_at"),
    sa.Index("ix_ccxt_orders_raw_page", "account_id", "id"),
    sa.Index("ix_ccxt_orders_raw_fingerprint", "account_id", "fingerprint_hash"),
)

ccxt_trades_raw = schema.table(
    "ccxt_trades_raw",
    schema.key("id"),
    schema.required("account_id", types.BigIntId),
    schema.required("exchange_id", types.ShortText(64)),
    schema.required("exchange_trade_id", types.ExactText(128)),
    schema.nullable("exchange_order_id", types.ExactText(128)),
    schema.required("symbol", types.ShortText(64)),
    schema.required("raw_json", types.JsonText),
    schema.required("fingerprint_hash", types.ExactText(64)),
    schema.required("observed_at", types.TimestampType()),
    sa.UniqueConstraint(
        "account_id",
        "exchange_id",
        "symbol",
        "exchange_trade_id",
        name="uq_ccxt_trades_raw_trade",
    ),
    sa.Index("ix_ccxt_trades_raw_observed", "account_id", "observed_at"),
    sa.Index("ix_ccxt_trades_raw_page", "account_id", "id"),
    sa.Index("ix_ccxt_trades_raw_fingerprint", "account_id", "fingerprint_hash"),
    sa.Index("ix_ccxt_trades_raw_trade", "account_id", "exchange_trade_id"),
)

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

account_instruments = schema.table(
    "account_instruments",
    schema.key("account_id"),
    sa.Column("symbol", types.ShortText(64), primary_key=True),
    schema.required("terms_json", types.JsonText),
)

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
