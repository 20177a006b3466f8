"""Rows of ``backtest_runs`` and of the results of runs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.tables import backtests
from oms.domain.money import round_to_scale
from oms.ports.research.backtest_runs import (
    BacktestKind,
    BacktestOrder,
    BacktestStatus,
    Row,
    StoredBacktest,
)
from oms.wire.json import dumps, loads_fast

COLUMNS = tuple(each.name for each in backtests.backtest_runs.columns if each.name != "token")
INSERT = BulkInsert(table="backtest_runs", columns=(*COLUMNS, "token"))
SELECT = f"SELECT {', '.join(f'r.{name}' for name in COLUMNS)} FROM backtest_runs r"

TRADES = ("at", "side", "quantity", "price", "value", "fee", "reason", "round_trip")
ROUND_TRIPS = (
    *("side", "entry_time", "entry_price", "exit_time", "exit_price", "qty", "fees"),
    *("pnl", "pnl_pct", "bars_held", "exit_reason"),
)
POINTS = ("at", "close", "balance", "position_value", "total_equity")
#: Tables of results with their columns beside ``run_id``.
RESULTS: Mapping[str, tuple[str, ...]] = {
    "backtest_figures": ("name", "number"),
    "backtest_trades": ("number", *TRADES),
    "backtest_round_trips": ("number", *ROUND_TRIPS),
    "backtest_equity": POINTS,
    "backtest_combinations": ("position", "row_json"),
}
_TIMES = frozenset({"at", "entry_time", "exit_time"})
_PLAIN = frozenset({"number", "side", "reason", "round_trip", "bars_held", "exit_reason"})


def backtest_to_row(run_id: int, order: BacktestOrder, dialect: Dialect) -> tuple[Any, ...]:
    """Return the values of a queued backtest, in the order of ``INSERT``."""
    known = {
        "id": run_id,
        "kind": order.kind.value,
        "status": BacktestStatus.QUEUED.value,
        "user_id": order.user_id,
        "created_by": order.created_by,
        "strategy": order.strategy,
        "version": order.version,
        "exchange": order.exchange,
        "symbol": order.symbol,
        "timeframe": order.timeframe,
        "start_time": dialect.encode_optional_time(order.start),
        "end_time": dialect.encode_optional_time(order.end),
        "params_hash": order.params_hash,
        "request_json": dumps(order.request),
        "is_cancel_requested": False,
        **dict.fromkeys(("attempts", "done", "total", "token"), 0),
        "created_at": dialect.encode_time(order.created_at),
    }
    return tuple(known.get(name) for name in INSERT.columns)


def backtest_from_row(values: Sequence[Any], dialect: Dialect) -> StoredBacktest:
    """Return the backtest of a row of ``SELECT``."""
    row = dict(zip(COLUMNS, values, strict=False))
    order = BacktestOrder(
        kind=BacktestKind(row["kind"]),
        user_id=row["user_id"],
        created_by=row["created_by"],
        created_at=dialect.decode_time(row["created_at"]),
        strategy=row["strategy"],
        version=row["version"],
        exchange=row["exchange"],
        symbol=row["symbol"],
        timeframe=row["timeframe"],
        start=dialect.decode_optional_time(row["start_time"]),
        end=dialect.decode_optional_time(row["end_time"]),
        params_hash=row["params_hash"],
        request=loads_fast(row["request_json"]),
    )
    return StoredBacktest(
        id=row["id"],
        order=order,
        status=BacktestStatus(row["status"]),
        is_cancel_requested=bool(row["is_cancel_requested"]),
        attempts=row["attempts"],
        done=row["done"],
        total=row["total"],
        started_at=dialect.decode_optional_time(row["started_at"]),
        progress_at=dialect.decode_optional_time(row["progress_at"]),
        ended_at=dialect.decode_optional_time(row["ended_at"]),
        data_hash=row["data_hash"],
        result=None if row["result_json"] is None else loads_fast(row["result_json"]),
        error=row["error"],
    )


def result_to_row(
    run_id: int, columns: Sequence[str], row: Row, dialect: Dialect
) -> tuple[Any, ...]:
    """Return the values of a row of a result; amounts are rounded to 18 decimals."""
    return (run_id, *(_encode(row[name], dialect) for name in columns))


def result_from_row(columns: Sequence[str], values: Sequence[Any], dialect: Dialect) -> Row:
    """Return a row of a result."""
    return {
        name: _decode(name, value, dialect) for name, value in zip(columns, values, strict=True)
    }


def _encode(value: Any, dialect: Dialect) -> Any:
    if isinstance(value, Decimal):
        return dialect.encode_decimal(round_to_scale(value))
    return dialect.encode_time(value) if isinstance(value, datetime) else value


def _decode(name: str, value: Any, dialect: Dialect) -> Any:
    if name in _PLAIN:
        return value
    return dialect.decode_time(value) if name in _TIMES else dialect.decode_decimal(value)
