"""Reconciliation on demand, and how recent the last one of each account is."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import refused_of
from oms.api.command_submission import Submission, read_header_comment, submit_and_wait
from oms.api.context import ApiContext, Caller, admit_caller, api_context, parse_account_id
from oms.api.errors import JsonResponse, detail_response, error_detail, request_id_of
from oms.api.metrics.reconcile_metrics import read_heartbeats
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import COMMAND_ERRORS, UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId
from oms.domain.access import Permission, refuse_account
from oms.domain.errors import NotFound, Refused
from oms.wire import parameters as p
from oms.wire.commands import command_schemas
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.reconcile_request import (
    read_reconcile,
)
from oms.wire.query_parameters import WaitOption, read_number
from oms.wire.request_body import load_body, malformed_at
from oms.wire.responses.command_rows import CommandResultRow, ErrorDetail
from oms.wire.responses.reconcile_rows import (
    ReconciledAccounts,
    ReconciledRow,
    ReconcileStatusRow,
    reconcile_result_row,
    reconcile_status_rows,
)
from oms.wire.responses.value_types import Items

router = APIRouter()

_RECONCILE = validated(
    "Reconcile",
    command_schemas.RECONCILE,
    {"account_id": 1, "scope": "short"},
    is_required=False,
)

RECONCILE_WAIT_SECONDS = 60.0
STATUSES = ("fresh", "stale", "never")


@router.post(
    "/oms/reconcile",
    openapi_extra=documented(
        ReconciledAccounts, query=(p.COMMENT,), body=_RECONCILE, errors=COMMAND_ERRORS
    ),
)
async def reconcile_accounts(request: Request) -> Response:
    """Reconcile accounts concurrently; deals that were found are readable on return."""
    context, caller = api_context(request), await admit_caller(request)
    named_ids, payload = read_reconcile(load_body(await request.body() or b"{}"))
    account_ids = named_ids or await readable_account_ids(context, caller)
    if not account_ids:
        nothing: ReconciledAccounts = {
            "ok": True,
            "account_ids": [],
            "triggered_count": 0,
            "results": [],
        }
        return JsonResponse(nothing)
    comment = read_header_comment(request) or None
    commands = [
        CommandRequest(payload=payload, account_id=each, header_comment=comment)
        for each in account_ids
    ]
    wait = WaitOption(seconds=RECONCILE_WAIT_SECONDS)
    submission = await submit_and_wait(request, caller, commands, wait=wait)
    results = [_build_result(request, submission, i) for i in range(len(commands))]
    reconciled_count = sum(row["ok"] for row in results)
    if not reconciled_count:
        return _failure(results, submission.results)
    body: ReconciledAccounts = {
        "ok": reconciled_count == len(results),
        "account_ids": list(account_ids),
        "triggered_count": reconciled_count,
        "results": results,
    }
    return JsonResponse(body)


@router.get(
    "/oms/reconcile/status",
    openapi_extra=documented(
        Items[ReconcileStatusRow], query=(p.RECONCILE_STATUS, p.STALE_AFTER), errors=UNKNOWN_ID
    ),
)
async def list_reconcile_status(request: Request) -> Response:
    """Return how recent the last reconciliation of each readable account is."""
    context, caller = api_context(request), await admit_caller(request)
    status = request.query_params.get(p.RECONCILE_STATUS.name)
    if status is not None and status not in STATUSES:
        raise malformed_at(("query", "status"), f"one of {', '.join(STATUSES)}", "literal_error")
    rows = await _read_statuses(request, context, await readable_account_ids(context, caller))
    return JsonResponse(Items(items=[row for row in rows if status in (None, row["status"])]))


@router.get(
    "/oms/reconcile/{account_id}/status",
    openapi_extra=documented(Items[ReconcileStatusRow], query=(p.STALE_AFTER,), errors=UNKNOWN_ID),
)
async def get_reconcile_status(request: Request, account_id: PathId) -> Response:
    """Return how recent the last reconciliation of one account is."""
    context, caller = api_context(request), await admit_caller(request)
    number = parse_account_id(account_id)
    if number not in await readable_account_ids(context, caller):
        raise NotFound(f"account_id={number}", code="account_not_found")
    return JsonResponse(Items(items=await _read_statuses(request, context, [number])))


async def readable_account_ids(context: ApiContext, caller: Caller) -> list[int]:
    """Return the ids of the accounts that the caller may read, ascending."""
    rows = await context.queries.accounts(caller.principal)
    ids = [row.account.id for row in rows]
    return [i for i in ids if refuse_account(caller.principal, Permission.READ, i) is None]


async def _read_statuses(
    request: Request, context: ApiContext, account_ids: Sequence[int]
) -> list[ReconcileStatusRow]:
    stale_after = read_number(request.query_params, p.STALE_AFTER)
    cursors = await context.reconciliations.cursors(account_ids)
    discrepancies = await context.reconciliations.open_discrepancies(account_ids)
    heartbeats = await read_heartbeats(context)
    return reconcile_status_rows(
        account_ids, cursors, discrepancies, stale_after, context.clock.now(), heartbeats
    )


def _build_result(request: Request, submission: Submission, index: int) -> ReconciledRow:
    value = submission.value(index)
    error = submission.results[index]["error"]
    if error is None and value is None:
        error = _timeout_detail(request)
    account_id = submission.submitted.items[index].account_id or 0
    return reconcile_result_row(account_id, value, error)


def _timeout_detail(request: Request) -> ErrorDetail:
    message = "the reconciliation takes longer than a minute; it continues"
    refused = Refused(code="timeout", message=message, outcome="unknown")
    return error_detail(refused, request_id_of(request), command="reconcile")


def _failure(rows: list[ReconciledRow], results: Sequence[CommandResultRow]) -> Response:
    error = rows[0]["error"]
    assert error is not None, "no account was reconciled"
    timeout = Refused(code="timeout", message=error["message"])
    errors = [result["error"] for result in results if result["error"] is not None]
    failed = refused_of(errors[0]) if errors else timeout
    return detail_response(failed, {**error, "results": rows})
