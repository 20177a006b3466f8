"""The memory of paper exchanges: their own books, apart from ours."""

from sqlalchemy import Column, Index, Integer, Table

from oms.adapters.sql.tables.metadata import METADATA, needed
from oms.adapters.sql.types import ID, TABLE_OPTIONS, TS, J, S, X

paper_state = Table(
    "paper_state",
    METADATA,
    Column("account_id", ID, primary_key=True, autoincrement=False),
    needed("version", Integer()),
    needed("state_json", J),
    needed("hash", X(64), "''"),
    **TABLE_OPTIONS,
)

paper_orders = Table(
    "paper_orders",
    METADATA,
    Column("account_id", ID, primary_key=True, autoincrement=False),
    Column("exchange_order_id", X(128), primary_key=True),
    needed("order_json", J),
    **TABLE_OPTIONS,
)

paper_trades = Table(
    "paper_trades",
    METADATA,
    Column("account_id", ID, primary_key=True, autoincrement=False),
    Column("trade_id", X(128), primary_key=True),
    needed("symbol", S(64)),
    needed("executed_at", TS()),
    needed("trade_json", J),
    Index("ix_paper_trades_executed_at", "account_id", "executed_at"),
    **TABLE_OPTIONS,
)

paper_prices = Table(
    "paper_prices",
    METADATA,
    Column("account_id", ID, primary_key=True, autoincrement=False),
    Column("symbol", S(64), primary_key=True),
    needed("price_json", J),
    **TABLE_OPTIONS,
)
