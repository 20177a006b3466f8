"""Reads of committed orders, deals, positions and accounts."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import admit_caller, api_context
from oms.api.errors import JsonResponse, refusal_response, request_id_of
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.pagination import envelope, open_list
from oms.api.routes.path_ids import PathId, PathIds, parse_order_id
from oms.api.row_views import (
    DealView,
    OrderView,
    PositionView,
    deal_rows,
    marks_of,
    order_rows,
    position_rows,
)
from oms.domain.access import Grant, Principal, Role
from oms.domain.errors import Refused
from oms.services.queries.order_timeline import OrderTimelineQuery
from oms.wire import parameters as p
from oms.wire.order_query import read_open_orders_query, read_orders_query
from oms.wire.performance.marked_positions import SymbolPositionsRow, symbol_rows
from oms.wire.performance.statistics_query import read_group
from oms.wire.query_parameters import (
    is_true,
    read_history_query,
    read_ids_path,
    read_open_query,
)
from oms.wire.responses.account_rows import AccountBody, account_row
from oms.wire.responses.order_timeline import Timeline, build_timeline
from oms.wire.responses.value_types import Items, OpenList, PageBody

router = APIRouter()


@router.get(
    "/oms/orders/open",
    openapi_extra=documented(
        OpenList[OrderView], query=(*p.OPEN_ORDERS, p.CACHE, p.VIEW), errors=UNKNOWN_ID
    ),
)
async def list_open_orders(request: Request) -> Response:
    """Return orders that are not final."""
    context, caller = api_context(request), await admit_caller(request)
    history_query, limit = read_open_orders_query(request.query_params, context.clock.now())
    orders = await context.queries.open_orders(caller.principal, history_query, limit + 1)
    rows = order_rows(orders[-limit:], request.query_params)
    return _open_list_response(rows, len(orders) > limit)


@router.get(
    "/oms/positions/open",
    openapi_extra=documented(
        OpenList[PositionView | SymbolPositionsRow],
        query=(*p.OPEN_POSITIONS, p.CACHE, p.VIEW),
        errors=UNKNOWN_ID,
    ),
)
async def list_open_positions(request: Request) -> Response:
    """Return open positions, with ``include_closed`` all. ``group=symbol`` sums open ones."""
    context, caller, query = (
        api_context(request),
        await admit_caller(request),
        request.query_params,
    )
    history_query, limit = read_open_query(query)
    is_grouped = read_group(query, ("symbol",), p.GROUP) is not None
    with_closed = is_true(query, p.INCLUDE_CLOSED) and not is_grouped
    read = context.queries.newest_positions if with_closed else context.queries.open_positions
    positions = await read(caller.principal, history_query, limit + 1)
    shown = positions[-limit:]
    rows: Sequence[Any] = (
        symbol_rows(shown, await marks_of(context, shown))
        if is_grouped
        else await position_rows(context, shown, query)
    )
    return _open_list_response(rows, len(positions) > limit)


@router.get(
    "/oms/orders/history",
    openapi_extra=documented(
        PageBody[OrderView], query=(*p.ORDERS, p.CACHE, p.VIEW), errors=UNKNOWN_ID
    ),
)
async def list_orders(request: Request) -> Response:
    """Return a page of orders of any status, by their last change."""
    context, caller = api_context(request), await admit_caller(request)
    history_query = read_orders_query(request.query_params, context.clock.now())
    page = await context.queries.orders(caller.principal, history_query)
    rows = order_rows(page.items, request.query_params)
    return JsonResponse(envelope(rows, page, history_query))


@router.get(
    "/oms/positions/history",
    openapi_extra=documented(
        PageBody[PositionView], query=(*p.HISTORY, p.CACHE, p.VIEW), errors=UNKNOWN_ID
    ),
)
async def list_positions(request: Request) -> Response:
    """Return a page of positions of any state, by their last change."""
    context, caller = api_context(request), await admit_caller(request)
    history_query = read_history_query(request.query_params, context.clock.now())
    page = await context.queries.positions(caller.principal, history_query)
    rows = await position_rows(context, page.items, request.query_params)
    return JsonResponse(envelope(rows, page, history_query))


@router.get(
    "/oms/deals",
    openapi_extra=documented(
        PageBody[DealView], query=(*p.DEALS, p.CACHE, p.VIEW), errors=UNKNOWN_ID
    ),
)
async def list_deals(request: Request) -> Response:
    """Return a page of deals, by the exchange's time."""
    context, caller = api_context(request), await admit_caller(request)
    history_query = read_history_query(request.query_params, context.clock.now())
    page = await context.queries.deals(caller.principal, history_query)
    rows = deal_rows(page.items, request.query_params)
    return JsonResponse(envelope(rows, page, history_query))


