"""``POST /oms/positions/{position_id}/close``: ``close_position`` under the position's own path."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import failure_response
from oms.api.command_submission import (
    in_flight_response,
    read_header_comment,
    read_idempotency_key,
    submit_and_wait,
)
from oms.api.context import Caller, api_context, identify_caller
from oms.api.errors import JsonResponse, request_id_of
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import COMMAND_ERRORS, SENT, documented
from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY
from oms.api.routes.path_ids import PathId, parse_position_id
from oms.api.row_views import PositionView, position_rows
from oms.domain.access import Permission, refuse_missing_comment
from oms.domain.ledger.position import Position
from oms.services.access.command_permissions import refuse_command
from oms.wire import parameters as p
from oms.wire.commands import command_schemas
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.order_requests import read_position_close
from oms.wire.request_body import load_body

router = APIRouter()

_CLOSE = validated(
    "PositionClose",
    command_schemas.POSITION_CLOSE,
    {"qty_pct": "50", "comment": "half of it"},
    is_required=False,
)


@router.post(
    "/oms/positions/{position_id}/close",
    openapi_extra=documented(
        PositionView,
        statuses=SENT,
        query=(*p.WAIT, p.VIEW, p.COMMENT),
        body=_CLOSE,
        errors=COMMAND_ERRORS,
        headers=("Location",),
    ),
)
async def close_position(request: Request, position_id: PathId) -> Response:
    """Close a position or a part of it, and return it; one that is closed already as it is."""
    context = api_context(request)
    caller = await identify_caller(request.scope, request.headers, context)
    number, body = parse_position_id(position_id), load_body(await request.body())
    payload = read_position_close(number, body)
    request.scope[RATE_LIMIT_SCOPE_KEY] = context.rate_limiter.take_commands(
        caller.principal.api_key_id, [payload]
    )
    command = CommandRequest(
        payload=payload, account_id=None, header_comment=read_header_comment(request) or None
    )
    closed = await _find_closed(request, caller, command, number)
    if closed is not None:
        return await _answer(request, closed)
    key = await read_idempotency_key(
        request.headers, caller.principal.user_id, request.scope["path"], body
    )
    submission = await submit_and_wait(request, caller, [command], key=key)
    (result,) = submission.results
    if submission.submitted.replayed and submission.is_pending:
        return in_flight_response(request_id_of(request), [result])
    if not result["ok"]:
        is_gone = result["error"] is not None and result["error"]["code"] == "position_not_found"
        closed = await _find_closed(request, caller, command, number) if is_gone else None
        if closed is None:
            return failure_response([result])
        return submission.add_headers(await _answer(request, closed))
    (position,) = await context.history.positions_by_id([number])
    status = 202 if submission.is_pending else 200
    return submission.add_headers(await _answer(request, position, status))


async def _find_closed(
    request: Request, caller: Caller, command: CommandRequest, position_id: int
) -> Position | None:
    """Return the position if it is closed and the caller could have closed it."""
    found = await api_context(request).history.positions_by_id([position_id])
    if not found or found[0].is_open:
        return None
    (position,), principal = found, caller.principal
    if principal.grant(position.account_id) is None:
        return None
    refused = refuse_command(
        principal, position.account_id, command.payload, (position.strategy_id,)
    ) or refuse_missing_comment(principal, Permission.CLOSE, command.comment)
    return position if refused is None else None


async def _answer(request: Request, position: Position, status: int = 200) -> Response:
    rows = await position_rows(api_context(request), [position], request.query_params)
    return JsonResponse(rows[0], status)
