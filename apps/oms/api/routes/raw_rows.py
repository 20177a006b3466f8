"""Raw orders and trades as ccxt returned them, page by page."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.api.routes.pagination import envelope
from oms.ports.history_reads import Page
from oms.ports.raw_payloads import RawOrder, RawTrade
from oms.wire.json import loads, time_text
from oms.wire.query_parameters import read_history_query

router = APIRouter()


@router.get("/ccxt/orders/raw")
async def list_raw_orders(request: Request) -> Response:
    """Return a page of the order snapshots that reconciliation has read."""
    context, caller = api_context(request), await admit_caller(request)
    requested = read_history_query(request.query_params, context.clock.now())
    query = await context.queries.narrow_window(caller.principal, requested)
    page: Page[RawOrder] = Page(items=(), total=0, next_after_id=None)
    if query.strategies is None:  # these rows belong to no strategy
        page = await context.raw_payloads.orders(query)
    items = [_row(row) | {"client_order_id": row.client_order_id} for row in page.items]
    return JsonResponse(envelope(items, page, query))


@router.get("/ccxt/trades/raw")
async def list_raw_trades(request: Request) -> Response:
    """Return a page of the executions that reconciliation has read."""
    context, caller = api_context(request), await admit_caller(request)
    requested = read_history_query(request.query_params, context.clock.now())
    query = await context.queries.narrow_window(caller.principal, requested)
    page: Page[RawTrade] = Page(items=(), total=0, next_after_id=None)
    if query.strategies is None:
        page = await context.raw_payloads.trades(query)
    items = [_row(row) | {"exchange_trade_id": row.exchange_trade_id} for row in page.items]
    return JsonResponse(envelope(items, page, query))


def _row(row: RawOrder | RawTrade) -> dict[str, Any]:
    return {
        "id": row.id,
        "account_id": row.account_id,
        "exchange_id": row.exchange_id,
        "exchange_order_id": row.exchange_order_id,
        "symbol": row.symbol,
        "raw_json": loads(row.raw),
        "observed_at": time_text(row.observed_at),
    }
