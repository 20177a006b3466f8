"""The risk switches: control commands to the account's worker, each with its reason."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import build_results, first_error
from oms.api.context import (
    COMMENT_CHARACTERS_MAX,
    Caller,
    admit_caller,
    api_context,
    parse_account_id,
)
from oms.api.errors import JsonResponse, detail_response, request_id_of
from oms.domain.access import allowed_strategies
from oms.domain.commands.account_commands import RiskSwitch
from oms.ports.history_reads import HistoryQuery
from oms.services.submission.submit import SubmitRequest
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.result_codec import load_result
from oms.wire.commands.risk_flag_requests import read_allow, read_status, read_strategy_allow
from oms.wire.json import loads
from oms.wire.query_parameters import read_wait
from oms.wire.request_body import load_body

router = APIRouter()


@router.get("/oms/risk/{account_id}/strategies")
async def strategies(request: Request, account_id: str) -> Response:
    """The strategies that are linked to an account, and which of them may open."""
    context, who, number = (
        api_context(request),
        await admit_caller(request),
        parse_account_id(account_id),
    )
    await context.reads.narrow_window(who.principal, HistoryQuery(account_ids=(number,)))
    mine = allowed_strategies(who.principal, number)
    closed_strategy_ids = await context.administer.strategies.closed_strategy_ids(number)
    items = [
        {
            "account_id": number,
            "strategy_id": row.id,
            "name": row.name,
            "status": row.status,
            "allow_new_positions": row.id not in closed_strategy_ids,
        }
        for row in await context.administer.strategies.all()
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
    who, number = await admit_caller(request), parse_account_id(account_id)
    said = (request.headers.get("x-comment") or "")[:COMMENT_CHARACTERS_MAX]
    wish = read(load_body(await request.body()), said)
    return await _answer(request, who, CommandRequest(payload=wish, account_id=number))


async def _answer(request: Request, who: Caller, wish: CommandRequest) -> Response:
    context = api_context(request)
    default_ms = context.settings.commands.default_wait_ms
    wait = read_wait(request.query_params, request.headers.get("prefer"), default_ms)
    accepted = await context.submit(
        SubmitRequest(commands=[wish], principal=who.principal, ip=who.ip)
    )
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    rows = await context.waiting(ids, wait.seconds)
    results = await build_results(accepted.items, rows, request_id_of(request), None)
    if not results[0]["ok"]:
        return detail_response(first_error(results), results[0]["error"])
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
