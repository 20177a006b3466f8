"""Orders, and the memory of paper exchanges."""

from alembic import op
from sqlalchemy import Boolean, Column, Integer, PrimaryKeyConstraint, UniqueConstraint, text

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    _oms_orders()
    _paper_state()
    _paper_orders()
    _paper_trades()
    _paper_prices()


def _oms_orders() -> None:
    op.create_table(
        "oms_orders",
        Column("id", BigIntId, autoincrement=False, nullable=False),
        Column("command_id", BigIntId, nullable=True),
        Column("account_id", BigIntId, nullable=False),
        Column("symbol", ShortText(64), nullable=False),
        Column("side", ShortText(8), nullable=False),
        Column("order_type", ShortText(64), nullable=False),
        Column("status", ShortText(32), nullable=False),
        Column("state", ShortText(32), nullable=False),
        Column("is_open", Boolean(), nullable=False),
        Column("pending_change", ShortText(16), nullable=True),
        Column("strategy_id", BigIntId, server_default=text("0"), nullable=False),
        Column("position_id", BigIntId, server_default=text("0"), nullable=False),
        Column("previous_position_id", BigIntId, nullable=True),
        Column("reason", ShortText(32), server_default=text("'api'"), nullable=False),
        Column("comment", ShortText(255), nullable=True),
        Column("client_order_id", ExactText(128), nullable=True),
        Column("exchange_order_id", ExactText(128), nullable=True),
        Column("qty", DecimalType(), nullable=False),
        Column("price", DecimalType(), nullable=True),
        Column("stop_loss", DecimalType(), nullable=True),
        Column("stop_gain", DecimalType(), nullable=True),
        Column("filled_qty", DecimalType(), server_default=text("'0'"), nullable=False),
        Column("avg_fill_price", DecimalType(), nullable=True),
        Column("fill_value", ExactText(128), server_default=text("'0'"), nullable=False),
        Column("fees_json", JsonText, nullable=False),
        Column("reconciled", Boolean(), server_default=text("1"), nullable=False),
        Column("edit_replace_state", ShortText(32), nullable=True),
        Column("edit_replace_at", TimestampType(), nullable=True),
        Column("edit_replace_orphan_order_id", BigIntId, nullable=True),
        Column("edit_replace_origin_order_id", BigIntId, nullable=True),
        Column("reduce_only", Boolean(), server_default=text("0"), nullable=False),
        Column("post_only", Boolean(), server_default=text("0"), nullable=False),
        Column("new_position", Boolean(), server_default=text("0"), nullable=False),
        Column("time_in_force", ShortText(8), nullable=True),
        Column("trigger_price", DecimalType(), nullable=True),
        Column("expires_at", TimestampType(), nullable=True),
        Column("params_json", JsonText, nullable=True),
        Column("fingerprint", ExactText(64), server_default=text("''"), nullable=False),
        Column("reject_source", ShortText(16), nullable=True),
        Column("reject_code", ShortText(64), nullable=True),
        Column("reject_message", ShortText(255), nullable=True),
        Column("replaced_by", BigIntId, nullable=True),
        Column("group_id", BigIntId, nullable=True),
        Column("parent_order_id", BigIntId, nullable=True),
        Column("signal_id", BigIntId, nullable=True),
        Column("triggered_at", TimestampType(), nullable=True),
        Column("submitted_at", TimestampType(), nullable=True),
        Column("last_fill_at", TimestampType(), nullable=True),
        Column("version", Integer(), server_default=text("1"), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        Column("closed_at", TimestampType(), nullable=True),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("account_id", "client_order_id", name="uq_oms_orders_client_order_id"),
        UniqueConstraint(
            "account_id", "symbol", "exchange_order_id", name="uq_oms_orders_exchange_order_id"
        ),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_oms_orders_open", "oms_orders", ["account_id", "is_open", "id"])
    op.create_index("ix_oms_orders_page", "oms_orders", ["account_id", "id"])
    op.create_index("ix_oms_orders_strategy_id", "oms_orders", ["strategy_id", "updated_at"])
    op.create_index("ix_oms_orders_updated_at", "oms_orders", ["account_id", "updated_at"])


def _paper_state() -> None:
    op.create_table(
        "paper_state",
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("version", Integer(), nullable=False),
        Column("state_json", JsonText, nullable=False),
        Column("hash", ExactText(64), server_default=text("''"), nullable=False),
        PrimaryKeyConstraint("account_id"),
        **TABLE_OPTIONS,
    )


def _paper_orders() -> None:
    op.create_table(
        "paper_orders",
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("exchange_order_id", ExactText(128), nullable=False),
        Column("order_json", JsonText, nullable=False),
        PrimaryKeyConstraint("account_id", "exchange_order_id"),
        **TABLE_OPTIONS,
    )


def _paper_trades() -> None:
    op.create_table(
        "paper_trades",
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("trade_id", ExactText(128), nullable=False),
        Column("symbol", ShortText(64), nullable=False),
        Column("executed_at", TimestampType(), nullable=False),
        Column("trade_json", JsonText, nullable=False),
        PrimaryKeyConstraint("account_id", "trade_id"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_paper_trades_executed_at", "paper_trades", ["account_id", "executed_at"])


def _paper_prices() -> None:
    op.create_table(
        "paper_prices",
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("symbol", ShortText(64), nullable=False),
        Column("price_json", JsonText, nullable=False),
        PrimaryKeyConstraint("account_id", "symbol"),
        **TABLE_OPTIONS,
    )
