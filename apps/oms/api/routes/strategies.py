"""Strategies of the caller, and administration of all strategies."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import api_context, audit_context_of, require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_strategy_id
from oms.domain.access import Permission
from oms.wire import parameters as p
from oms.wire.admin import admin_schemas as shapes
from oms.wire.admin import user_requests as wire
from oms.wire.request_body import load_body
from oms.wire.responses.account_rows import (
    StrategyBody,
    StrategyChanged,
    StrategyCreated,
    strategy_row,
)
from oms.wire.responses.value_types import Items

router = APIRouter()

_STRATEGY = validated(
    "StrategyRequest", shapes.STRATEGY, {"name": "mean reversion", "account_ids": [1]}
)
_STRATEGY_CHANGE = validated("StrategyChange", shapes.STRATEGY_CHANGE, {"status": "disabled"})


@router.get("/strategies", openapi_extra=documented(Items[StrategyBody]))
async def list_strategies(request: Request) -> Response:
    """Return the strategies visible to the key."""
    caller = await require_permission(request, Permission.READ)
    rows = await api_context(request).administer.strategies_of(caller.principal)
    return JsonResponse(Items(items=[strategy_row(row) for row in rows]))


@router.post(
    "/strategies",
    openapi_extra=documented(
        StrategyCreated, query=(p.COMMENT,), body=_STRATEGY, errors=UNKNOWN_ID
    ),
)
async def create_strategy(request: Request) -> Response:
    """Create a strategy on accounts that the key may trade on."""
    caller = await require_permission(request, Permission.STRATEGY_CREATE)
    body = load_body(await request.body())
    name, client_id, accounts = wire.read_strategy(body, needs_accounts=True)
    strategy_id = await api_context(request).administer.create_strategy(
        caller.principal, name, client_id, accounts, audit_context_of(request, caller)
    )
    return JsonResponse(StrategyCreated(ok=True, strategy_id=strategy_id))


@router.get("/admin/strategies", openapi_extra=documented(Items[StrategyBody]))
async def list_all_strategies(request: Request) -> Response:
    """Return all strategies."""
    await require_permission(request, Permission.ADMIN)
    rows = await api_context(request).administer.strategies.all()
    return JsonResponse(Items(items=[strategy_row(row) for row in rows]))


@router.post(
    "/admin/strategies",
    openapi_extra=documented(
        StrategyCreated, query=(p.COMMENT,), body=_STRATEGY, errors=UNKNOWN_ID
    ),
)
async def create_any_strategy(request: Request) -> Response:
    """Create a strategy on any accounts, or on none."""
    caller = await require_permission(request, Permission.ADMIN)
    body = load_body(await request.body())
    name, client_id, accounts = wire.read_strategy(body, needs_accounts=False)
    strategy_id = await api_context(request).administer.strategies.create(
        name, client_id, accounts, audit_context_of(request, caller)
    )
    return JsonResponse(StrategyCreated(ok=True, strategy_id=strategy_id))


@router.patch(
    "/admin/strategies/{strategy_id}",
    openapi_extra=documented(
        StrategyChanged, query=(p.COMMENT,), body=_STRATEGY_CHANGE, errors=UNKNOWN_ID
    ),
)
async def change_strategy(request: Request, strategy_id: PathId) -> Response:
    """Change name, status, client id or accounts of a strategy."""
    caller = await require_permission(request, Permission.ADMIN)
    change = wire.read_strategy_change(load_body(await request.body()))
    number = parse_strategy_id(strategy_id)
    rows = await api_context(request).administer.change_strategy(
        number, change, audit_context_of(request, caller)
    )
    return JsonResponse(StrategyChanged(ok=True, strategy_id=number, rows=rows))
