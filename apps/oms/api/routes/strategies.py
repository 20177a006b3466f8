"""Strategies: those of a trader, and all of them for an admin."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import api_context, audit_actor, require_permission
from oms.api.errors import JsonResponse
from oms.api.routes.path_ids import parse_strategy_id
from oms.domain.access import Permission
from oms.wire.admin import user_requests as wire
from oms.wire.request_body import load_body

router = APIRouter()


@router.get("/strategies")
async def strategies(request: Request) -> Response:
    """The strategies that the key may see."""
    who = await require_permission(request, Permission.READ)
    rows = await api_context(request).administer.strategies_of(who.principal)
    return JsonResponse({"items": [wire.strategy_row(row) for row in rows]})


@router.post("/strategies")
async def new_strategy(request: Request) -> Response:
    """A strategy on accounts that the key may trade on."""
    who = await require_permission(request, Permission.STRATEGY_CREATE)
    body = load_body(await request.body())
    name, client_id, accounts = wire.read_strategy(body, needs_accounts=True)
    strategy_id = await api_context(request).administer.create_strategy(
        who.principal, name, client_id, accounts, audit_actor(request, who)
    )
    return JsonResponse({"ok": True, "strategy_id": strategy_id})


@router.get("/admin/strategies")
async def all_strategies(request: Request) -> Response:
    """All strategies."""
    await require_permission(request, Permission.ADMIN)
    rows = await api_context(request).administer.strategies.all()
    return JsonResponse({"items": [wire.strategy_row(row) for row in rows]})


@router.post("/admin/strategies")
async def admin_new_strategy(request: Request) -> Response:
    """A strategy on any accounts, or none."""
    who = await require_permission(request, Permission.ADMIN)
    body = load_body(await request.body())
    name, client_id, accounts = wire.read_strategy(body, needs_accounts=False)
    strategy_id = await api_context(request).administer.strategies.create(
        name, client_id, accounts, audit_actor(request, who)
    )
    return JsonResponse({"ok": True, "strategy_id": strategy_id})


@router.patch("/admin/strategies/{strategy_id}")
async def change_strategy(request: Request, strategy_id: str) -> Response:
    """Another name, status, client's id or other accounts."""
    who = await require_permission(request, Permission.ADMIN)
    change = wire.read_strategy_change(load_body(await request.body()))
    number = parse_strategy_id(strategy_id)
    rows = await api_context(request).administer.change_strategy(
        number, change, audit_actor(request, who)
    )
    return JsonResponse({"ok": True, "strategy_id": number, "rows": rows})
