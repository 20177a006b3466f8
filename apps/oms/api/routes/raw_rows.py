"""Raw orders and trades as ccxt returned them, page by page."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.pagination import envelope
from oms.ports.history_reads import Page
from oms.ports.raw_payloads import RawOrder, RawTrade
from oms.wire import parameters as p
from oms.wire.query_parameters import read_history_query
from oms.wire.responses.exchange_rows import RawOrderRow, RawTradeRow, raw_order_row, raw_trade_row
from oms.wire.responses.value_types import PageBody

router = APIRouter()


@router.get(
    "/ccxt/orders/raw",
    openapi_extra=documented(PageBody[RawOrderRow], query=p.HISTORY, errors=UNKNOWN_ID),
)
async def list_raw_orders(request: Request) -> Response:
    """Return a page of the order snapshots that reconciliation has read."""
    context, caller = api_context(request), await admit_caller(request)
    requested = read_history_query(request.query_params, context.clock.now())
    query = await context.queries.narrow_window(caller.principal, requested)
    page: Page[RawOrder] = Page(items=(), total=0, next_after_id=None)
    if query.strategies is None:  # these rows belong to no strategy
        page = await context.raw_payloads.orders(query)
    items = [raw_order_row(row) for row in page.items]
    return JsonResponse(envelope(items, page, query))


@router.get(
    "/ccxt/trades/raw",
    openapi_extra=documented(PageBody[RawTradeRow], query=p.HISTORY, errors=UNKNOWN_ID),
)
async def list_raw_trades(request: Request) -> Response:
    """Return a page of the executions that reconciliation has read."""
    context, caller = api_context(request), await admit_caller(request)
    requested = read_history_query(request.query_params, context.clock.now())
    query = await context.queries.narrow_window(caller.principal, requested)
    page: Page[RawTrade] = Page(items=(), total=0, next_after_id=None)
    if query.strategies is None:
        page = await context.raw_payloads.trades(query)
    items = [raw_trade_row(row) for row in page.items]
    return JsonResponse(envelope(items, page, query))
