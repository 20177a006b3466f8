"""Instruments, their candles and funding rates, and which candles are kept up to date."""

import sqlalchemy as sa

from oms.adapters.sql.connection import column_types as types
from oms.adapters.sql.tables import metadata as schema

instruments = schema.table(
    "instruments",
    schema.key("id"),
    schema.required("exchange", types.ExactText(64)),
    schema.required("symbol", types.ExactText(64)),
    schema.required("base", types.ShortText(32)),
    schema.required("quote", types.ShortText(32)),
    schema.required("asset_class", types.ShortText(16)),
    schema.required("market_type", types.ShortText(16)),
    schema.required("session", types.ShortText(16)),
    schema.required("price_tick", types.DecimalType()),
    schema.required("qty_step", types.DecimalType()),
    schema.required("min_qty", types.DecimalType()),
    schema.required("min_notional", types.DecimalType()),
    schema.required("contract_size", types.DecimalType()),
    schema.boolean("is_active"),
    schema.created_at(),
    schema.updated_at(),
    sa.Index("ux_instruments_symbol", "exchange", "symbol", unique=True),
)

candles = schema.table(
    "candles",
    schema.key("instrument_id"),
    sa.Column("timeframe", types.ExactText(4), primary_key=True),
    sa.Column("open_time", types.TimestampType(), primary_key=True),
    schema.required("open", types.DecimalType()),
    schema.required("high", types.DecimalType()),
    schema.required("low", types.DecimalType()),
    schema.required("close", types.DecimalType()),
    schema.nullable("volume", types.DecimalType()),
    schema.boolean("is_closed"),
    schema.required("source", types.ShortText(16)),
    schema.updated_at(),
)

funding_rates = schema.table(
    "funding_rates",
    schema.key("instrument_id"),
    sa.Column("at", types.TimestampType(), primary_key=True),
    schema.required("rate", types.DecimalType()),
)

candle_ingestions = schema.table(
    "candle_ingestions",
    schema.key("id"),
    schema.required("instrument_id", types.BigIntId),
    schema.required("timeframe", types.ExactText(4)),
    schema.boolean("is_enabled"),
    schema.required("start", types.TimestampType()),
    schema.nullable("fetched_at", types.TimestampType()),
    schema.nullable("newest_open", types.TimestampType()),
    schema.nullable("last_error", types.ShortText(255)),
    schema.created_at(),
    schema.updated_at(),
    sa.Index("ux_candle_ingestions_series", "instrument_id", "timeframe", unique=True),
)
