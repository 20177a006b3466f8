"""What exchanges told of orders and trades, as they told it."""

from alembic import op
from sqlalchemy import Column, UniqueConstraint

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Two tables, and where their ids begin."""
    op.create_table(
        "ccxt_orders_raw",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=False),
        Column("exchange_id", ShortText(64), nullable=False),
        Column("exchange_order_id", ExactText(128)),
        Column("client_order_id", ExactText(128)),
        Column("symbol", ShortText(64)),
        Column("raw_json", JsonText, nullable=False),
        Column("fingerprint_hash", ExactText(64), nullable=False),
        Column("observed_at", TimestampType(), nullable=False),
        UniqueConstraint(
            "account_id", "exchange_id", "fingerprint_hash", name="uq_ccxt_orders_raw_fingerprint"
        ),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_ccxt_orders_raw_observed", "ccxt_orders_raw", ["account_id", "observed_at"])
    op.create_table(
        "ccxt_trades_raw",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=False),
        Column("exchange_id", ShortText(64), nullable=False),
        Column("exchange_trade_id", ExactText(128), nullable=False),
        Column("exchange_order_id", ExactText(128)),
        Column("symbol", ShortText(64), nullable=False),
        Column("raw_json", JsonText, nullable=False),
        Column("fingerprint_hash", ExactText(64), nullable=False),
        Column("observed_at", TimestampType(), nullable=False),
        UniqueConstraint(
            "account_id",
            "exchange_id",
            "symbol",
            "exchange_trade_id",
            name="uq_ccxt_trades_raw_trade",
        ),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_ccxt_trades_raw_observed", "ccxt_trades_raw", ["account_id", "observed_at"])
    for table in ("ccxt_orders_raw", "ccxt_trades_raw"):
        op.create_index(f"ix_{table}_page", table, ["account_id", "id"])
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('raw', 1, 100)")
