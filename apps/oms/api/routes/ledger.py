"""Reads of orders, deals, positions and accounts. What is shown was committed before."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import admit_caller, api_context
from oms.api.errors import JsonResponse, refusal_response, request_id_of
from oms.api.routes.pagination import envelope, open_list
from oms.api.routes.path_ids import parse_order_id
from oms.api.row_views import deal_rows, order_rows, position_rows
from oms.domain.access import Grant, Principal, Role
from oms.domain.errors import Refused
from oms.ports.registry import AccountRow
from oms.services.queries.order_timeline import OrderTimelineQuery
from oms.wire.query_parameters import read_history_query, read_ids_path, read_open_query
from oms.wire.responses.order_timeline import build_timeline

router = APIRouter()


@router.get("/oms/orders/open")
async def open_orders(request: Request) -> Response:
    """Orders that are not final."""
    context, who = api_context(request), await admit_caller(request)
    window, limit = read_open_query(request.query_params)
    rows = await context.reads.open_orders(who.principal, window, limit + 1)
    return _open(order_rows(rows[-limit:], request.query_params), len(rows) > limit)


@router.get("/oms/positions/open")
async def open_positions(request: Request) -> Response:
    """Positions that are open."""
    context, who = api_context(request), await admit_caller(request)
    window, limit = read_open_query(request.query_params)
    rows = await context.reads.open_positions(who.principal, window, limit + 1)
    shown = await position_rows(context, rows[-limit:], request.query_params)
    return _open(shown, len(rows) > limit)


@router.get("/oms/orders/history")
async def order_history(request: Request) -> Response:
    """Orders of any status, by their last change."""
    context, who = api_context(request), await admit_caller(request)
    window = read_history_query(request.query_params, context.clock.now())
    page = await context.reads.orders(who.principal, window)
    shown = order_rows(page.items, request.query_params)
    return JsonResponse(envelope(shown, page, window))


@router.get("/oms/positions/history")
async def position_history(request: Request) -> Response:
    """Positions of any state, by their last change."""
    context, who = api_context(request), await admit_caller(request)
    window = read_history_query(request.query_params, context.clock.now())
    page = await context.reads.positions(who.principal, window)
    shown = await position_rows(context, page.items, request.query_params)
    return JsonResponse(envelope(shown, page, window))


@router.get("/oms/deals")
async def deal_history(request: Request) -> Response:
    """Deals, by the exchange's time."""
    context, who = api_context(request), await admit_caller(request)
    window = read_history_query(request.query_params, context.clock.now())
    page = await context.reads.deals(who.principal, window)
    shown = deal_rows(page.items, request.query_params)
    return JsonResponse(envelope(shown, page, window))


@router.get("/oms/orders/{order_id}/timeline")
async def order_timeline(request: Request, order_id: str) -> Response:
    """The life of one order."""
    context, who = api_context(request), await admit_caller(request)
    timelines = OrderTimelineQuery(
        reads=context.reads, history=context.history, queue=context.reads.queue
    )
    return JsonResponse(build_timeline(await timelines(who.principal, parse_order_id(order_id))))


@router.get("/oms/orders/{ids}")
async def orders_by_id(request: Request, ids: str) -> Response:
    """Orders by id; what is unknown or unreadable is left out."""
    who, wanted = await admit_caller(request), read_ids_path(ids)
    if wanted is None:
        return _no_such_path(request)
    rows = await api_context(request).reads.orders_by_id(who.principal, wanted)
    return JsonResponse({"items": order_rows(rows, request.query_params)})


@router.get("/oms/deals/{ids}")
async def deals_by_id(request: Request, ids: str) -> Response:
    """Deals by id."""
    who, wanted = await admit_caller(request), read_ids_path(ids)
    if wanted is None:
        return _no_such_path(request)
    rows = await api_context(request).reads.deals_by_id(who.principal, wanted)
    return JsonResponse({"items": deal_rows(rows, request.query_params)})


@router.get("/oms/positions/{ids}")
async def positions_by_id(request: Request, ids: str) -> Response:
    """Positions by id."""
    context, who, wanted = api_context(request), await admit_caller(request), read_ids_path(ids)
    if wanted is None:
        return _no_such_path(request)
    rows = await context.reads.positions_by_id(who.principal, wanted)
    return JsonResponse({"items": await position_rows(context, rows, request.query_params)})


@router.get("/oms/accounts")
async def accounts(request: Request) -> Response:
    """The accounts that the key may read."""
    who = await admit_caller(request)
    status = request.query_params.get("status", "all").lower()
    rows = await api_context(request).reads.accounts(who.principal)
    items = [_account(row, who.principal) for row in rows if status in ("all", row.account.status)]
    return JsonResponse({"items": items})


def _open(items: Sequence[Any], is_truncated: bool) -> Response:
    return JsonResponse(open_list(items, is_truncated=is_truncated))


def _no_such_path(request: Request) -> Response:
    refused = Refused(code="not_found", message="there is no such path")
    return refusal_response(refused, request_id_of(request))


def _account(row: AccountRow, principal: Principal) -> dict[str, Any]:
    account = row.account
    everything = Grant(can_risk_manage=True, can_block_new_positions=True, can_block_account=True)
    is_admin = principal.role is Role.ADMIN
    grant = everything if is_admin else principal.grants[account.id]
    return {
        "account_id": account.id,
        "label": account.label,
        "exchange_id": account.exchange_id,
        "position_mode": account.position_mode.value,
        "is_testnet": row.is_testnet,
        "status": account.status,
        "allow_new_positions": account.allow_new_positions,
        "can_read": grant.can_read,
        "can_trade": grant.can_trade,
        "can_risk_manage": grant.can_risk_manage,
        "trader_name": row.trader_name,
        "can_close_position": grant.can_close_position,
        "can_block_new_positions": grant.can_block_new_positions,
        "can_block_account": grant.can_block_account,
        "restrict_to_strategies": grant.restrict_to_strategies,
        "strategy_ids": sorted(grant.strategy_ids),
        "environment": account.environment.value,
        "engine": account.engine.value,
        "exchange_mode": account.environment.value,
        "live_enabled": row.live_enabled,
        "quarantine": row.quarantine,
    }
