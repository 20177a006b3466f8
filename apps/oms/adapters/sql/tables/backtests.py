"""Backtests: requests, figures, executions, round trips, equity curves, rows of sweeps."""

import sqlalchemy as sa

from oms.adapters.sql.connection import column_types as types
from oms.adapters.sql.tables import metadata as schema

backtest_runs = schema.table(
    "backtest_runs",
    schema.key("id"),
    schema.required("kind", types.ShortText(16)),
    schema.required("status", types.ShortText(16)),
    schema.required("user_id", types.BigIntId),
    schema.required("created_by", types.ShortText(128)),
    schema.required("strategy", types.ExactText(64)),
    schema.required("version", types.ExactText(64)),
    schema.required("exchange", types.ExactText(64)),
    schema.required("symbol", types.ExactText(64)),
    schema.required("timeframe", types.ExactText(4)),
    schema.nullable("start_time", types.TimestampType()),
    schema.nullable("end_time", types.TimestampType()),
    schema.required("params_hash", types.ExactText(64)),
    schema.nullable("data_hash", types.ExactText(64)),
    schema.required("request_json", types.JsonText),
    schema.nullable("result_json", types.JsonText),
    schema.nullable("error", types.ShortText(1000)),
    schema.boolean("is_cancel_requested"),
    schema.required("attempts", sa.Integer()),
    schema.required("token", types.BigIntId),
    schema.required("done", types.BigIntId),
    schema.required("total", types.BigIntId),
    schema.created_at(),
    schema.nullable("started_at", types.TimestampType()),
    schema.nullable("progress_at", types.TimestampType()),
    schema.nullable("ended_at", types.TimestampType()),
    sa.Index("ix_backtest_runs_status", "status", "id"),
    sa.Index("ix_backtest_runs_user_id", "user_id", "id"),
)

backtest_figures = schema.table(
    "backtest_figures",
    schema.key("run_id"),
    sa.Column("name", types.ExactText(64), primary_key=True),
    schema.required("number", sa.Double()),
    sa.Index("ix_backtest_figures_number", "name", "number", "run_id"),
)

backtest_trades = schema.table(
    "backtest_trades",
    schema.key("run_id"),
    schema.key("number"),
    schema.required("at", types.TimestampType()),
    schema.required("side", types.ShortText(8)),
    schema.required("quantity", types.DecimalType()),
    schema.required("price", types.DecimalType()),
    schema.required("value", types.DecimalType()),
    schema.required("fee", types.DecimalType()),
    schema.required("reason", types.ShortText(16)),
    schema.required("round_trip", types.BigIntId),
)

backtest_round_trips = schema.table(
    "backtest_round_trips",
    schema.key("run_id"),
    schema.key("number"),
    schema.required("side", types.ShortText(8)),
    schema.required("entry_time", types.TimestampType()),
    schema.required("entry_price", types.DecimalType()),
    schema.required("exit_time", types.TimestampType()),
    schema.required("exit_price", types.DecimalType()),
    schema.required("qty", types.DecimalType()),
    schema.required("fees", types.DecimalType()),
    schema.required("pnl", types.DecimalType()),
    schema.required("pnl_pct", types.DecimalType()),
    schema.required("bars_held", types.BigIntId),
    schema.required("exit_reason", types.ShortText(16)),
)

backtest_equity = schema.table(
    "backtest_equity",
    schema.key("run_id"),
    sa.Column("at", types.TimestampType(), primary_key=True),
    schema.required("close", types.DecimalType()),
    schema.required("balance", types.DecimalType()),
    schema.required("position_value", types.DecimalType()),
    schema.required("total_equity", types.DecimalType()),
)

backtest_combinations = schema.table(
    "backtest_combinations",
    schema.key("run_id"),
    schema.key("position"),
    schema.required("row_json", types.JsonText),
)
