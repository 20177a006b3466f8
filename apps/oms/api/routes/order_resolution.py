"""One order asked for at its exchange, and one in doubt settled because somebody says so."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import build_results, first_error
from oms.api.context import COMMENT_CHARACTERS_MAX, Caller, admit_caller, api_context
from oms.api.errors import JsonResponse, detail_response, request_id_of
from oms.api.routes.commands import PENDING_STATUSES, in_flight_response, read_idempotency_key
from oms.api.routes.path_ids import parse_order_id
from oms.domain.commands.account_commands import RefreshOrder, ResolveUnknownOrder
from oms.services.submission.submit import SubmitRequest, SubmitResult
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.resolve_request import read_resolve
from oms.wire.query_parameters import read_wait
from oms.wire.request_body import load_body
from oms.wire.responses.ledger_rows import order_row

router = APIRouter()


@router.post("/oms/orders/{order_id}/refresh")
async def refresh(request: Request, order_id: str) -> Response:
    """Ask the exchange for the order now; the order as it stands then."""
    who, wish = await admit_caller(request), RefreshOrder(order_id=parse_order_id(order_id))
    return await _carried_out(request, who, wish, {})


@router.post("/oms/orders/{order_id}/resolve")
async def resolve(request: Request, order_id: str) -> Response:
    """Adopt an order of the exchange's as this one, or declare that it was never placed."""
    who = await admit_caller(request)
    number, body = parse_order_id(order_id), load_body(await request.body())
    said = (request.headers.get("x-comment") or "")[:COMMENT_CHARACTERS_MAX] or None
    return await _carried_out(request, who, read_resolve(number, body, said), body)


async def _carried_out(
    request: Request, who: Caller, payload: RefreshOrder | ResolveUnknownOrder, body: object
) -> Response:
    """The answer once the account's worker has done it, or the wait is over."""
    context, request_id = api_context(request), request_id_of(request)
    default_ms = context.settings.commands.default_wait_ms
    wait = read_wait(request.query_params, request.headers.get("prefer"), default_ms)
    key = read_idempotency_key(request.headers, who.principal.user_id, request.scope["path"], body)
    wish = CommandRequest(payload=payload, account_id=None)
    accepted = await context.submit(
        SubmitRequest(commands=[wish], principal=who.principal, ip=who.ip, key=key)
    )
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    rows = await context.waiting(ids, 0 if accepted.replayed else wait.seconds)
    (result,) = await build_results(accepted.items, rows, request_id, None)
    is_pending = result["status"] in PENDING_STATUSES
    if accepted.replayed and is_pending:
        return in_flight_response(request_id, [result])
    if not result["ok"]:
        return detail_response(first_error([result]), result["error"])
    orders = await context.reads.orders_by_id(who.principal, [payload.order_id])
    told = {
        "ok": True,
        "command_id": result["command_id"],
        "status": result["status"],
        "order": order_row(orders[0]) if orders else None,
    }
    headers = _headers(accepted, ids, wait.applied)
    return JsonResponse(told, 202 if is_pending else 200, headers=headers)


def _headers(accepted: SubmitResult, ids: list[int], applied: str | None) -> dict[str, str]:
    told: dict[str, Any] = {}
    if ids:
        told["Location"] = f"/oms/commands/{ids[0]}"
    if accepted.replayed:
        told["Idempotent-Replayed"] = "true"
    if applied is not None:
        told["Preference-Applied"] = applied
    return told
