"""The switch of the whole gateway: read and set."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_submission import read_header_comment, submit_and_wait
from oms.api.context import (
    ApiContext,
    admit_caller,
    api_context,
    audit_context_of,
    require_confirmed,
)
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import COMMAND_ERRORS, SENT_MANY, documented
from oms.api.routes.risk.kill_switches import build_kill_switch_admin
from oms.domain.access import Permission, Principal
from oms.services.submission.oms_switch import OmsSwitch
from oms.wire import parameters as p
from oms.wire.commands import oms_switch_requests
from oms.wire.commands.oms_switch_requests import read_switch
from oms.wire.request_body import load_body
from oms.wire.responses.kill_switch_rows import (
    KillAccountReport,
    OmsSwitchChange,
    OmsSwitchState,
    switch_row,
)

router = APIRouter()

_SWITCH = validated(
    "OmsSwitch",
    oms_switch_requests.SWITCH,
    {"enabled": False, "kind": "hard", "comment": "prices look wrong"},
)


@router.get("/risk/switch", openapi_extra=documented(OmsSwitchState))
async def get_oms_switch(request: Request) -> Response:
    """Return whether the gateway is enabled, and the active switches over all accounts."""
    context, caller = api_context(request), await admit_caller(request)
    return JsonResponse(await _state(context, caller.principal))


@router.post(
    "/risk/switch",
    openapi_extra=documented(
        OmsSwitchChange,
        statuses=SENT_MANY,
        query=(*p.WAIT, p.COMMENT),
        body=_SWITCH,
        errors=COMMAND_ERRORS,
    ),
)
async def set_oms_switch(request: Request) -> Response:
    """Enable or disable the gateway; enabling releases only what this switch activated."""
    context, caller = api_context(request), await admit_caller(request)
    change = read_switch(load_body(await request.body()), read_header_comment(request))
    if change.activation is None:
        await require_confirmed(request, caller, Permission.KILL_OFF)
    switch = _build_switch(context)
    audit_context = audit_context_of(request, caller, change.comment)
    changed = await switch.change(caller.principal, change, audit_context)
    commands = [
        command
        for row in changed
        for command in switch.admin.commands(
            row, await switch.admin.accounts(row.scope, row.scope_id)
        )
    ]
    submission = await submit_and_wait(request, caller, commands)
    report: list[KillAccountReport] = []
    if change.activation is not None:
        for row in changed:
            report += await switch.admin.reads.report(caller.principal, row)
    body: OmsSwitchChange = {
        **await _state(context, caller.principal),
        "ok": not submission.failed,
        "changed": [row.id for row in changed],
        "report": report,
    }
    status = 207 if submission.failed else 202 if submission.is_pending else 200
    return submission.add_headers(JsonResponse(body, status))


async def _state(context: ApiContext, principal: Principal) -> OmsSwitchState:
    switch = _build_switch(context)
    active = await switch.active()
    visible = await switch.admin.reads.visible(principal, active)
    return {
        "ok": True,
        "oms_enabled": not active,
        "switches": [switch_row(row) for row in visible],
    }


def _build_switch(context: ApiContext) -> OmsSwitch:
    return OmsSwitch(admin=build_kill_switch_admin(context))
