"""Cursors and time windows of Bybit's lists."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote

from loopback.bybit.errors import invalid_request

Row = TypeVar("Row")
WINDOW_MS_MAX = 7 * 86_400_000


def paginate(rows: Sequence[Row], params: Mapping[str, Any], limit: int) -> tuple[list[Row], str]:
    """Returns a page of rows and the cursor of the next one; "" for the last page."""
    cursor = unquote(str(params.get("cursor") or ""))
    if cursor and not cursor.startswith("page:"):
        raise invalid_request("cursor invalid")
    first = int(cursor.partition(":")[2]) if cursor else 0
    end = first + limit
    return list(rows[first:end]), f"page:{end}" if end < len(rows) else ""


def filter_window(
    rows: Sequence[Row], params: Mapping[str, Any], now_ms: int, timestamp_of: Callable[[Row], int]
) -> list[Row]:
    """Returns the rows of the requested window, the newest first.

    Raises ``ApiError`` for a window of more than seven days.
    """
    start, end = (_timestamp(params, name) for name in ("startTime", "endTime"))
    if start is None and end is None:
        start, end = now_ms - WINDOW_MS_MAX, now_ms + 1000
    elif end is None:
        assert start is not None
        end = start + WINDOW_MS_MAX
    elif start is None:
        start = end - WINDOW_MS_MAX
    elif end - start > WINDOW_MS_MAX:
        raise invalid_request("The time range between startTime and endTime cannot exceed 7 days")
    return [row for row in reversed(rows) if start <= timestamp_of(row) <= end]


def _timestamp(params: Mapping[str, Any], name: str) -> int | None:
    value = str(params.get(name) or "")
    if value and not value.isdigit():
        raise invalid_request(f"{name} invalid")
    return int(value) if value else None
