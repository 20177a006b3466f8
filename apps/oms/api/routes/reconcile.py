"""Sweeps on demand, and how fresh the last ones are."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import build_results, first_error
from oms.api.context import ApiContext, Caller, admit_caller, api_context, parse_account_id
from oms.api.errors import JsonResponse, detail_response, error_detail, request_id_of
from oms.api.metrics.reconcile_metrics import read_heartbeats
from oms.domain.access import Permission, refuse_account
from oms.domain.errors import NotFound, Refused
from oms.services.submission.submit import SubmitRequest
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.reconcile_request import (
    STALE_SECONDS,
    read_reconcile,
    reconcile_result_row,
    reconcile_status_rows,
)
from oms.wire.commands.result_codec import load_result
from oms.wire.json import loads
from oms.wire.query_parameters import read_seconds
from oms.wire.request_body import load_body, malformed_at

router = APIRouter()

RECONCILE_WAIT_SECONDS = 60.0
STATUSES = ("fresh", "stale", "never")


@router.post("/oms/reconcile")
async def reconcile(request: Request) -> Response:
    """Sweep now, accounts side by side; on return the deals found can be read."""
    context, who = api_context(request), await admit_caller(request)
    named, wish = read_reconcile(load_body(await request.body() or b"{}"))
    accounts = named or await readable_account_ids(context, who)
    commands = [CommandRequest(payload=wish, account_id=account_id) for account_id in accounts]
    if not commands:
        return JsonResponse({"ok": True, "account_ids": [], "triggered_count": 0, "results": []})
    accepted = await context.submit(
        SubmitRequest(commands=commands, principal=who.principal, ip=who.ip)
    )
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    rows = await context.waiting(ids, RECONCILE_WAIT_SECONDS)
    ended = await build_results(accepted.items, rows, request_id_of(request), None)
    results: list[dict[str, Any]] = []
    for item, end in zip(accepted.items, ended, strict=True):
        row = rows.get(item.command_id or 0)
        value = None
        if row is not None:
            value = load_result(row.status, row.error, row.result, row.order_id).value
        error = end["error"] or (None if value is not None else _late(request))
        told = None if value is None else loads(value)
        results.append(reconcile_result_row(item.account_id or 0, told, error))
    swept = [row["account_id"] for row in results if row["ok"]]
    if not swept:
        return _failed(results, ended)
    body = {
        "ok": True,
        "account_ids": list(accounts),
        "triggered_count": len(swept),
        "results": results,
    }
    return JsonResponse(body)


@router.get("/oms/reconcile/status")
async def list_statuses(request: Request) -> Response:
    """How fresh the last sweep of each readable account is."""
    context, who = api_context(request), await admit_caller(request)
    wished = request.query_params.get("status")
    if wished is not None and wished not in STATUSES:
        raise malformed_at(("query", "status"), f"one of {', '.join(STATUSES)}", "literal_error")
    rows = await _statuses(request, context, await readable_account_ids(context, who))
    return JsonResponse({"items": [r for r in rows if wished in (None, r["status"])]})


@router.get("/oms/reconcile/{account_id}/status")
async def get_status(request: Request, account_id: str) -> Response:
    """How fresh the last sweep of one account is."""
    context, who = api_context(request), await admit_caller(request)
    number = parse_account_id(account_id)
    if number not in await readable_account_ids(context, who):
        raise NotFound(f"account_id={number}", code="account_not_found")
    return JsonResponse({"items": await _statuses(request, context, [number])})


async def readable_account_ids(context: ApiContext, who: Caller) -> list[int]:
    """The accounts that the caller may read, ascending."""
    rows = await context.reads.accounts(who.principal)
    ids = [row.account.id for row in rows]
    return [i for i in ids if refuse_account(who.principal, Permission.READ, i) is None]


async def _statuses(
    request: Request, context: ApiContext, account_ids: Sequence[int]
) -> list[dict[str, Any]]:
    stale_after = read_seconds(request.query_params, "stale_after_seconds", STALE_SECONDS)
    cursors = await context.reconciliations.cursors(account_ids)
    differing = await context.reconciliations.open_discrepancies(account_ids)
    beats = await read_heartbeats(context)
    return reconcile_status_rows(
        account_ids, cursors, differing, stale_after, context.clock.now(), beats
    )


def _late(request: Request) -> Mapping[str, Any]:
    message = "the sweep takes longer than a minute; it goes on"
    why = Refused(code="timeout", message=message, outcome="unknown")
    return error_detail(why, request_id_of(request), command="reconcile")


def _failed(results: list[dict[str, Any]], ended: Sequence[dict[str, Any]]) -> Response:
    errors = [row for row in ended if row["error"] is not None]
    shown = results[0]["error"] | {"results": results}
    why = first_error(errors) if errors else Refused(code="timeout", message=shown["message"])
    return detail_response(why, shown)
