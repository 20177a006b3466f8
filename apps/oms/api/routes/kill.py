"""Kill switches: pull one at once, look at them, release one with care."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.deps import Caller, Doors, caller, doors, hand_of
from oms.api.errors import JsonResponse, failure, request_id_of
from oms.api.results import first_error, results_of
from oms.api.routes.path_ids import kill_id_of
from oms.domain.access import Permission
from oms.domain.command import CommandStatus
from oms.domain.kill import KillScope, KillSwitch
from oms.services.kill_desk import KillDesk
from oms.services.submit import Ask
from oms.wire.bodies import load_body
from oms.wire.json import loads
from oms.wire.kill import read_pull, read_release, switch_row
from oms.wire.queries import is_false, read_wait
from oms.wire.results import load_result
from oms.wire.wishes import Wish

router = APIRouter()

_REPORT = ("canceled", "not_canceled", "closed", "remaining", "dust")


@router.post("/risk/kill")
async def pull(request: Request) -> Response:
    """Pull a switch: it rules every worker within a second; ``drill`` only tells what it would."""
    parts, who = doors(request), await caller(request)
    ask = read_pull(load_body(await request.body()), request.headers.get("x-comment"))
    desk = _desk(parts)
    if ask.drill:
        await desk.check(who.principal, Permission.KILL_ON, ask.scope, ask.scope_id)
        accounts = await desk.accounts(ask.scope, ask.scope_id)
        would = await desk.would(ask, accounts)
        return JsonResponse({"ok": True, "drill": True, "id": None, "would": would})
    switch = await desk.pull(who.principal, ask, hand_of(request, who, ask.comment))
    accounts = await desk.accounts(switch.scope, switch.scope_id)
    return await _followed(request, who, switch, desk.wishes(switch, accounts))


@router.get("/risk/kill")
async def switches(request: Request) -> Response:
    """The switches that are on; ``active=false`` shows those that are over too."""
    who = await caller(request)
    is_on = not is_false(request.query_params, "active")
    rows = await _desk(doors(request)).shown(who.principal, is_on=is_on)
    return JsonResponse({"items": [switch_row(row) for row in rows]})


@router.get("/risk/kill/{kill_id}")
async def switch(request: Request, kill_id: str) -> Response:
    """One switch, with what followed from it on each account."""
    parts, who = doors(request), await caller(request)
    found = await _desk(parts).one(who.principal, kill_id_of(kill_id))
    return JsonResponse({"ok": True} | switch_row(found) | {"report": await _report(parts, found)})


@router.post("/risk/kill/{kill_id}/release")
async def release(request: Request, kill_id: str) -> Response:
    """Release a switch: with a comment, its name said again, and not in haste."""
    parts, who = doors(request), await caller(request)
    ask = read_release(load_body(await request.body()), request.headers.get("x-comment"))
    desk, hand = _desk(parts), hand_of(request, who, ask.comment)
    released = await desk.release(who.principal, kill_id_of(kill_id), ask, hand)
    is_own = released.scope is KillScope.ACCOUNT
    accounts = [int(released.scope_id)] if is_own else []
    return await _followed(request, who, released, desk.wishes(released, accounts))


async def _followed(
    request: Request, who: Caller, switch: KillSwitch, wishes: list[Wish]
) -> Response:
    """The answer once the accounts' workers have done their part, or the wait is over.

    The switch stands whatever becomes of them.
    """
    parts = doors(request)
    default_ms = parts.settings.commands.default_wait_ms
    wait = read_wait(request.query_params, request.headers.get("prefer"), default_ms)
    results: list[dict[str, Any]] = []
    ids: list[int] = []
    if wishes:
        accepted = await parts.submit(Ask(wishes=wishes, principal=who.principal, ip=who.ip))
        ids = [item.command_id for item in accepted.items if item.command_id is not None]
        rows = await parts.waiting(ids, wait.seconds)
        results = await results_of(accepted.items, rows, request_id_of(request), None)
    failed = [row for row in results if not row["ok"]]
    if failed and len(failed) == len(results) and not switch.is_on:
        return failure(first_error(failed), failed[0]["error"])
    pending = any(row["status"] in ("queued", "running") for row in results)
    report = await _report(parts, switch)
    body = {"ok": not failed} | switch_row(switch) | {"drill": False, "report": report}
    response = JsonResponse(body, 207 if failed else 202 if pending else 200)
    if len(ids) == 1:
        response.headers["Location"] = f"/oms/commands/{ids[0]}"
    if wait.applied is not None:
        response.headers["Preference-Applied"] = wait.applied
    return response


async def _report(parts: Doors, switch: KillSwitch) -> list[dict[str, Any]]:
    """By account: what was canceled and closed, what is left."""
    told: list[dict[str, Any]] = []
    for account_id, command_id, status, text in await parts.kills.commands(switch.id):
        result = load_result(CommandStatus(status), None, text, None)
        value = loads(result.value) if result.value is not None else {}
        row = {"account_id": account_id, "command_id": command_id, "status": status}
        told.append(row | {name: value.get(name, []) for name in _REPORT})
    return told


def _desk(parts: Doors) -> KillDesk:
    return KillDesk(
        kills=parts.kills,
        registry=parts.reads.registry,
        strategies=parts.administer.strategies,
        people=parts.administer.people,
        history=parts.history,
    )
