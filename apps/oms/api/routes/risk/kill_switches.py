"""Kill switches: activate, list and release."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import failure_response
from oms.api.command_submission import submit_and_wait
from oms.api.context import (
    ApiContext,
    Caller,
    admit_caller,
    api_context,
    audit_context_of,
    require_confirmed,
)
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import COMMAND_ERRORS, SENT_MANY, documented
from oms.api.routes.path_ids import PathId, parse_kill_id
from oms.domain.access import Permission
from oms.domain.risk.kill_switch import KillScope, KillSwitch
from oms.ports.notifier import Topic
from oms.services.access.change_notices import ChangeNotices
from oms.services.submission.kill_switch_admin import KillSwitchAdmin
from oms.services.submission.kill_switch_reads import KillSwitchReads
from oms.wire import parameters as p
from oms.wire.commands import kill_switch_requests
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.kill_switch_requests import read_activation, read_release
from oms.wire.query_parameters import is_false
from oms.wire.request_body import load_body
from oms.wire.responses.kill_switch_rows import (
    KillDrill,
    KillSwitchActivation,
    KillSwitchReport,
    KillSwitchRow,
    switch_row,
)
from oms.wire.responses.value_types import Items

router = APIRouter()

_ACTIVATE = validated(
    "KillPull",
    kill_switch_requests.PULL,
    {"scope": "account", "scope_id": 1, "mode": "reduce_only", "comment": "fat finger"},
)
_RELEASE = validated(
    "KillRelease",
    kill_switch_requests.RELEASE,
    {"comment": "the incident is over", "confirm": "account 1"},
)


@router.post(
    "/risk/kill",
    name="pull_kill_switch",
    openapi_extra=documented(
        {
            200: KillSwitchActivation | KillDrill,
            202: KillSwitchActivation,
            207: KillSwitchActivation,
        },
        query=(*p.WAIT, p.COMMENT),
        body=_ACTIVATE,
        errors=COMMAND_ERRORS,
    ),
)
async def activate_kill_switch(request: Request) -> Response:
    """Activate a switch, in effect at every worker at once; ``drill`` only previews it."""
    context, caller = api_context(request), await admit_caller(request)
    body = load_body(await request.body())
    activation = read_activation(body, request.headers.get("x-comment"))
    admin = build_kill_switch_admin(context)
    if activation.drill:
        preview = await admin.preview(caller.principal, activation)
        drill: KillDrill = {"ok": True, "drill": True, "id": None, "would": preview}
        return JsonResponse(drill)
    audit_context = audit_context_of(request, caller, activation.comment)
    switch = await admin.activate(caller.principal, activation, audit_context)
    accounts = await admin.accounts(switch.scope, switch.scope_id)
    return await _enforce(request, caller, switch, admin.commands(switch, accounts))


@router.get("/risk/kill", openapi_extra=documented(Items[KillSwitchRow], query=(p.ACTIVE,)))
async def list_kill_switches(request: Request) -> Response:
    """Return the active switches; with ``active=false`` the released ones too."""
    caller = await admit_caller(request)
    is_on = not is_false(request.query_params, p.ACTIVE)
    rows = await _build_reads(api_context(request)).list_visible(caller.principal, is_on=is_on)
    return JsonResponse(Items(items=[switch_row(row) for row in rows]))


@router.get("/risk/kill/{kill_id}", openapi_extra=documented(KillSwitchReport))
async def get_kill_switch(request: Request, kill_id: PathId) -> Response:
    """Return one switch with its report per account."""
    context, caller = api_context(request), await admit_caller(request)
    reads = _build_reads(context)
    switch = await reads.get(caller.principal, parse_kill_id(kill_id))
    report = await reads.report(caller.principal, switch)
    body: KillSwitchReport = {"ok": True, **switch_row(switch), "report": report}
    return JsonResponse(body)


@router.post(
    "/risk/kill/{kill_id}/release",
    openapi_extra=documented(
        KillSwitchActivation,
        statuses=SENT_MANY,
        query=(*p.WAIT, p.COMMENT),
        body=_RELEASE,
        errors=COMMAND_ERRORS,
    ),
)
async def release_kill_switch(request: Request, kill_id: PathId) -> Response:
    """Release a switch; the request needs a comment and a confirmation."""
    context, caller = api_context(request), await admit_caller(request)
    release = read_release(load_body(await request.body()), request.headers.get("x-comment"))
    await require_confirmed(request, caller, Permission.KILL_OFF)
    admin, audit_context = (
        build_kill_switch_admin(context),
        audit_context_of(request, caller, release.comment),
    )
    switch = await admin.release(caller.principal, parse_kill_id(kill_id), release, audit_context)
    accounts = [int(switch.scope_id)] if switch.scope is KillScope.ACCOUNT else []
    return await _enforce(request, caller, switch, admin.commands(switch, accounts))


async def _enforce(
    request: Request, caller: Caller, switch: KillSwitch, commands: list[CommandRequest]
) -> Response:
    """Submit the commands of the switch's accounts and return the response after the wait.

    The switch stays as it is whatever the outcome of the commands.
    """
    submission = await submit_and_wait(request, caller, commands)
    failed, results = submission.failed, submission.results
    if failed and len(failed) == len(results) and not switch.is_on:
        return failure_response(failed)
    report = await _build_reads(api_context(request)).report(caller.principal, switch)
    body: KillSwitchActivation = {
        "ok": not failed,
        **switch_row(switch),
        "drill": False,
        "report": report,
    }
    status = 207 if failed else 202 if submission.is_pending else 200
    return submission.add_headers(JsonResponse(body, status))


def build_kill_switch_admin(context: ApiContext) -> KillSwitchAdmin:
    """Return the administration of kill switches."""
    return KillSwitchAdmin(
        kills=context.kill_switches,
        deadman_switches=context.deadman_switches,
        registry=context.queries.registry,
        strategies=context.administer.strategies,
        people=context.administer.people,
        history=context.history,
        reads=_build_reads(context),
        announce=ChangeNotices(notifier=context.notifier, topic=Topic.SWITCHES).announce,
    )


def _build_reads(context: ApiContext) -> KillSwitchReads:
    return KillSwitchReads(
        kills=context.kill_switches,
        strategies=context.administer.strategies,
        people=context.administer.people,
        history=context.history,
    )
