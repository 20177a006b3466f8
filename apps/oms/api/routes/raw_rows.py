"""What exchanges told of orders and trades, page by page, in ccxt's shape."""

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
async def raw_orders(request: Request) -> Response:
    """Every version of orders that a sweep has met."""
    context, who = api_context(request), await admit_caller(request)
    wished = read_history_query(request.query_params, context.clock.now())
    window = await context.reads.narrow_window(who.principal, wished)
    page: Page[RawOrder] = Page(items=(), total=0, next_after_id=None)
    if window.strategies is None:  # these rows belong to no strategy
        page = await context.raw.orders(window)
    items = [_row(row) | {"client_order_id": row.client_order_id} for row in page.items]
    return JsonResponse(envelope(items, page, window))


@router.get("/ccxt/trades/raw")
async def raw_trades(request: Request) -> Response:
    """Every execution that a sweep has met."""
    context, who = api_context(request), await admit_caller(request)
    wished = read_history_query(request.query_params, context.clock.now())
    window = await context.reads.narrow_window(who.principal, wished)
    page: Page[RawTrade] = Page(items=(), total=0, next_after_id=None)
    if window.strategies is None:
        page = await context.raw.trades(window)
    items = [_row(row) | {"exchange_trade_id": row.exchange_trade_id} for row in page.items]
    return JsonResponse(envelope(items, page, window))


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
