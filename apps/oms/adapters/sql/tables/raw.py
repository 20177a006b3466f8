"""Raw orders and trades as received from exchanges."""

from sqlalchemy import Column, Index, Table, UniqueConstraint

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)
from oms.adapters.sql.tables.metadata import METADATA, nullable_column, required_column

ccxt_orders_raw = Table(
    "ccxt_orders_raw",
    METADATA,
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    required_column("account_id", BigIntId),
    required_column("exchange_id", ShortText(64)),
    nullable_column("exchange_order_id", ExactText(128)),
    nullable_column("client_order_id", ExactText(128)),
    nullable_column("symbol", ShortText(64)),
    required_column("raw_json", JsonText),
    required_column("fingerprint_hash", ExactText(64)),
    required_column("observed_at", TimestampType()),
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
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    required_column("account_id", BigIntId),
    required_column("exchange_id", ShortText(64)),
    required_column("exchange_trade_id", ExactText(128)),
    nullable_column("exchange_order_id", ExactText(128)),
    required_column("symbol", ShortText(64)),
    required_column("raw_json", JsonText),
    required_column("fingerprint_hash", ExactText(64)),
    required_column("observed_at", TimestampType()),
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
