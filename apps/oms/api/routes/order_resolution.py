"""Refresh of one order from the exchange, and manual resolution of an order in doubt."""

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
from oms.api.context import Caller, admit_caller, api_context
from oms.api.errors import JsonResponse, request_id_of
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import COMMAND_ERRORS, SENT, documented
from oms.api.routes.path_ids import PathId, parse_order_id
from oms.domain.commands.account_commands import RefreshOrder, ResolveUnknownOrder
from oms.wire import parameters as p
from oms.wire.commands import resolve_request
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.resolve_request import read_resolve
from oms.wire.request_body import load_body
from oms.wire.responses.command_rows import OrderAsked
from oms.wire.responses.ledger_rows import order_row

router = APIRouter()

_RESOLUTION = validated(
    "OrderResolution",
    resolve_request.RESOLVE,
    {"action": "declare_not_placed", "comment": "support says so"},
)


@router.post(
    "/oms/orders/{order_id}/refresh",
    openapi_extra=documented(
        OrderAsked, statuses=SENT, query=(*p.WAIT, p.COMMENT), errors=COMMAND_ERRORS
    ),
)
async def refresh_order(request: Request, order_id: PathId) -> Response:
    """Query the exchange for the order and return its state."""
    caller, comment = await admit_caller(request), read_header_comment(request) or None
    payload = RefreshOrder(order_id=parse_order_id(order_id))
    return await _execute(request, caller, payload, comment, {})


@router.post(
    "/oms/orders/{order_id}/resolve",
    openapi_extra=documented(
        OrderAsked,
        statuses=SENT,
        query=(*p.WAIT, p.COMMENT),
        body=_RESOLUTION,
        errors=COMMAND_ERRORS,
    ),
)
async def resolve_order(request: Request, order_id: PathId) -> Response:
    """Match the order with one of the exchange's, or declare that it was never placed."""
    caller, comment = await admit_caller(request), read_header_comment(request) or None
    number, body = parse_order_id(order_id), load_body(await request.body())
    payload = read_resolve(number, body, comment)
    return await _execute(request, caller, payload, comment, body)


async def _execute(
    request: Request,
    caller: Caller,
    payload: RefreshOrder | ResolveUnknownOrder,
    comment: str | None,
    body: object,
) -> Response:
    """Submit the command and return the order once it ended or the wait is over."""
    principal = caller.principal
    key = await read_idempotency_key(
        request.headers, principal.user_id, request.scope["path"], body
    )
    command = CommandRequest(payload=payload, account_id=None, header_comment=comment)
    submission = await submit_and_wait(request, caller, [command], key=key)
    (result,) = submission.results
    if submission.submitted.replayed and submission.is_pending:
        return in_flight_response(request_id_of(request), [result])
    if not result["ok"]:
        return failure_response([result])
    orders = await api_context(request).queries.orders_by_id(principal, [payload.order_id])
    answer: OrderAsked = {
        "ok": True,
        "command_id": submission.command_ids[0],
        "status": result["status"],
        "order": order_row(orders[0]) if orders else None,
    }
    return submission.add_headers(JsonResponse(answer, 202 if submission.is_pending else 200))
