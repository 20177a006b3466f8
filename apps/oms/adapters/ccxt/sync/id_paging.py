"""Pages of a list whose rows have ascending numbers as ids: back from the newest, or all of them.

Such a venue returns the newest page without a start, and with one the rows from an id on. No
request names a time, so the days of history cost nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

from oms.adapters.ccxt.parsing.fields import malformed_response
from oms.adapters.ccxt.sync.raw_row_buffer import Row

#: An id of 0 reads like no id at all. The first execution of a market has it.
_FIRST_ID = 1


async def pages_back_by_id(
    read: Callable[[int | None], Awaitable[list[Row]]], page: int, since: int
) -> AsyncIterator[list[Row]]:
    """Yields all rows from ``since`` (ms) on, and older ones of the pages that hold them.

    ``read`` returns a page of the oldest rows from an id on; with ``None`` that of the newest rows.
    The ids of other accounts lie between those of this one: the range of ids that is read next is
    doubled while it holds less than a page. Raises ``ReadFailed`` for an id that is no number.
    """
    rows = await read(None)
    yield rows
    if len(rows) < page:
        return
    first, last = min(map(_number_of, rows)), max(map(_number_of, rows))
    span = last - first + 1
    while first > _FIRST_ID and not _has_older(rows, since):
        start = max(first - span, _FIRST_ID)
        rows = []
        async for more in _range_pages(read, start, first, page):
            yield more
            rows += more
        first = start
        if len(rows) < page:
            span *= 2


async def pages_from_first_id(
    read: Callable[[int], Awaitable[list[Row]]], page: int, pages_max: int
) -> AsyncIterator[list[Row]]:
    """Yields all rows, the oldest first, of ``pages_max`` pages at most.

    Raises ``ReadFailed`` for an id that is no number.
    """
    start = _FIRST_ID
    for _ in range(pages_max):
        rows = await read(start)
        yield rows
        if len(rows) < page:
            return
        start = max(map(_number_of, rows)) + 1


async def _range_pages(
    read: Callable[[int | None], Awaitable[list[Row]]], start: int, end: int, page: int
) -> AsyncIterator[list[Row]]:
    """The rows with ids from ``start`` on and below ``end``."""
    while start < end:
        rows = await read(start)
        inside = [row for row in rows if _number_of(row) < end]
        yield inside
        if len(inside) < page:
            return
        start = max(map(_number_of, inside)) + 1


def _has_older(rows: list[Row], since: int) -> bool:
    times = (row.get("timestamp") for row in rows)
    return any(at < since for at in times if isinstance(at, int) and at)


def _number_of(row: Row) -> int:
    name = str(row.get("id"))
    if not name.isdecimal():
        raise malformed_response("an id is no number")
    return int(name)
