"""Backtests and their results."""

from alembic import op
from sqlalchemy import Boolean, Column, Double, Index, Integer

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    """Create the tables, and the block of ids."""
    _create_runs()
    _create_results()
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('backtest', 1, 10)")


def _create_runs() -> None:
    op.create_table(
        "backtest_runs",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("kind", ShortText(16), nullable=False),
        Column("status", ShortText(16), nullable=False),
        Column("user_id", BigIntId, nullable=False),
        Column("created_by", ShortText(128), nullable=False),
        Column("strategy", ExactText(64), nullable=False),
        Column("version", ExactText(64), nullable=False),
        Column("exchange", ExactText(64), nullable=False),
        Column("symbol", ExactText(64), nullable=False),
        Column("timeframe", ExactText(4), nullable=False),
        Column("start_time", TimestampType(), nullable=True),
        Column("end_time", TimestampType(), nullable=True),
        Column("params_hash", ExactText(64), nullable=False),
        Column("data_hash", ExactText(64), nullable=True),
        Column("request_json", JsonText, nullable=False),
        Column("result_json", JsonText, nullable=True),
        Column("error", ShortText(1000), nullable=True),
        Column("is_cancel_requested", Boolean(), nullable=False),
        Column("attempts", Integer(), nullable=False),
        Column("token", BigIntId, nullable=False),
        Column("done", BigIntId, nullable=False),
        Column("total", BigIntId, nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("started_at", TimestampType(), nullable=True),
        Column("progress_at", TimestampType(), nullable=True),
        Column("ended_at", TimestampType(), nullable=True),
        Index("ix_backtest_runs_status", "status", "id"),
        Index("ix_backtest_runs_user_id", "user_id", "id"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "backtest_figures",
        Column("run_id", BigIntId, primary_key=True, autoincrement=False),
        Column("name", ExactText(64), primary_key=True),
        Column("number", Double(), nullable=False),
        Index("ix_backtest_figures_number", "name", "number", "run_id"),
        **TABLE_OPTIONS,
    )


def _create_results() -> None:
    op.create_table(
        "backtest_trades",
        Column("run_id", BigIntId, primary_key=True, autoincrement=False),
        Column("number", BigIntId, primary_key=True, autoincrement=False),
        Column("at", TimestampType(), nullable=False),
        Column("side", ShortText(8), nullable=False),
        *(Column(name, DecimalType(), nullable=False) for name in ("quantity", "price")),
        *(Column(name, DecimalType(), nullable=False) for name in ("value", "fee")),
        Column("reason", ShortText(16), nullable=False),
        Column("round_trip", BigIntId, nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "backtest_round_trips",
        Column("run_id", BigIntId, primary_key=True, autoincrement=False),
        Column("number", BigIntId, primary_key=True, autoincrement=False),
        Column("side", ShortText(8), nullable=False),
        Column("entry_time", TimestampType(), nullable=False),
        Column("entry_price", DecimalType(), nullable=False),
        Column("exit_time", TimestampType(), nullable=False),
        Column("exit_price", DecimalType(), nullable=False),
        *(Column(name, DecimalType(), nullable=False) for name in ("qty", "fees")),
        *(Column(name, DecimalType(), nullable=False) for name in ("pnl", "pnl_pct")),
        Column("bars_held", BigIntId, nullable=False),
        Column("exit_reason", ShortText(16), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "backtest_equity",
        Column("run_id", BigIntId, primary_key=True, autoincrement=False),
        Column("at", TimestampType(), primary_key=True),
        *(Column(name, DecimalType(), nullable=False) for name in ("close", "balance")),
        Column("position_value", DecimalType(), nullable=False),
        Column("total_equity", DecimalType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "backtest_combinations",
        Column("run_id", BigIntId, primary_key=True, autoincrement=False),
        Column("position", BigIntId, primary_key=True, autoincrement=False),
        Column("row_json", JsonText, nullable=False),
        **TABLE_OPTIONS,
    )
