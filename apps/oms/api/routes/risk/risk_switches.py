"""Risk switches of accounts and strategies: control commands to the account's worker."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import failure_response
from oms.api.command_submission import read_header_comment, submit_and_wait
from oms.api.context import admit_caller, api_context, parse_account_id
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import COMMAND_ERRORS, SENT, UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId
from oms.domain.access import allowed_strategies
from oms.domain.commands.account_commands import RiskSwitch
from oms.ports.history_reads import HistoryQuery
from oms.wire import parameters as p
from oms.wire.commands import risk_flag_requests
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.risk_flag_requests import read_allow, read_status, read_strategy_allow
from oms.wire.request_body import load_body
from oms.wire.responses.account_rows import StrategySwitch, Switched
from oms.wire.responses.value_types import Items

router = APIRouter()

_ALLOW = validated(
    "Allow", risk_flag_requests.ALLOW, {"allow_new_positions": False, "comment": "maintenance"}
)
_STRATEGY_ALLOW = validated(
    "StrategyAllow",
    risk_flag_requests.STRATEGY_ALLOW,
    {"strategy_id": 1, "allow_new_positions": True, "comment": "tested"},
)
_STATUS = validated(
    "AccountStatus",
    risk_flag_requests.STATUS,
    {"status": "active", "comment": "the incident is over"},
)


@router.get(
    "/oms/risk/{account_id}/strategies",
    openapi_extra=documented(Items[StrategySwitch], errors=UNKNOWN_ID),
)
async def list_strategy_switches(request: Request, account_id: PathId) -> Response:
    """Return the strategies linked to an account and whether they may open positions."""
    context, caller = api_context(request), await admit_caller(request)
    number = parse_account_id(account_id)
    await context.queries.narrow_window(caller.principal, HistoryQuery(account_ids=(number,)))
    visible = allowed_strategies(caller.principal, number)
    closed = await context.administer.strategies.closed_strategy_ids(number)
    items: list[StrategySwitch] = [
        {
            "account_id": number,
            "strategy_id": row.id,
            "name": row.name,
            "status": row.status,
            "allow_new_positions": row.id not in closed,
        }
        for row in await context.administer.strategies.all()
        if number in row.account_ids and (visible is None or row.id in visible)
    ]
    return JsonResponse(Items(items=items))


@router.post(
    "/oms/risk/{account_id}/allow_new_positions",
    openapi_extra=documented(
        Switched, statuses=SENT, query=(*p.WAIT, p.COMMENT), body=_ALLOW, errors=COMMAND_ERRORS
    ),
)
async def switch_account(request: Request, account_id: PathId) -> Response:
    """Allow or refuse new positions on an account."""
    return await _switch(request, account_id, read_allow)


@router.post(
    "/oms/risk/{account_id}/strategies/allow_new_positions",
    openapi_extra=documented(
        Switched,
        statuses=SENT,
        query=(*p.WAIT, p.COMMENT),
        body=_STRATEGY_ALLOW,
        errors=COMMAND_ERRORS,
    ),
)
async def switch_strategy(request: Request, account_id: PathId) -> Response:
    """Allow or refuse new positions of one strategy on an account."""
    return await _switch(request, account_id, read_strategy_allow)


@router.post(
    "/oms/risk/{account_id}/status",
    openapi_extra=documented(
        Switched, statuses=SENT, query=(*p.WAIT, p.COMMENT), body=_STATUS, errors=COMMAND_ERRORS
    ),
)
async def set_account_status(request: Request, account_id: PathId) -> Response:
    """Block an account or activate it again."""
    return await _switch(request, account_id, read_status)


async def _switch(
    request: Request, account_id: str, read: Callable[[object, str | None], RiskSwitch]
) -> Response:
    caller, number = await admit_caller(request), parse_account_id(account_id)
    payload = read(load_body(await request.body()), read_header_comment(request))
    command = CommandRequest(payload=payload, account_id=number)
    submission = await submit_and_wait(request, caller, [command])
    (result,) = submission.results
    if not result["ok"]:
        return failure_response([result])
    flags: dict[str, Any] = submission.value(0) or {}
    body: Switched = {
        "ok": True,
        "account_id": number,
        "strategy_id": flags.get("strategy_id"),
        "status": flags.get("status"),
        "allow_new_positions": flags.get("allow_new_positions"),
        "rows": flags.get("rows", 0),
        "command_id": submission.command_ids[0],
    }
    return submission.add_headers(JsonResponse(body, 200 if flags else 202))
