"""Whole lists from pages: by the venue's cursor, by ids, else by time, until a page is short.

No fixed number of rows ends a list.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.parsing.fields import (
    get_row_id,
    malformed_response,
    require_rows,
    to_milliseconds,
)
from oms.adapters.ccxt.sync.id_paging import pages_back_by_id, pages_from_first_id
from oms.adapters.ccxt.sync.raw_row_buffer import Row
from oms.domain.value import value

_CURSOR = "nextPageCursor"
PAGES_MAX = 10_000


@value
class TimeWindow:
    """A span of time, both ends included."""

    since: datetime
    until: datetime


def split_windows(since: datetime, until: datetime, window_days_max: int) -> list[TimeWindow]:
    """Splits a time span into spans of at most ``window_days_max`` days; 0 is no limit."""
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


def clamp_to_history(since: datetime, now: datetime, days: int) -> datetime:
    """Returns ``since``, or the start of a history of so many days; 0 is no limit."""
    return max(since, now - timedelta(days=days) + timedelta(hours=1)) if days else since


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
    from_id_param: str = "",
    before_id_param: str = "",
    first_id_param: str = "",
    pages_max: int = PAGES_MAX,
) -> list[Row]:
    """Returns all rows of a list, each once. Raises ``ReadFailed``.

    ``uses_cursor``: the venue returns a cursor of the next page, or none at the end.
    ``newest_first``: a full page leaves out older rows; ``offset_param`` skips those read.
    ``from_id_param`` starts a page at an id: the pages are read without a time, and may have rows
    before ``since``; ``first_id_param`` reads all rows so, from the first, of ``pages_max`` pages
    at most. ``before_id_param`` asks for rows older than the one with that id. Of rows with one id
    the newest version is returned; ``on_duplicate`` gets each older version and the newest.
    """
    rows: dict[str, Row] = {}
    if first_id_param and page is not None:
        pages = _pages_from_first_id(
            client, method, symbol, page, params, first_id_param, pages_max
        )
    elif from_id_param and page is not None and since is not None:
        pages = _pages_by_id(client, method, symbol, since, page, params, from_id_param)
    elif page is not None and since is not None and before_id_param:
        pages = _pages_before_id(client, method, symbol, since, page, params, before_id_param)
    elif page is not None and since is not None and (newest_first or offset_param):
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
    """Sorts versions of a row: the newer, then the closed, the more filled, the more complete one.

    The last element only makes the order deterministic.
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
    for _ in range(PAGES_MAX):
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
            raise malformed_response(f"{method}: a full page with one timestamp cannot be paged")
        # Inclusive: rows of the same time may be on the next page.
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
    """From the newest to the oldest: by an earlier end, or by an offset."""
    page_params, seen, last = dict(params), 0, list[Row]()
    for _ in range(PAGES_MAX):
        rows = require_rows(await client.read(method, symbol, since, page, page_params), method)
        yield rows
        if len(rows) < page:
            return
        if rows == last:
            raise malformed_response(f"{method}: a full page with one timestamp cannot be paged")
        seen, last = seen + len(rows), rows
        if offset_param:
            page_params[offset_param] = seen
        else:
            # Inclusive: rows of the same time may be on the next page.
            page_params["until"] = min(int(row.get("timestamp") or 0) for row in rows)


async def _pages_before_id(
    client: ExchangeClient,
    method: str,
    symbol: str | None,
    since: int,
    page: int,
    params: Mapping[str, object],
    before_id_param: str,
) -> AsyncIterator[list[Row]]:
    """From the newest to the oldest, by the id of the oldest row so far."""
    page_params, last = dict(params), ""
    for _ in range(PAGES_MAX):
        rows = require_rows(await client.read(method, symbol, since, page, page_params), method)
        yield rows
        oldest = min(rows, key=_age_key, default=None)
        if oldest is None or len(rows) < page or int(oldest.get("timestamp") or 0) < since:
            return
        name = _id_in_info(oldest) or get_row_id(oldest)
        if name is None or name == last:
            raise malformed_response(f"{method}: a full page without ids cannot be paged")
        page_params[before_id_param] = last = name


def _age_key(row: Row) -> tuple[int, int, str]:
    """Sorts rows by age, those of one moment by their ascending ids."""
    name = _id_in_info(row) or get_row_id(row) or ""
    return int(row.get("timestamp") or 0), len(name), name


def _id_in_info(row: Row) -> str | None:
    """The id as the venue sent it: ccxt turns some into numbers that are no integers."""
    info = row.get("info")
    return get_row_id(info) if isinstance(info, Mapping) else None


def _pages_by_id(
    client: ExchangeClient,
    method: str,
    symbol: str | None,
    since: int,
    page: int,
    params: Mapping[str, object],
    from_id_param: str,
) -> AsyncIterator[list[Row]]:
    async def read(first: int | None) -> list[Row]:
        more = {} if first is None else {from_id_param: first}
        answer = await client.read(method, symbol, None, page, {**params, **more})
        return require_rows(answer, method)

    return pages_back_by_id(read, page, since)


def _pages_from_first_id(
    client: ExchangeClient,
    method: str,
    symbol: str | None,
    page: int,
    params: Mapping[str, object],
    first_id_param: str,
    pages_max: int,
) -> AsyncIterator[list[Row]]:
    async def read(first: int) -> list[Row]:
        more = {first_id_param: first}
        return require_rows(
            await client.read(method, symbol, None, page, {**params, **more}), method
        )

    return pages_from_first_id(read, page, pages_max)


def find_cursor(rows: list[Row]) -> str | None:
    """Returns the cursor of the next page, which any row of this one may have."""
    for row in rows:
        info = row.get("info")
        if isinstance(info, Mapping) and info.get(_CURSOR):
            return str(info[_CURSOR])
    return None


def until_params(params: Mapping[str, object], until: datetime) -> dict[str, object]:
    """Returns the parameters of a list that ends at ``until``."""
    return {**params, "until": to_milliseconds(until)}
