"""Rows of raw exchange payloads."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.statement_batch import StatementBatch
from oms.ports.raw_payloads import RawOrder, RawPayload, RawTrade

_ORDER = (
    "id",
    "account_id",
    "exchange_id",
    "exchange_order_id",
    "client_order_id",
    "symbol",
    "raw_json",
    "fingerprint_hash",
    "observed_at",
)
_TRADE = (
    "id",
    "account_id",
    "exchange_id",
    "exchange_trade_id",
    "exchange_order_id",
    "symbol",
    "raw_json",
    "fingerprint_hash",
    "observed_at",
)
ORDER_COLUMNS, TRADE_COLUMNS = ", ".join(_ORDER), ", ".join(_TRADE)
_UPSERT_ORDER = BulkInsert(
    table="ccxt_orders_raw",
    columns=_ORDER,
    key=("account_id", "exchange_id", "fingerprint_hash"),
    update_columns=("symbol",),
)
_UPSERT_TRADE = BulkInsert(
    table="ccxt_trades_raw",
    columns=_TRADE,
    key=("account_id", "exchange_id", "symbol", "exchange_trade_id"),
    update_columns=("symbol",),
)


def add_to(batch: StatementBatch, rows: Sequence[RawPayload]) -> None:
    """Append the statements that insert the payloads; existing rows stay."""
    dialect = batch.dialect
    orders = [_order_to_row(row, dialect) for row in rows if isinstance(row, RawOrder)]
    trades = [_trade_to_row(row, dialect) for row in rows if isinstance(row, RawTrade)]
    _UPSERT_ORDER.add_to(batch, orders)
    _UPSERT_TRADE.add_to(batch, trades)


def raw_order_from_row(row: Any, dialect: Dialect) -> RawOrder:
    """Return the payload of a row of ``ORDER_COLUMNS``."""
    return RawOrder(
        id=row[0],
        account_id=row[1],
        exchange_id=row[2],
        exchange_order_id=row[3],
        client_order_id=row[4],
        symbol=row[5],
        raw=row[6],
        fingerprint=row[7],
        observed_at=dialect.decode_time(row[8]),
    )


def raw_trade_from_row(row: Any, dialect: Dialect) -> RawTrade:
    """Return the payload of a row of ``TRADE_COLUMNS``."""
    return RawTrade(
        id=row[0],
        account_id=row[1],
        exchange_id=row[2],
        exchange_trade_id=row[3],
        exchange_order_id=row[4],
        symbol=row[5],
        raw=row[6],
        fingerprint=row[7],
        observed_at=dialect.decode_time(row[8]),
    )


def _order_to_row(row: RawOrder, dialect: Dialect) -> tuple[Any, ...]:
    return (
        row.id,
        row.account_id,
        row.exchange_id,
        row.exchange_order_id,
        row.client_order_id,
        row.symbol,
        row.raw,
        row.fingerprint,
        dialect.encode_time(row.observed_at),
    )


def _trade_to_row(row: RawTrade, dialect: Dialect) -> tuple[Any, ...]:
    return (
        row.id,
        row.account_id,
        row.exchange_id,
        row.exchange_trade_id,
        row.exchange_order_id,
        row.symbol,
        row.raw,
        row.fingerprint,
        dialect.encode_time(row.observed_at),
    )
