"""The inbox: what the exchange shows and no fact explains, and decisions on it."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.deps import COMMENT_CHARACTERS_MAX, caller, doors
from oms.api.errors import JsonResponse, failure, request_id_of
from oms.api.results import first_error, results_of
from oms.api.routes.path_ids import discrepancy_id_of
from oms.api.routes.reconcile import readable
from oms.domain.discrepancy import Answer, Discrepancy
from oms.domain.errors import NotFound
from oms.services.submit import Ask
from oms.wire.bodies import load_body
from oms.wire.json import loads
from oms.wire.queries import cursor_text, read_wait
from oms.wire.reconcile import discrepancy_row, read_decision, read_inbox
from oms.wire.results import load_result
from oms.wire.wishes import Wish

router = APIRouter()


@router.get("/oms/discrepancies")
@router.get("/oms/reconcile/inbox")
async def inbox(request: Request) -> Response:
    """What is open of all readable accounts, or what the filters say."""
    parts, who = doors(request), await caller(request)
    query = read_inbox(request.query_params, await readable(parts, who))
    found = await parts.reconciliations.inbox(query)
    is_full = len(found) == query.limit
    cursor = cursor_text(found[-1].id) if is_full else None
    return JsonResponse({"items": [_row(row) for row in found], "next_cursor": cursor})


@router.post("/oms/discrepancies/{discrepancy_id}/apply")
@router.post("/oms/reconcile/inbox/{discrepancy_id}/apply")
async def apply(request: Request, discrepancy_id: str) -> Response:
    """Carry out what is proposed."""
    return await _decided(request, discrepancy_id, Answer.APPLY)


@router.post("/oms/discrepancies/{discrepancy_id}/dismiss")
@router.post("/oms/reconcile/inbox/{discrepancy_id}/dismiss")
async def dismiss(request: Request, discrepancy_id: str) -> Response:
    """Leave it so; of what was applied, take it back."""
    return await _decided(request, discrepancy_id, Answer.DISMISS)


async def _decided(request: Request, discrepancy_id: str, answer: Answer) -> Response:
    parts, who = doors(request), await caller(request)
    row = await parts.reconciliations.discrepancy(discrepancy_id_of(discrepancy_id))
    if row is None or row.account_id not in await readable(parts, who):
        raise NotFound("there is no such discrepancy")
    said = (request.headers.get("x-comment") or "")[:COMMENT_CHARACTERS_MAX]
    wish = read_decision(load_body(await request.body() or b"{}"), said, row, answer)
    default_ms = parts.settings.commands.default_wait_ms
    wait = read_wait(request.query_params, request.headers.get("prefer"), default_ms)
    wishes = [Wish(payload=wish, account_id=row.account_id)]
    accepted = await parts.submit(Ask(wishes=wishes, principal=who.principal, ip=who.ip))
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    rows = await parts.waiting(ids, wait.seconds)
    results = await results_of(accepted.items, rows, request_id_of(request), None)
    if not results[0]["ok"]:
        return failure(first_error(results), results[0]["error"])
    told = _told(rows.get(ids[0]))
    is_over = told is not None
    body = {"ok": True, "command_id": ids[0], "item": told if told is not None else _row(row)}
    response = JsonResponse(body, 200 if is_over else 202)
    response.headers["Location"] = f"/oms/commands/{ids[0]}"
    if wait.applied is not None:
        response.headers["Preference-Applied"] = wait.applied
    return response


def _told(command: Any) -> dict[str, Any] | None:
    """The row as it was decided, once it was."""
    if command is None:
        return None
    result = load_result(command.status, command.error, command.result, command.order_id)
    told: dict[str, Any] | None = None if result.value is None else loads(result.value)
    return told


def _row(row: Discrepancy) -> dict[str, Any]:
    return discrepancy_row(row, loads(row.evidence), None if row.fix is None else loads(row.fix))
