"""Discrepancies between the ledger and the exchange, and decisions on them."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import failure_response
from oms.api.command_submission import read_header_comment, submit_and_wait
from oms.api.context import admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import COMMAND_ERRORS, SENT, documented
from oms.api.routes.path_ids import PathId, parse_discrepancy_id
from oms.api.routes.reconcile import readable_account_ids
from oms.domain.access import allowed_strategies
from oms.domain.errors import NotFound
from oms.domain.reconcile.discrepancy import Decision, Discrepancy
from oms.wire import parameters as p
from oms.wire.commands import command_schemas
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.reconcile_request import (
    read_decision,
    read_discrepancy_query,
)
from oms.wire.json import loads
from oms.wire.query_parameters import cursor_text
from oms.wire.request_body import load_body
from oms.wire.responses.reconcile_rows import Decided, DiscrepancyRow, Inbox, discrepancy_row

router = APIRouter()

_DECIDE = validated(
    "Decide", command_schemas.DECIDE, {"comment": "the exchange is right"}, is_required=False
)


@router.get("/oms/discrepancies", openapi_extra=documented(Inbox, query=p.DISCREPANCIES))
@router.get(
    "/oms/reconcile/inbox",
    name="list_reconcile_inbox",
    openapi_extra=documented(Inbox, query=p.DISCREPANCIES),
)
async def list_discrepancies(request: Request) -> Response:
    """Return the discrepancies of all readable accounts: open ones, or those of the filters.

    They belong to no strategy: a key restricted to strategies sees none.
    """
    context, caller = api_context(request), await admit_caller(request)
    readable = await readable_account_ids(context, caller)
    unrestricted = [i for i in readable if allowed_strategies(caller.principal, i) is None]
    query = read_discrepancy_query(request.query_params, unrestricted)
    rows = await context.reconciliations.find_discrepancies(query)
    cursor = cursor_text(rows[-1].id) if len(rows) == query.limit else None
    body: Inbox = {"items": [_build_row(row) for row in rows], "next_cursor": cursor}
    return JsonResponse(body)


@router.post(
    "/oms/discrepancies/{discrepancy_id}/apply",
    openapi_extra=documented(
        Decided, statuses=SENT, query=(*p.WAIT, p.COMMENT), body=_DECIDE, errors=COMMAND_ERRORS
    ),
)
@router.post(
    "/oms/reconcile/inbox/{discrepancy_id}/apply",
    name="apply_reconcile_inbox",
    openapi_extra=documented(
        Decided, statuses=SENT, query=(*p.WAIT, p.COMMENT), body=_DECIDE, errors=COMMAND_ERRORS
    ),
)
async def apply_discrepancy(request: Request, discrepancy_id: PathId) -> Response:
    """Apply the proposed correction."""
    return await _decide(request, discrepancy_id, Decision.APPLY)


@router.post(
    "/oms/discrepancies/{discrepancy_id}/dismiss",
    openapi_extra=documented(
        Decided, statuses=SENT, query=(*p.WAIT, p.COMMENT), body=_DECIDE, errors=COMMAND_ERRORS
    ),
)
@router.post(
    "/oms/reconcile/inbox/{discrepancy_id}/dismiss",
    name="dismiss_reconcile_inbox",
    openapi_extra=documented(
        Decided, statuses=SENT, query=(*p.WAIT, p.COMMENT), body=_DECIDE, errors=COMMAND_ERRORS
    ),
)
async def dismiss_discrepancy(request: Request, discrepancy_id: PathId) -> Response:
    """Dismiss the discrepancy; an applied correction is reverted."""
    return await _decide(request, discrepancy_id, Decision.DISMISS)


async def _decide(request: Request, discrepancy_id: str, decision: Decision) -> Response:
    context, caller = api_context(request), await admit_caller(request)
    row = await context.reconciliations.discrepancy(parse_discrepancy_id(discrepancy_id))
    if row is None or row.account_id not in await readable_account_ids(context, caller):
        raise NotFound("there is no such discrepancy")
    body = load_body(await request.body() or b"{}")
    payload = read_decision(body, read_header_comment(request), row, decision)
    command = CommandRequest(payload=payload, account_id=row.account_id)
    submission = await submit_and_wait(request, caller, [command])
    (result,) = submission.results
    if not result["ok"]:
        return failure_response([result])
    decided: DiscrepancyRow | None = submission.value(0)
    answer: Decided = {
        "ok": True,
        "command_id": submission.command_ids[0],
        "item": _build_row(row) if decided is None else decided,
    }
    return submission.add_headers(JsonResponse(answer, 202 if decided is None else 200))


def _build_row(row: Discrepancy) -> DiscrepancyRow:
    return discrepancy_row(row, loads(row.evidence), None if row.fix is None else loads(row.fix))
