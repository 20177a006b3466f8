"""Fills every table that grows with time with rows, evenly over accounts and other owners.

Plans depend on the numbers of rows and of distinct values, so other columns have few values. What
``kit.databases.bulk_history`` fills, it fills: those rows are a history that could have been.
"""

from sqlalchemy import Boolean, Column, Date, Double, Integer, Table, UniqueConstraint

from kit.databases import bulk_history
from kit.databases.bulk_history import FIRST_ACCOUNT, FIRST_ID
from kit.databases.sql import execute, fetch_rows
from oms.adapters.sql.connection.column_types import BigIntId, DecimalType, TimestampType
from oms.adapters.sql.tables import METADATA

#: Tables to which years of trading add rows, beside those of ``bulk_history``.
OTHER = (
    *("audit_log", "command_chain", "oms_order_attempts", "ccxt_orders_raw", "ccxt_trades_raw"),
    *("equity_snapshots", "reconcile_runs", "discrepancies", "signals", "bot_events"),
    *("notification_deliveries", "candles", "funding_rates", "login_attempts", "auth_tokens"),
    *("backtest_runs", "backtest_figures", "backtest_trades"),
    *("backtest_round_trips", "backtest_equity", "api_key_usage", "research_requests"),
)
#: A table whose rows own others, filled with ``OWNERS`` rows in any past.
OWNING = ("bots",)
GROWING = frozenset((*bulk_history.TABLES, *bulk_history.ARCHIVE_TABLES, *OTHER))
#: Distinct values of columns that name an owner other than the account.
OWNERS = 20
#: Columns with another number in each row, beside the first of a key.
COUNTED = ("chain_no", "order_id", "command_id", "event_id", "number")
#: Columns by which rows are found while they are new: old rows have a final value. And keys.
GIVEN = {
    "bots.id": "seq",
    "oms_order_attempts.attempt": "1",
    "backtest_figures.run_id": f"{FIRST_ID} + seq",
    "backtest_trades.run_id": "seq - seq % 20",
    "backtest_round_trips.run_id": "seq - seq % 20",
    "backtest_equity.run_id": "seq - seq % 20",
    "candles.is_closed": "1",
    "equity_snapshots.currency": "'USDT'",
    "signals.group_signal_id": f"{FIRST_ID} + seq",
    "ccxt_orders_raw.exchange_id": "'bybit'",
    "ccxt_trades_raw.exchange_id": "'bybit'",
    "ccxt_trades_raw.symbol": "'BTC/USDT'",
    "command_chain.is_open": "0",
    "discrepancies.status": "'resolved'",
    "signals.status": "'executed'",
    "notification_deliveries.status": "'delivered'",
    "bot_events.result": "'executed'",
    "bot_events.kind": "'decision'",
    "research_requests.status": "'done'",
    "backtest_runs.status": "'done'",
    "audit_log.entity": "'account'",
    "backtest_figures.name": "'net_profit'",
    "candles.timeframe": "'1m'",
}


def fill_tables(dsn: str, *, count: int, accounts: int) -> None:
    """Insert ``count`` closed rows into each table of ``GROWING``."""
    tables = (*bulk_history.TABLES, *bulk_history.ARCHIVE_TABLES)
    bulk_history.insert_history(dsn, count=count, accounts=accounts, tables=tables)
    is_sqlite = dsn.startswith("sqlite")
    for name in (*OTHER, *OWNING):
        rows = OWNERS if name in OWNING else count
        source = f"seq_1_to_{rows}"
        if is_sqlite:
            source = (
                f"(WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n"
                f" WHERE seq < {rows}) SELECT seq FROM n)"
            )
        table = METADATA.tables[name]
        values = {
            column.name: _expression(table, column, is_sqlite, rows, accounts)
            for column in table.columns
        }
        quickly = () if is_sqlite else ("SET unique_checks = 0, foreign_key_checks = 0",)
        execute(
            dsn,
            *quickly,
            f"INSERT INTO {name} ({', '.join(values)})"
            f" SELECT {', '.join(values.values())} FROM {source} AS s",
        )
    if not is_sqlite:  # As in bulk_history: SQLite has no statistics.
        fetch_rows(dsn, f"ANALYZE TABLE {', '.join((*OTHER, *OWNING))}")


def _expression(
    table: Table, column: Column[object], is_sqlite: bool, count: int, accounts: int
) -> str:
    """The value of a column in row ``seq`` as SQL text."""
    name, unique = column.name, _unique_columns(table)
    if (given := GIVEN.get(f"{table.name}.{name}")) is not None:
        return given
    if name == "account_id":
        return f"{FIRST_ACCOUNT} + seq % {accounts}"
    if isinstance(column.type, TimestampType):
        ago = f"({count} + 1 - seq)"
        if is_sqlite:
            return f"strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-' || {ago} || ' seconds')"
        return f"NOW(6) - INTERVAL {ago} SECOND"
    if isinstance(column.type, Date):
        ago = f"({count} + 1 - seq)"
        if is_sqlite:
            return f"date('now', '-' || {ago} || ' days')"
        return f"CURRENT_DATE - INTERVAL {ago} DAY"
    is_first = name == "id" or name == next(iter(unique), None)
    if isinstance(column.type, Boolean | Integer | Double | DecimalType) or (
        column.type is BigIntId
    ):
        is_owner = name in ("instrument_id", "sink_id", "bot_id", "api_key_id", "source_id")
        if not is_owner and (is_first or name in COUNTED):
            return f"{FIRST_ID} + seq"
        return f"seq % {OWNERS} + 1" if name.endswith("_id") or name in unique else "0"
    if name in unique or name.endswith(("_id", "_hash", "_key")):
        return f"'{name[0]}' || seq" if is_sqlite else f"CONCAT('{name[0]}', seq)"
    if name == "symbol":
        return "'BTC/USDT'"
    return "'{}'" if name.endswith("_json") else "'x'"


def _unique_columns(table: Table) -> dict[str, None]:
    """The columns of the primary key and of unique keys, those that differ per row first."""
    names = [column.name for column in table.primary_key.columns]
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            names += [column.name for column in constraint.columns]
    for index in table.indexes:
        if index.unique:
            names += [column.name for column in index.columns]
    return dict.fromkeys(name for name in names if name not in ("account_id", "run_id", "kind"))
