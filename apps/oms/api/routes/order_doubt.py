"""One order asked for at its exchange, and one in doubt settled because somebody says so."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.deps import COMMENT_CHARACTERS_MAX, Caller, caller, doors
from oms.api.errors import JsonResponse, failure, request_id_of
from oms.api.results import first_error, results_of
from oms.api.routes.commands import PENDING, idempotency_key, in_flight
from oms.api.routes.path_ids import order_id_of
from oms.domain.control import Refresh, Resolve
from oms.services.submit import Accepted, Ask
from oms.wire.bodies import load_body
from oms.wire.ledger import order_row
from oms.wire.queries import read_wait
from oms.wire.resolve import read_resolve
from oms.wire.wishes import Wish

router = APIRouter()


@router.post("/oms/orders/{order_id}/refresh")
async def refresh(request: Request, order_id: str) -> Response:
    """Ask the exchange for the order now; the order as it stands then."""
    who, wish = await caller(request), Refresh(order_id=order_id_of(order_id))
    return await _carried_out(request, who, wish, {})


@router.post("/oms/orders/{order_id}/resolve")
async def resolve(request: Request, order_id: str) -> Response:
    """Adopt an order of the exchange's as this one, or declare that it was never placed."""
    who = await caller(request)
    number, body = order_id_of(order_id), load_body(await request.body())
    said = (request.headers.get("x-comment") or "")[:COMMENT_CHARACTERS_MAX] or None
    return await _carried_out(request, who, read_resolve(number, body, said), body)


async def _carried_out(
    request: Request, who: Caller, payload: Refresh | Resolve, body: object
) -> Response:
    """The answer once the account's worker has done it, or the wait is over."""
    parts, request_id = doors(request), request_id_of(request)
    default_ms = parts.settings.commands.default_wait_ms
    wait = read_wait(request.query_params, request.headers.get("prefer"), default_ms)
    key = idempotency_key(request.headers, who.principal.user_id, request.scope["path"], body)
    wish = Wish(payload=payload, account_id=None)
    accepted = await parts.submit(Ask(wishes=[wish], principal=who.principal, ip=who.ip, key=key))
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    rows = await parts.waiting(ids, 0 if accepted.replayed else wait.seconds)
    (result,) = await results_of(accepted.items, rows, request_id, None)
    is_pending = result["status"] in PENDING
    if accepted.replayed and is_pending:
        return in_flight(request_id, [result])
    if not result["ok"]:
        return failure(first_error([result]), result["error"])
    orders = await parts.reads.orders_by_id(who.principal, [payload.order_id])
    told = {
        "ok": True,
        "command_id": result["command_id"],
        "status": result["status"],
        "order": order_row(orders[0]) if orders else None,
    }
    headers = _headers(accepted, ids, wait.applied)
    return JsonResponse(told, 202 if is_pending else 200, headers=headers)


def _headers(accepted: Accepted, ids: list[int], applied: str | None) -> dict[str, str]:
    told: dict[str, Any] = {}
    if ids:
        told["Location"] = f"/oms/commands/{ids[0]}"
    if accepted.replayed:
        told["Idempotent-Replayed"] = "true"
    if applied is not None:
        told["Preference-Applied"] = applied
    return told
