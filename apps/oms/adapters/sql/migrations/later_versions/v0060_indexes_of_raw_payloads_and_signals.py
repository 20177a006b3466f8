"""Indexes by which stored payloads of an account are recognised, and its signals are listed."""

from alembic import op

revision = "0060"
down_revision = "0056"


def upgrade() -> None:
    """Create the indexes."""
    for table in ("ccxt_orders_raw", "ccxt_trades_raw"):
        op.create_index(f"ix_{table}_fingerprint", table, ["account_id", "fingerprint_hash"])
    op.create_index(
        "ix_ccxt_trades_raw_trade", "ccxt_trades_raw", ["account_id", "exchange_trade_id"]
    )
    op.create_index("ix_signals_page", "signals", ["account_id", "id"])
