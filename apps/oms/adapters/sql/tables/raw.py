"""Raw orders and trades as received from exchanges."""

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
)
