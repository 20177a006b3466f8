"""Paper exchange state, raw payloads, request budgets and reconciliation results."""

from alembic import op
from sqlalchemy import Column, Integer, UniqueConstraint, text

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)


def create_tables() -> None:
    """Create the tables with their indexes."""
    _paper_state()
    _paper_orders()
    _paper_trades()
    _paper_prices()
    _ccxt_orders_raw()
    _ccxt_trades_raw()
    _rate_chunks()
    _reconciliation_cursor()
    _reconcile_runs()
    _discrepancies()


def _paper_state() -> None:
    op.create_table(
        "paper_state",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("version", Integer(), nullable=False),
        Column("state_json", JsonText, nullable=False),
        Column("hash", ExactText(64), nullable=False, server_default=text("''")),
        **TABLE_OPTIONS,
    )


def _paper_orders() -> None:
    op.create_table(
        "paper_orders",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("exchange_order_id", ExactText(128), primary_key=True),
        Column("order_json", JsonText, nullable=False),
        **TABLE_OPTIONS,
    )


def _paper_trades() -> None:
    op.create_table(
        "paper_trades",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("trade_id", ExactText(128), primary_key=True),
        Column("symbol", ShortText(64), nullable=False),
        Column("executed_at", TimestampType(), nullable=False),
        Column("trade_json", JsonText, nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_paper_trades_executed_at", "paper_trades", ["account_id", "executed_at"])


def _paper_prices() -> None:
    op.create_table(
        "paper_prices",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("symbol", ShortText(64), primary_key=True),
        Column("price_json", JsonText, nullable=False),
        **TABLE_OPTIONS,
    )


def _ccxt_orders_raw() -> None:
    op.create_table(
        "ccxt_orders_raw",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=False),
        Column("exchange_id", ShortText(64), nullable=False),
        Column("exchange_order_id", ExactText(128), nullable=True),
        Column("client_order_id", ExactText(128), nullable=True),
        Column("symbol", ShortText(64), nullable=True),
        Column("raw_json", JsonText, nullable=False),
        Column("fingerprint_hash", ExactText(64), nullable=False),
        Column("observed_at", TimestampType(), nullable=False),
        UniqueConstraint(
            "account_id", "exchange_id", "fingerprint_hash", name="uq_ccxt_orders_raw_fingerprint"
        ),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_ccxt_orders_raw_observed", "ccxt_orders_raw", ["account_id", "observed_at"])
    op.create_index("ix_ccxt_orders_raw_page", "ccxt_orders_raw", ["account_id", "id"])


def _ccxt_trades_raw() -> None:
    op.create_table(
        "ccxt_trades_raw",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=False),
        Column("exchange_id", ShortText(64), nullable=False),
        Column("exchange_trade_id", ExactText(128), nullable=False),
        Column("exchange_order_id", ExactText(128), nullable=True),
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
    op.create_index("ix_ccxt_trades_raw_page", "ccxt_trades_raw", ["account_id", "id"])


def _rate_chunks() -> None:
    op.create_table(
        "rate_chunks",
        Column("scope", ExactText(128), primary_key=True),
        Column("second", BigIntId, primary_key=True, autoincrement=False),
        Column("used", BigIntId, nullable=False),
        **TABLE_OPTIONS,
    )


def _reconciliation_cursor() -> None:
    op.create_table(
        "reconciliation_cursor",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("entity", ShortText(96), primary_key=True),
        Column("cursor_value", ShortText(255), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )


def _reconcile_runs() -> None:
    op.create_table(
        "reconcile_runs",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=False),
        Column("scope", ShortText(16), nullable=False),
        Column("started_at", TimestampType(), nullable=False),
        Column("finished_at", TimestampType(), nullable=False),
        Column("counts_json", JsonText, nullable=False),
        Column("error", ShortText(255), nullable=True),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_reconcile_runs_account_id", "reconcile_runs", ["account_id", "id"])
    op.create_index("ix_reconcile_runs_started_at", "reconcile_runs", ["started_at"])


def _discrepancies() -> None:
    op.create_table(
        "discrepancies",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=False),
        Column("class", ShortText(32), nullable=False),
        Column("symbol", ShortText(64), nullable=True),
        Column("subject", ExactText(255), nullable=False),
        Column("status", ShortText(16), nullable=False),
        Column("policy", ShortText(16), nullable=False),
        Column("evidence_json", JsonText, nullable=False),
        Column("fix_json", JsonText, nullable=True),
        Column("first_seen", TimestampType(), nullable=False),
        Column("last_seen", TimestampType(), nullable=False),
        Column("decided_by", ShortText(128), nullable=True),
        Column("comment", ShortText(255), nullable=True),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_discrepancies_account_id", "discrepancies", ["account_id", "status", "id"])
