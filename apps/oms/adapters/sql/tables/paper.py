"""State of paper exchanges, separate from the ledger."""

from sqlalchemy import Column, Index, Integer, Table

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)
from oms.adapters.sql.tables.metadata import METADATA, required_column

paper_state = Table(
    "paper_state",
    METADATA,
    Column("account_id", BigIntId, primary_key=True, autoincrement=False),
    required_column("version", Integer()),
    required_column("state_json", JsonText),
    required_column("hash", ExactText(64), "''"),
    **TABLE_OPTIONS,
)

paper_orders = Table(
    "paper_orders",
    METADATA,
    Column("account_id", BigIntId, primary_key=True, autoincrement=False),
    Column("exchange_order_id", ExactText(128), primary_key=True),
    required_column("order_json", JsonText),
    **TABLE_OPTIONS,
)

paper_trades = Table(
    "paper_trades",
    METADATA,
    Column("account_id", BigIntId, primary_key=True, autoincrement=False),
    Column("trade_id", ExactText(128), primary_key=True),
    required_column("symbol", ShortText(64)),
    required_column("executed_at", TimestampType()),
    required_column("trade_json", JsonText),
    Index("ix_paper_trades_executed_at", "account_id", "executed_at"),
    **TABLE_OPTIONS,
)

paper_prices = Table(
    "paper_prices",
    METADATA,
    Column("account_id", BigIntId, primary_key=True, autoincrement=False),
    Column("symbol", ShortText(64), primary_key=True),
    required_column("price_json", JsonText),
    **TABLE_OPTIONS,
)
