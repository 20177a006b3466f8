"""Pages of a list, and what a fault makes of one."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import unquote

from loopback.bybit.errors import bad
from loopback.bybit.names import Json, ms
from loopback.faults import Group
from loopback.gate import Gate

Row = TypeVar("Row")
SPAN_MS = 7 * 86_400_000


def page(rows: Sequence[Row], params: Mapping[str, Any], limit: int) -> tuple[list[Row], str]:
    """A page of rows, and the cursor of the next; "" where there is none."""
    cursor = unquote(str(params.get("cursor") or ""))
    if cursor and not cursor.startswith("page:"):
        raise bad("cursor invalid")
    first = int(cursor.partition(":")[2]) if cursor else 0
    end = first + limit
    return list(rows[first:end]), f"page:{end}" if end < len(rows) else ""


def in_time(
    rows: Sequence[Row], params: Mapping[str, Any], now_ms: int, at: Callable[[Row], int]
) -> list[Row]:
    """Rows of the window that is asked for, seven days at most, the newest first.

    Raises ``Refusal`` for a longer one.
    """
    start, end = (_time(params, name) for name in ("startTime", "endTime"))
    if start is None and end is None:
        start, end = now_ms - SPAN_MS, now_ms + 1000
    elif end is None:
        assert start is not None
        end = start + SPAN_MS
    elif start is None:
        start = end - SPAN_MS
    elif end - start > SPAN_MS:
        raise bad("The time range between startTime and endTime cannot exceed 7 days")
    return [row for row in reversed(rows) if start <= at(row) <= end]


def spoiled(gate: Gate, path: str, key: str, told: Json, now: datetime) -> Json:
    """An answer as a fault of reads leaves it; other answers are as they were."""
    rows = told.get("list")
    if not isinstance(rows, list):
        return told
    fault = gate.faults.take(Group.READ, path, key)
    if fault is None:
        return told
    match fault.mode:
        case "lag":
            since = ms(now - timedelta(seconds=fault.number("seconds", 5)))
            told["list"] = [row for row in rows if _made(row) <= since]
        case "empty":
            told["list"], told["nextPageCursor"] = [], ""
        case "short_page":
            told["list"] = rows[: int(fault.number("rows", len(rows) // 2))]
        case "null_fields":
            told["list"] = [_nulled(row) for row in rows]
        case "no_trade_id":
            told["list"] = [row | {"execId": ""} if "execId" in row else row for row in rows]
        case "shuffled":
            random.Random(int(fault.number("seed", 1))).shuffle(rows)
        case "missing_leg":
            told["list"] = rows[:-1]
    return told


def _time(params: Mapping[str, Any], name: str) -> int | None:
    told = str(params.get(name) or "")
    if told and not told.isdigit():
        raise bad(f"{name} invalid")
    return int(told) if told else None


def _made(row: Json) -> int:
    """When a row came into being, as it says itself."""
    return int(row.get("createdTime") or row.get("execTime") or 0)


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
