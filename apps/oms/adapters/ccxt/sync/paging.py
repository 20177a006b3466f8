"""Whole lists out of pages: by the venue's cursor, else by time, until a page is short.

No fixed number of rows ends a list.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.parsing.fields import (
    get_row_id,
    malformed_response,
    require_rows,
    to_milliseconds,
)
from oms.domain.value import value

Row = Mapping[str, Any]
_CURSOR = "nextPageCursor"
_PAGES_MAX = 10_000


@value
class TimeWindow:
    """A stretch of time, both ends within."""

    since: datetime
    until: datetime


def split_windows(since: datetime, until: datetime, window_days_max: int) -> list[TimeWindow]:
    """``since`` to ``until`` in stretches of at most so many days; 0 is no limit."""
    if not window_days_max:
        return [TimeWindow(since=since, until=until)]
    # A second short of it: venues count the ends differently.
    span = timedelta(days=window_days_max) - timedelta(seconds=1)
    spans, start = [], since
    while start <= until:
        end = min(start + span, until)
        spans.append(TimeWindow(since=start, until=end))
        start = end + timedelta(milliseconds=1)
    return spans


async def fetch_all(
    client: ExchangeClient,
    method: str,
    symbol: str | None,
    since: int | None,
    page: int | None,
    params: Mapping[str, object],
    *,
    uses_cursor: bool,
    on_duplicate: Callable[[Row, Row], None] | None = None,
    newest_first: bool = False,
    offset_param: str = "",
) -> list[Row]:
    """All rows of a list, each once. Raises ``ReadFailed``.

    ``by_cursor``: the venue says itself where the next page begins, or that there is none.
    ``newest_first``: a full page leaves out older rows; ``offset_param`` counts those seen.
    Of rows with one id the newest is page_rows; ``other`` hears of each other one, and of what stays.
    """
    rows: dict[str, Row] = {}
    if page is not None and since is not None and (newest_first or offset_param):
        pages = _pages_back(client, method, symbol, since, page, params, offset_param)
    else:
        pages = _pages(client, method, symbol, since, page, params, uses_cursor)
    async for page_rows in pages:
        for number, row in enumerate(page_rows):
            name = get_row_id(row) or f"{row.get('timestamp')}:{len(rows)}:{number}"
            key = f"{row.get('symbol')}:{name}"
            existing = rows.get(key)
            if existing is not None and existing != row:
                existing, row = sorted((existing, row), key=_version_key)
                if on_duplicate is not None:
                    on_duplicate(existing, row)
            rows[key] = row
    return list(rows.values())


def _version_key(row: Row) -> tuple[int, bool, float, int, str]:
    """The newer of two tellings has the greater; where time decides nothing, what was done does.

    Then the one that tells more: a fee, an order. The rest only makes it the same each time.
    """
    at = row.get("lastUpdateTimestamp") or row.get("timestamp") or 0
    filled_fields = sum(each not in (None, "", []) for each in row.values())
    filled = float(row.get("filled") or 0)
    return int(at), row.get("status") != "open", filled, filled_fields, repr(row)


async def _pages(
    client: ExchangeClient,
    method: str,
    symbol: str | None,
    since: int | None,
    page: int | None,
    params: Mapping[str, object],
    uses_cursor: bool,
) -> AsyncIterator[list[Row]]:
    page_params: dict[str, object] = dict(params)
    last: list[Row] = []
    for _ in range(_PAGES_MAX):
        rows = require_rows(await client.read(method, symbol, since, page, page_params), method)
        yield rows
        cursor = find_cursor(rows)
        if cursor is not None:
            page_params["cursor"] = cursor
            continue
        if uses_cursor or page is None or since is None or len(rows) < page:
            return
        newest = max(int(row.get("timestamp") or 0) for row in rows)
        if newest <= since and rows == last:
            raise malformed_response(f"{method}: a full page of one moment cannot be walked")
        # Inclusive: rows of the same moment may stand on the next page.
        since, last = max(since, newest), rows


async def _pages_back(
    client: ExchangeClient,
    method: str,
    symbol: str | None,
    since: int,
    page: int,
    params: Mapping[str, object],
    offset_param: str,
) -> AsyncIterator[list[Row]]:
    """From the newest to the oldest: by an earlier end, or past the rows that were seen."""
    page_params, seen, last = dict(params), 0, list[Row]()
    for _ in range(_PAGES_MAX):
        rows = require_rows(await client.read(method, symbol, since, page, page_params), method)
        yield rows
        if len(rows) < page:
            return
        if rows == last:
            raise malformed_response(f"{method}: a full page of one moment cannot be walked")
        seen, last = seen + len(rows), rows
        if offset_param:
            page_params[offset_param] = seen
        else:
            # Inclusive: rows of the same moment may stand on the next page.
            page_params["until"] = min(int(row.get("timestamp") or 0) for row in rows)


def find_cursor(rows: list[Row]) -> str | None:
    """Where the next page begins, as some row of this one says."""
    for row in rows:
        info = row.get("info")
        if isinstance(info, Mapping) and info.get(_CURSOR):
            return str(info[_CURSOR])
    return None


def until_params(params: Mapping[str, object], until: datetime) -> dict[str, object]:
    """The parameters of a list that ends at ``until``."""
    return {**params, "until": to_milliseconds(until)}
