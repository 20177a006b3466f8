"""Read faults: changes to a list in a response, in any dialect."""

import random
from datetime import datetime, timedelta
from typing import Any

from loopback.faults import Fault, FaultGroup, FaultQueue
from loopback.formatting import Json, to_ms

_TIME_KEYS = ("createdTime", "execTime", "time", "createTime", "cTime", "ts")
_TRADE_ID_KEYS = ("execId", "id", "tradeId")


def apply_read_fault(faults: FaultQueue, path: str, key: str, body: Any, now: datetime) -> Any:
    """Returns a response body, changed by a read fault; without a list it is unchanged."""
    rows = body.get("list") if isinstance(body, dict) else body
    if not isinstance(rows, list):
        return body
    fault = faults.take(FaultGroup.READ, path, key)
    if fault is None:
        return body
    rows = _change_rows(fault, rows, now)
    if not isinstance(body, dict):
        return rows
    return body | {"list": rows} | ({"nextPageCursor": ""} if fault.mode == "empty" else {})


def _change_rows(fault: Fault, rows: list[Any], now: datetime) -> list[Any]:
    match fault.mode:
        case "lag":
            since = to_ms(now - timedelta(seconds=fault.number("seconds", 5)))
            return [row for row in rows if _created_ms(row) <= since]
        case "empty":
            return []
        case "short_page":
            return rows[: int(fault.number("rows", len(rows) // 2))]
        case "null_fields":
            return [_with_nulls(row) for row in rows]
        case "no_trade_id":
            return [_without_trade_id(row) for row in rows]
        case "shuffled":
            random.Random(int(fault.number("seed", 1))).shuffle(rows)
            return rows
        case _:
            return rows[:-1]


def _created_ms(row: Json) -> int:
    """Returns the creation time of a row."""
    return next((int(row[name]) for name in _TIME_KEYS if row.get(name)), 0)


def _without_trade_id(row: Json) -> Json:
    return {name: "" if name in _TRADE_ID_KEYS else each for name, each in row.items()}


def _with_nulls(row: Any) -> Any:
    if not isinstance(row, dict):
        return None
    kept = ("symbol", "accountType", "coin", "instId", "ccy")
    return {
        name: each if name in kept and isinstance(each, str) else _null_value(each)
        for name, each in row.items()
    }


def _null_value(value: Any) -> Any:
    return [_with_nulls(row) for row in value] if isinstance(value, list) else None
