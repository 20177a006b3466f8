"""What exchanges told, as they told it: the evidence behind reconciled rows."""

from sqlalchemy import Column, Index, Table, UniqueConstraint

from oms.adapters.sql.tables.metadata import METADATA, absent, needed
from oms.adapters.sql.types import ID, TABLE_OPTIONS, TS, J, S, X

ccxt_orders_raw = Table(
    "ccxt_orders_raw",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    needed("account_id", ID),
    needed("exchange_id", S(64)),
    absent("exchange_order_id", X(128)),
    absent("client_order_id", X(128)),
    absent("symbol", S(64)),
    needed("raw_json", J),
    needed("fingerprint_hash", X(64)),
    needed("observed_at", TS()),
    UniqueConstraint(
        "account_id", "exchange_id", "fingerprint_hash", name="uq_ccxt_orders_raw_fingerprint"
    ),
    Index("ix_ccxt_orders_raw_observed", "account_id", "observed_at"),
    Index("ix_ccxt_orders_raw_page", "account_id", "id"),
    **TABLE_OPTIONS,
)

ccxt_trades_raw = Table(
    "ccxt_trades_raw",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    needed("account_id", ID),
    needed("exchange_id", S(64)),
    needed("exchange_trade_id", X(128)),
    absent("exchange_order_id", X(128)),
    needed("symbol", S(64)),
    needed("raw_json", J),
    needed("fingerprint_hash", X(64)),
    needed("observed_at", TS()),
    UniqueConstraint(
        "account_id",
        "exchange_id",
        "symbol",
        "exchange_trade_id",
        name="uq_ccxt_trades_raw_trade",
    ),
    Index("ix_ccxt_trades_raw_observed", "account_id", "observed_at"),
    Index("ix_ccxt_trades_raw_page", "account_id", "id"),
    **TABLE_OPTIONS,
)
