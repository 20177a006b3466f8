"""What a fault makes of a list that was read, in any dialect."""

import random
from datetime import datetime, timedelta
from typing import Any

from loopback.formatting import Json, to_ms
from loopback.server.faults import Fault, FaultGroup
from loopback.server.request_filter import RequestFilter

_TIMES = ("createdTime", "execTime", "time", "createTime")
_TRADE_IDS = ("execId", "id")


def apply_read_fault(gate: RequestFilter, path: str, key: str, told: Any, now: datetime) -> Any:
    """An answer as a fault of reads leaves it; what holds no list is as it was."""
    rows = told.get("list") if isinstance(told, dict) else told
    if not isinstance(rows, list):
        return told
    fault = gate.faults.take(FaultGroup.READ, path, key)
    if fault is None:
        return told
    rows = _rows(fault, rows, now)
    if not isinstance(told, dict):
        return rows
    return told | {"list": rows} | ({"nextPageCursor": ""} if fault.mode == "empty" else {})


def _rows(fault: Fault, rows: list[Any], now: datetime) -> list[Any]:
    match fault.mode:
        case "lag":
            since = to_ms(now - timedelta(seconds=fault.number("seconds", 5)))
            return [row for row in rows if _made(row) <= since]
        case "empty":
            return []
        case "short_page":
            return rows[: int(fault.number("rows", len(rows) // 2))]
        case "null_fields":
            return [_nulled(row) for row in rows]
        case "no_trade_id":
            return [_nameless(row) for row in rows]
        case "shuffled":
            random.Random(int(fault.number("seed", 1))).shuffle(rows)
            return rows
        case _:
            return rows[:-1]


def _made(row: Json) -> int:
    """When a row came into being, as it says itself."""
    return next((int(row[name]) for name in _TIMES if row.get(name)), 0)


def _nameless(row: Json) -> Json:
    return {name: "" if name in _TRADE_IDS else each for name, each in row.items()}


def _nulled(row: Any) -> Any:
    if not isinstance(row, dict):
        return None
    kept = ("symbol", "accountType", "coin")
    return {
        name: each if name in kept and isinstance(each, str) else _inner(each)
        for name, each in row.items()
    }


def _inner(each: Any) -> Any:
    return [_nulled(row) for row in each] if isinstance(each, list) else None