@router.get(
    "/oms/orders/{order_id}/timeline", openapi_extra=documented(Timeline, errors=UNKNOWN_ID)
)
async def get_order_timeline(request: Request, order_id: PathId) -> Response:
    """Return the timeline of one order."""
    context, caller = api_context(request), await admit_caller(request)
    timelines = OrderTimelineQuery(
        reads=context.queries, history=context.history, queue=context.queries.queue
    )
    return JsonResponse(build_timeline(await timelines(caller.principal, parse_order_id(order_id))))


@router.get(
    "/oms/orders/{ids}",
    openapi_extra=documented(Items[OrderView], query=(p.VIEW,), errors=UNKNOWN_ID),
)
async def get_orders(request: Request, ids: PathIds) -> Response:
    """Return orders by id, without unknown or unreadable ones."""
    caller, order_ids = await admit_caller(request), read_ids_path(ids)
    if order_ids is None:
        return _no_such_path(request)
    rows = await api_context(request).queries.orders_by_id(caller.principal, order_ids)
    return JsonResponse(Items(items=order_rows(rows, request.query_params)))


@router.get(
    "/oms/deals/{ids}",
    openapi_extra=documented(Items[DealView], query=(p.VIEW,), errors=UNKNOWN_ID),
)
async def get_deals(request: Request, ids: PathIds) -> Response:
    """Return deals by id, without unknown or unreadable ones."""
    caller, order_ids = await admit_caller(request), read_ids_path(ids)
    if order_ids is None:
        return _no_such_path(request)
    rows = await api_context(request).queries.deals_by_id(caller.principal, order_ids)
    return JsonResponse(Items(items=deal_rows(rows, request.query_params)))


@router.get(
    "/oms/positions/{ids}",
    openapi_extra=documented(Items[PositionView], query=(p.VIEW,), errors=UNKNOWN_ID),
)
async def get_positions(request: Request, ids: PathIds) -> Response:
    """Return positions by id, without unknown or unreadable ones."""
    context, caller, order_ids = (
        api_context(request),
        await admit_caller(request),
        read_ids_path(ids),
    )
    if order_ids is None:
        return _no_such_path(request)
    rows = await context.queries.positions_by_id(caller.principal, order_ids)
    return JsonResponse(Items(items=await position_rows(context, rows, request.query_params)))


@router.get(
    "/oms/accounts",
    openapi_extra=documented(Items[AccountBody], query=(p.ACCOUNT_STATUS,), errors=UNKNOWN_ID),
)
async def list_accounts(request: Request) -> Response:
    """Return the accounts that the key may read."""
    caller = await admit_caller(request)
    status = request.query_params.get(p.ACCOUNT_STATUS.name, "all").lower()
    rows = await api_context(request).queries.accounts(caller.principal)
    items = [
        account_row(row, _grant_on(row.account.id, caller.principal))
        for row in rows
        if status in ("all", row.account.status)
    ]
    return JsonResponse(Items(items=items))


def _open_list_response(items: Sequence[Any], is_truncated: bool) -> Response:
    return JsonResponse(open_list(items, is_truncated=is_truncated))


def _no_such_path(request: Request) -> Response:
    refused = Refused(code="not_found", message="there is no such path")
    return refusal_response(refused, request_id_of(request))


def _grant_on(account_id: int, principal: Principal) -> Grant:
    if principal.role is Role.ADMIN:
        return Grant(can_risk_manage=True, can_block_new_positions=True, can_block_account=True)
    return principal.grants[account_id]
