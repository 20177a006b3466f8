"""Orders, and the memory of paper exchanges."""

from alembic import op
from sqlalchemy import Boolean, Column, Integer, PrimaryKeyConstraint, UniqueConstraint, text

from oms.adapters.sql.types import DEC, ID, TABLE_OPTIONS, TS, J, S, X

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
        Column("id", ID, autoincrement=False, nullable=False),
        Column("command_id", ID, nullable=True),
        Column("account_id", ID, nullable=False),
        Column("symbol", S(64), nullable=False),
        Column("side", S(8), nullable=False),
        Column("order_type", S(64), nullable=False),
        Column("status", S(32), nullable=False),
        Column("state", S(32), nullable=False),
        Column("is_open", Boolean(), nullable=False),
        Column("pending_change", S(16), nullable=True),
        Column("strategy_id", ID, server_default=text("0"), nullable=False),
        Column("position_id", ID, server_default=text("0"), nullable=False),
        Column("previous_position_id", ID, nullable=True),
        Column("reason", S(32), server_default=text("'api'"), nullable=False),
        Column("comment", S(255), nullable=True),
        Column("client_order_id", X(128), nullable=True),
        Column("exchange_order_id", X(128), nullable=True),
        Column("qty", DEC(), nullable=False),
        Column("price", DEC(), nullable=True),
        Column("stop_loss", DEC(), nullable=True),
        Column("stop_gain", DEC(), nullable=True),
        Column("filled_qty", DEC(), server_default=text("'0'"), nullable=False),
        Column("avg_fill_price", DEC(), nullable=True),
        Column("fill_value", X(128), server_default=text("'0'"), nullable=False),
        Column("fees_json", J, nullable=False),
        Column("reconciled", Boolean(), server_default=text("1"), nullable=False),
        Column("edit_replace_state", S(32), nullable=True),
        Column("edit_replace_at", TS(), nullable=True),
        Column("edit_replace_orphan_order_id", ID, nullable=True),
        Column("edit_replace_origin_order_id", ID, nullable=True),
        Column("reduce_only", Boolean(), server_default=text("0"), nullable=False),
        Column("post_only", Boolean(), server_default=text("0"), nullable=False),
        Column("new_position", Boolean(), server_default=text("0"), nullable=False),
        Column("time_in_force", S(8), nullable=True),
        Column("trigger_price", DEC(), nullable=True),
        Column("expires_at", TS(), nullable=True),
        Column("params_json", J, nullable=True),
        Column("fingerprint", X(64), server_default=text("''"), nullable=False),
        Column("reject_source", S(16), nullable=True),
        Column("reject_code", S(64), nullable=True),
        Column("reject_message", S(255), nullable=True),
        Column("replaced_by", ID, nullable=True),
        Column("group_id", ID, nullable=True),
        Column("parent_order_id", ID, nullable=True),
        Column("signal_id", ID, nullable=True),
        Column("triggered_at", TS(), nullable=True),
        Column("submitted_at", TS(), nullable=True),
        Column("last_fill_at", TS(), nullable=True),
        Column("version", Integer(), server_default=text("1"), nullable=False),
        Column("created_at", TS(), nullable=False),
        Column("updated_at", TS(), nullable=False),
        Column("closed_at", TS(), nullable=True),
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
        Column("account_id", ID, autoincrement=False, nullable=False),
        Column("version", Integer(), nullable=False),
        Column("state_json", J, nullable=False),
        Column("hash", X(64), server_default=text("''"), nullable=False),
        PrimaryKeyConstraint("account_id"),
        **TABLE_OPTIONS,
    )


def _paper_orders() -> None:
    op.create_table(
        "paper_orders",
        Column("account_id", ID, autoincrement=False, nullable=False),
        Column("exchange_order_id", X(128), nullable=False),
        Column("order_json", J, nullable=False),
        PrimaryKeyConstraint("account_id", "exchange_order_id"),
        **TABLE_OPTIONS,
    )


def _paper_trades() -> None:
    op.create_table(
        "paper_trades",
        Column("account_id", ID, autoincrement=False, nullable=False),
        Column("trade_id", X(128), nullable=False),
        Column("symbol", S(64), nullable=False),
        Column("executed_at", TS(), nullable=False),
        Column("trade_json", J, nullable=False),
        PrimaryKeyConstraint("account_id", "trade_id"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_paper_trades_executed_at", "paper_trades", ["account_id", "executed_at"])


def _paper_prices() -> None:
    op.create_table(
        "paper_prices",
        Column("account_id", ID, autoincrement=False, nullable=False),
        Column("symbol", S(64), nullable=False),
        Column("price_json", J, nullable=False),
        PrimaryKeyConstraint("account_id", "symbol"),
        **TABLE_OPTIONS,
    )
