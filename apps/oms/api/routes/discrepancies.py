"""The inbox: what the exchange shows and no fact explains, and decisions on it."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import build_results, first_error
from oms.api.context import COMMENT_CHARACTERS_MAX, admit_caller, api_context
from oms.api.errors import JsonResponse, detail_response, request_id_of
from oms.api.routes.path_ids import parse_discrepancy_id
from oms.api.routes.reconcile import readable_account_ids
from oms.domain.errors import NotFound
from oms.domain.reconcile.discrepancy import Decision, Discrepancy
from oms.services.submission.submit import SubmitRequest
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.reconcile_request import (
    discrepancy_row,
    read_decision,
    read_discrepancy_query,
)
from oms.wire.commands.result_codec import load_result
from oms.wire.json import loads
from oms.wire.query_parameters import cursor_text, read_wait
from oms.wire.request_body import load_body

router = APIRouter()


@router.get("/oms/discrepancies")
@router.get("/oms/reconcile/inbox")
async def find_discrepancies(request: Request) -> Response:
    """What is open of all readable accounts, or what the filters say."""
    context, who = api_context(request), await admit_caller(request)
    query = read_discrepancy_query(request.query_params, await readable_account_ids(context, who))
    found = await context.reconciliations.find_discrepancies(query)
    is_full = len(found) == query.limit
    cursor = cursor_text(found[-1].id) if is_full else None
    return JsonResponse({"items": [_row(row) for row in found], "next_cursor": cursor})


@router.post("/oms/discrepancies/{discrepancy_id}/apply")
@router.post("/oms/reconcile/inbox/{discrepancy_id}/apply")
async def apply(request: Request, discrepancy_id: str) -> Response:
    """Carry out what is proposed."""
    return await _decided(request, discrepancy_id, Decision.APPLY)


@router.post("/oms/discrepancies/{discrepancy_id}/dismiss")
@router.post("/oms/reconcile/inbox/{discrepancy_id}/dismiss")
async def dismiss(request: Request, discrepancy_id: str) -> Response:
    """Leave it so; of what was applied, take it back."""
    return await _decided(request, discrepancy_id, Decision.DISMISS)


async def _decided(request: Request, discrepancy_id: str, answer: Decision) -> Response:
    context, who = api_context(request), await admit_caller(request)
    row = await context.reconciliations.discrepancy(parse_discrepancy_id(discrepancy_id))
    if row is None or row.account_id not in await readable_account_ids(context, who):
        raise NotFound("there is no such discrepancy")
    said = (request.headers.get("x-comment") or "")[:COMMENT_CHARACTERS_MAX]
    wish = read_decision(load_body(await request.body() or b"{}"), said, row, answer)
    default_ms = context.settings.commands.default_wait_ms
    wait = read_wait(request.query_params, request.headers.get("prefer"), default_ms)
    commands = [CommandRequest(payload=wish, account_id=row.account_id)]
    accepted = await context.submit(
        SubmitRequest(commands=commands, principal=who.principal, ip=who.ip)
    )
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    rows = await context.waiting(ids, wait.seconds)
    results = await build_results(accepted.items, rows, request_id_of(request), None)
    if not results[0]["ok"]:
        return detail_response(first_error(results), results[0]["error"])
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
