"""Exports of orders, positions and deals: all rows of a filter as one CSV or JSON file.

The rows are read and sent in pages, so that a long export needs little memory. Each page is a read
of its own: rows changed meanwhile are exported as they are then. Few exports run at a time, since
each is charged to the rate limit as one read.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from oms.api.context import Caller, admit_caller, api_context
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.row_views import marked_rows, marks_of
from oms.domain.access import Principal
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery, Page
from oms.wire import parameters as p
from oms.wire.csv_text import csv_lines
from oms.wire.json import dumps_fast
from oms.wire.order_query import read_orders_query
from oms.wire.performance.marked_positions import MarkedPositionRow
from oms.wire.query_parameters import malformed_parameter, read_history_query
from oms.wire.responses.ledger_rows import DealRow, OrderRow, deal_row, order_row

router = APIRouter()

Item = TypeVar("Item")
Rows = Sequence[Mapping[str, Any]]
ReadPage = Callable[[HistoryQuery], Awaitable[tuple[Rows, int | None]]]
"""Returns the rows of a page, and the id after which the next one begins."""

JSON, CSV = "json", "csv"


class ExportResponse(StreamingResponse):
    """A streamed file, of comma-separated values by default."""

    media_type = "text/csv"

    def __init__(
        self,
        text: AsyncIterator[str],
        status_code: int = 200,
        *,
        file_name: str,
        media_type: str | None = None,
        on_end: Callable[[], None],
    ) -> None:
        headers = {"content-disposition": f'attachment; filename="{file_name}"'}
        super().__init__(text, status_code, headers, media_type)
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file; ``on_end`` is called when it was sent or given up."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_end()


@router.get(
    "/oms/export/orders",
    response_class=ExportResponse,
    openapi_extra=documented(
        str, query=p.ORDERS_EXPORT, errors=UNKNOWN_ID, also_as={"application/json": list[OrderRow]}
    ),
)
async def export_orders(request: Request) -> Response:
    """Stream orders of any status as a file."""
    context, caller = api_context(request), await admit_caller(request)
    query = read_orders_query(request.query_params, context.clock.now(), needs_period=False)
    read = _reader(caller, context.queries.orders, order_row)
    return await _export(request, caller, "orders", query, read, OrderRow)


@router.get(
    "/oms/export/positions",
    response_class=ExportResponse,
    openapi_extra=documented(
        str,
        query=p.POSITIONS_EXPORT,
        errors=UNKNOWN_ID,
        also_as={"application/json": list[MarkedPositionRow]},
    ),
)
async def export_positions(request: Request) -> Response:
    """Stream positions of any state as a file, open ones with their marks."""
    context, caller = api_context(request), await admit_caller(request)

    async def read(query: HistoryQuery) -> tuple[Rows, int | None]:
        page = await context.queries.positions(caller.principal, query)
        marks = await marks_of(context, page.items)
        rows: Sequence[Any] = await marked_rows(context, page.items, marks)
        return rows, page.next_after_id

    query = read_history_query(request.query_params, context.clock.now(), is_dated=False)
    return await _export(request, caller, "positions", query, read, MarkedPositionRow)


@router.get(
    "/oms/export/deals",
    response_class=ExportResponse,
    openapi_extra=documented(
        str, query=p.DEALS_EXPORT, errors=UNKNOWN_ID, also_as={"application/json": list[DealRow]}
    ),
)
async def export_deals(request: Request) -> Response:
    """Stream deals as a file."""
    context, caller = api_context(request), await admit_caller(request)
    query = read_history_query(request.query_params, context.clock.now(), is_dated=False)
    read = _reader(caller, context.queries.deals, deal_row)
    return await _export(request, caller, "deals", query, read, DealRow)


def _reader(
    caller: Caller,
    read_page: Callable[[Principal, HistoryQuery], Awaitable[Page[Item]]],
    to_row: Callable[[Item], Any],
) -> ReadPage:
    """Return the reader of a list whose rows need nothing else."""

    async def read(query: HistoryQuery) -> tuple[Rows, int | None]:
        page = await read_page(caller.principal, query)
        return [to_row(item) for item in page.items], page.next_after_id

    return read


async def _export(
    request: Request,
    caller: Caller,
    name: str,
    filters: HistoryQuery,
    read: ReadPage,
    row_type: Any,
) -> Response:
    """Return the file; its first page is read before, so that refusals have their status."""
    form = request.query_params.get(p.EXPORT_FORMAT.name, CSV).lower()
    if form not in (CSV, JSON):
        raise malformed_parameter(p.EXPORT_FORMAT.name, "csv or json is expected", "enum")
    query = evolve(
        filters, page_size=p.PAGE_ROWS_MAX, after_id=0, descending=False, with_total=False
    )
    running, api_key_id = api_context(request).running_exports, caller.principal.api_key_id
    running.begin(api_key_id)
    on_end = partial(running.end, api_key_id)
    try:
        pages = _pages(query, await read(query), read)
    except BaseException:
        on_end()
        raise
    file_name = f"{name}.{form}"
    if form == JSON:
        media_type = "application/json"
        return ExportResponse(
            _as_json(pages), file_name=file_name, media_type=media_type, on_end=on_end
        )
    text = _as_csv(pages, tuple(row_type.__annotations__))
    return ExportResponse(text, file_name=file_name, on_end=on_end)


async def _pages(
    query: HistoryQuery, first: tuple[Rows, int | None], read: ReadPage
) -> AsyncIterator[Rows]:
    rows, after_id = first
    yield rows
    while after_id is not None:
        rows, after_id = await read(evolve(query, after_id=after_id))
        yield rows


async def _as_csv(pages: AsyncIterator[Rows], columns: Sequence[str]) -> AsyncIterator[str]:
    yield csv_lines([{column: column for column in columns}], columns)
    async for rows in pages:
        yield csv_lines(rows, columns)


async def _as_json(pages: AsyncIterator[Rows]) -> AsyncIterator[str]:
    is_first = True
    yield "["
    async for rows in pages:
        for row in rows:
            yield f"{'' if is_first else ','}\n{dumps_fast(row)}"
            is_first = False
    yield "\n]\n"
