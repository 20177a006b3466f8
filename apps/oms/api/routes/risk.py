"""The risk switches: control commands to the account's worker, each with its reason."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.deps import COMMENT_CHARACTERS_MAX, Caller, account_id_of, caller, doors
from oms.api.errors import JsonResponse, failure, request_id_of
from oms.api.results import first_error, results_of
from oms.domain.access import allowed_strategies
from oms.domain.control import RiskSwitch
from oms.ports.history import Window
from oms.services.submit import Ask
from oms.wire.bodies import load_body
from oms.wire.json import loads
from oms.wire.queries import read_wait
from oms.wire.results import load_result
from oms.wire.switches import read_allow, read_status, read_strategy_allow
from oms.wire.wishes import Wish

router = APIRouter()


@router.get("/oms/risk/{account_id}/strategies")
async def strategies(request: Request, account_id: str) -> Response:
    """The strategies that are linked to an account, and which of them may open."""
    parts, who, number = doors(request), await caller(request), account_id_of(account_id)
    await parts.reads.narrowed(who.principal, Window(account_ids=(number,)))
    mine = allowed_strategies(who.principal, number)
    closed = await parts.administer.strategies.closed(number)
    items = [
        {
            "account_id": number,
            "strategy_id": row.id,
            "name": row.name,
            "status": row.status,
            "allow_new_positions": row.id not in closed,
        }
        for row in await parts.administer.strategies.all()
        if number in row.account_ids and (mine is None or row.id in mine)
    ]
    return JsonResponse({"items": items})


@router.post("/oms/risk/{account_id}/allow_new_positions")
async def allow(request: Request, account_id: str) -> Response:
    """Open or close an account to what enlarges."""
    return await _switched(request, account_id, read_allow)


@router.post("/oms/risk/{account_id}/strategies/allow_new_positions")
async def allow_strategy(request: Request, account_id: str) -> Response:
    """Open or close one strategy on an account."""
    return await _switched(request, account_id, read_strategy_allow)


@router.post("/oms/risk/{account_id}/status")
async def status(request: Request, account_id: str) -> Response:
    """Block an account, or let it trade again."""
    return await _switched(request, account_id, read_status)


async def _switched(
    request: Request, account_id: str, read: Callable[[object, str | None], RiskSwitch]
) -> Response:
    who, number = await caller(request), account_id_of(account_id)
    said = (request.headers.get("x-comment") or "")[:COMMENT_CHARACTERS_MAX]
    wish = read(load_body(await request.body()), said)
    return await _answer(request, who, Wish(payload=wish, account_id=number))


async def _answer(request: Request, who: Caller, wish: Wish) -> Response:
    parts = doors(request)
    default_ms = parts.settings.commands.default_wait_ms
    wait = read_wait(request.query_params, request.headers.get("prefer"), default_ms)
    accepted = await parts.submit(Ask(wishes=[wish], principal=who.principal, ip=who.ip))
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    rows = await parts.waiting(ids, wait.seconds)
    results = await results_of(accepted.items, rows, request_id_of(request), None)
    if not results[0]["ok"]:
        return failure(first_error(results), results[0]["error"])
    row = rows.get(ids[0])
    told: dict[str, Any] = {}
    if row is not None:
        result = load_result(row.status, row.error, row.result, row.order_id)
        told = loads(result.value) if result.value is not None else {}
    body = {
        "ok": True,
        "account_id": wish.account_id,
        "strategy_id": told.get("strategy_id"),
        "status": told.get("status"),
        "allow_new_positions": told.get("allow_new_positions"),
        "rows": told.get("rows", 0),
        "command_id": ids[0],
    }
    response = JsonResponse(body, 200 if told else 202)
    response.headers["Location"] = f"/oms/commands/{ids[0]}"
    if wait.applied is not None:
        response.headers["Preference-Applied"] = wait.applied
    return response
