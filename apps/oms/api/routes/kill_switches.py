"""Kill switches: pull one at once, look at them, release one with care."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import build_results, first_error
from oms.api.context import ApiContext, Caller, admit_caller, api_context, audit_actor
from oms.api.errors import JsonResponse, detail_response, request_id_of
from oms.api.routes.path_ids import parse_kill_id
from oms.domain.access import Permission
from oms.domain.commands.command import CommandStatus
from oms.domain.risk.kill_switch import KillScope, KillSwitch
from oms.services.submission.kill_switch_admin import KillSwitchAdmin
from oms.services.submission.submit import SubmitRequest
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.kill_switch_requests import read_activation, read_release, switch_row
from oms.wire.commands.result_codec import load_result
from oms.wire.json import loads
from oms.wire.query_parameters import is_false, read_wait
from oms.wire.request_body import load_body

router = APIRouter()

_REPORT = ("canceled", "not_canceled", "closed", "remaining", "dust")


@router.post("/risk/kill")
async def activate_kill_switch(request: Request) -> Response:
    """Pull a switch: it rules every worker within a second; ``drill`` only tells what it would."""
    context, who = api_context(request), await admit_caller(request)
    ask = read_activation(load_body(await request.body()), request.headers.get("x-comment"))
    desk = _desk(context)
    if ask.drill:
        await desk.check(who.principal, Permission.KILL_ON, ask.scope, ask.scope_id)
        accounts = await desk.accounts(ask.scope, ask.scope_id)
        preview = await desk.preview_effect(ask, accounts)
        return JsonResponse({"ok": True, "drill": True, "id": None, "would": preview})
    switch = await desk.activate(who.principal, ask, audit_actor(request, who, ask.comment))
    accounts = await desk.accounts(switch.scope, switch.scope_id)
    return await _followed(request, who, switch, desk.commands(switch, accounts))


@router.get("/risk/kill")
async def list_kill_switches(request: Request) -> Response:
    """The switches that are on; ``active=false`` shows those that are over too."""
    who = await admit_caller(request)
    is_on = not is_false(request.query_params, "active")
    rows = await _desk(api_context(request)).list_visible(who.principal, is_on=is_on)
    return JsonResponse({"items": [switch_row(row) for row in rows]})


@router.get("/risk/kill/{kill_id}")
async def get_kill_switch(request: Request, kill_id: str) -> Response:
    """One switch, with what followed from it on each account."""
    context, who = api_context(request), await admit_caller(request)
    found = await _desk(context).get(who.principal, parse_kill_id(kill_id))
    return JsonResponse(
        {"ok": True} | switch_row(found) | {"report": await _report(context, found)}
    )


@router.post("/risk/kill/{kill_id}/release")
async def release_kill_switch(request: Request, kill_id: str) -> Response:
    """Release a switch: with a comment, its name said again, and not in haste."""
    context, who = api_context(request), await admit_caller(request)
    ask = read_release(load_body(await request.body()), request.headers.get("x-comment"))
    desk, audit_context = _desk(context), audit_actor(request, who, ask.comment)
    released = await desk.release(who.principal, parse_kill_id(kill_id), ask, audit_context)
    is_own = released.scope is KillScope.ACCOUNT
    accounts = [int(released.scope_id)] if is_own else []
    return await _followed(request, who, released, desk.commands(released, accounts))


async def _followed(
    request: Request, who: Caller, switch: KillSwitch, commands: list[CommandRequest]
) -> Response:
    """The answer once the accounts' workers have done their part, or the wait is over.

    The switch stands whatever becomes of them.
    """
    context = api_context(request)
    default_ms = context.settings.commands.default_wait_ms
    wait = read_wait(request.query_params, request.headers.get("prefer"), default_ms)
    results: list[dict[str, Any]] = []
    ids: list[int] = []
    if commands:
        accepted = await context.submit(
            SubmitRequest(commands=commands, principal=who.principal, ip=who.ip)
        )
        ids = [item.command_id for item in accepted.items if item.command_id is not None]
        rows = await context.waiting(ids, wait.seconds)
        results = await build_results(accepted.items, rows, request_id_of(request), None)
    failed = [row for row in results if not row["ok"]]
    if failed and len(failed) == len(results) and not switch.is_on:
        return detail_response(first_error(failed), failed[0]["error"])
    pending = any(row["status"] in ("queued", "running") for row in results)
    report = await _report(context, switch)
    body = {"ok": not failed} | switch_row(switch) | {"drill": False, "report": report}
    response = JsonResponse(body, 207 if failed else 202 if pending else 200)
    if len(ids) == 1:
        response.headers["Location"] = f"/oms/commands/{ids[0]}"
    if wait.applied is not None:
        response.headers["Preference-Applied"] = wait.applied
    return response


async def _report(context: ApiContext, switch: KillSwitch) -> list[dict[str, Any]]:
    """By account: what was canceled and closed, what is left."""
    told: list[dict[str, Any]] = []
    for account_id, command_id, status, text in await context.kills.commands(switch.id):
        result = load_result(CommandStatus(status), None, text, None)
        value = loads(result.value) if result.value is not None else {}
        row = {"account_id": account_id, "command_id": command_id, "status": status}
        told.append(row | {name: value.get(name, []) for name in _REPORT})
    return told


def _desk(context: ApiContext) -> KillSwitchAdmin:
    return KillSwitchAdmin(
        kills=context.kills,
        registry=context.reads.registry,
        strategies=context.administer.strategies,
        people=context.administer.people,
        history=context.history,
    )
