"""Strategies: those of a trader, and all of them for an admin."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.deps import admitted, doors, hand_of
from oms.api.errors import JsonResponse
from oms.api.routes.path_ids import strategy_id_of
from oms.domain.access import Permission
from oms.wire import people as wire
from oms.wire.bodies import load_body

router = APIRouter()


@router.get("/strategies")
async def strategies(request: Request) -> Response:
    """The strategies that the key may see."""
    who = await admitted(request, Permission.READ)
    rows = await doors(request).administer.strategies_of(who.principal)
    return JsonResponse({"items": [wire.strategy_row(row) for row in rows]})


@router.post("/strategies")
async def new_strategy(request: Request) -> Response:
    """A strategy on accounts that the key may trade on."""
    who = await admitted(request, Permission.STRATEGY_CREATE)
    body = load_body(await request.body())
    name, client_id, accounts = wire.read_strategy(body, needs_accounts=True)
    strategy_id = await doors(request).administer.create_strategy(
        who.principal, name, client_id, accounts, hand_of(request, who)
    )
    return JsonResponse({"ok": True, "strategy_id": strategy_id})


@router.get("/admin/strategies")
async def all_strategies(request: Request) -> Response:
    """All strategies."""
    await admitted(request, Permission.ADMIN)
    rows = await doors(request).administer.strategies.all()
    return JsonResponse({"items": [wire.strategy_row(row) for row in rows]})


@router.post("/admin/strategies")
async def admin_new_strategy(request: Request) -> Response:
    """A strategy on any accounts, or none."""
    who = await admitted(request, Permission.ADMIN)
    body = load_body(await request.body())
    name, client_id, accounts = wire.read_strategy(body, needs_accounts=False)
    strategy_id = await doors(request).administer.strategies.create(
        name, client_id, accounts, hand_of(request, who)
    )
    return JsonResponse({"ok": True, "strategy_id": strategy_id})


@router.patch("/admin/strategies/{strategy_id}")
async def change_strategy(request: Request, strategy_id: str) -> Response:
    """Another name, status, client's id or other accounts."""
    who = await admitted(request, Permission.ADMIN)
    change = wire.read_strategy_change(load_body(await request.body()))
    number = strategy_id_of(strategy_id)
    rows = await doors(request).administer.change_strategy(number, change, hand_of(request, who))
    return JsonResponse({"ok": True, "strategy_id": number, "rows": rows})
