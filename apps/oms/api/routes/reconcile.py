"""Sweeps on demand, and how fresh the last ones are."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.deps import Caller, Doors, account_id_of, caller, doors
from oms.api.errors import JsonResponse, detail, failure, request_id_of
from oms.api.results import first_error, results_of
from oms.api.sweep_figures import heartbeats
from oms.domain.access import Permission, refuse_account
from oms.domain.errors import NotFound, Refused
from oms.services.submit import Ask
from oms.wire.bodies import load_body, wrong_at
from oms.wire.json import loads
from oms.wire.queries import read_seconds
from oms.wire.reconcile import (
    STALE_SECONDS,
    read_reconcile,
    result_row,
    status_rows,
)
from oms.wire.results import load_result
from oms.wire.wishes import Wish

router = APIRouter()

SWEEP_SECONDS_MAX = 60.0
STATUSES = ("fresh", "stale", "never")


@router.post("/oms/reconcile")
async def reconcile(request: Request) -> Response:
    """Sweep now, accounts side by side; on return the deals found can be read."""
    parts, who = doors(request), await caller(request)
    named, wish = read_reconcile(load_body(await request.body() or b"{}"))
    accounts = named or await readable(parts, who)
    wishes = [Wish(payload=wish, account_id=account_id) for account_id in accounts]
    if not wishes:
        return JsonResponse({"ok": True, "account_ids": [], "triggered_count": 0, "results": []})
    accepted = await parts.submit(Ask(wishes=wishes, principal=who.principal, ip=who.ip))
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    rows = await parts.waiting(ids, SWEEP_SECONDS_MAX)
    ended = await results_of(accepted.items, rows, request_id_of(request), None)
    results: list[dict[str, Any]] = []
    for item, end in zip(accepted.items, ended, strict=True):
        row = rows.get(item.command_id or 0)
        value = None
        if row is not None:
            value = load_result(row.status, row.error, row.result, row.order_id).value
        error = end["error"] or (None if value is not None else _late(request))
        told = None if value is None else loads(value)
        results.append(result_row(item.account_id or 0, told, error))
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
async def all_statuses(request: Request) -> Response:
    """How fresh the last sweep of each readable account is."""
    parts, who = doors(request), await caller(request)
    wished = request.query_params.get("status")
    if wished is not None and wished not in STATUSES:
        raise wrong_at(("query", "status"), f"one of {', '.join(STATUSES)}", "literal_error")
    rows = await _statuses(request, parts, await readable(parts, who))
    return JsonResponse({"items": [r for r in rows if wished in (None, r["status"])]})


@router.get("/oms/reconcile/{account_id}/status")
async def one_status(request: Request, account_id: str) -> Response:
    """How fresh the last sweep of one account is."""
    parts, who = doors(request), await caller(request)
    number = account_id_of(account_id)
    if number not in await readable(parts, who):
        raise NotFound(f"account_id={number}", code="account_not_found")
    return JsonResponse({"items": await _statuses(request, parts, [number])})


async def readable(parts: Doors, who: Caller) -> list[int]:
    """The accounts that the caller may read, ascending."""
    rows = await parts.reads.accounts(who.principal)
    ids = [row.account.id for row in rows]
    return [i for i in ids if refuse_account(who.principal, Permission.READ, i) is None]


async def _statuses(
    request: Request, parts: Doors, account_ids: Sequence[int]
) -> list[dict[str, Any]]:
    stale_after = read_seconds(request.query_params, "stale_after_seconds", STALE_SECONDS)
    cursors = await parts.reconciliations.cursors(account_ids)
    differing = await parts.reconciliations.opened(account_ids)
    beats = await heartbeats(parts)
    return status_rows(account_ids, cursors, differing, stale_after, parts.clock.now(), beats)


def _late(request: Request) -> Mapping[str, Any]:
    message = "the sweep takes longer than a minute; it goes on"
    why = Refused(code="timeout", message=message, outcome="unknown")
    return detail(why, request_id_of(request), command="reconcile")


def _failed(results: list[dict[str, Any]], ended: Sequence[dict[str, Any]]) -> Response:
    errors = [row for row in ended if row["error"] is not None]
    shown = results[0]["error"] | {"results": results}
    why = first_error(errors) if errors else Refused(code="timeout", message=shown["message"])
    return failure(why, shown)
