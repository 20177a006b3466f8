"""Dead-man switches: arm, beat, disarm and list."""

from collections.abc import Mapping, Set

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_submission import read_header_comment
from oms.api.context import ApiContext, admit_caller, api_context, audit_context_of
from oms.api.errors import JsonResponse
from oms.api.metrics.dispatcher_status import read_exchange_timers
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_deadman_id
from oms.services.submission.deadman_admin import DeadmanAdmin
from oms.wire import parameters as p
from oms.wire.commands import deadman_requests
from oms.wire.commands.deadman_requests import read_deadman
from oms.wire.query_parameters import is_false
from oms.wire.request_body import load_body
from oms.wire.responses.deadman_rows import (
    DeadmanRow,
    ExchangeTimerRow,
    ListedDeadman,
    deadman_row,
    listed_deadman,
    unreported_timer,
)
from oms.wire.responses.value_types import Items

router = APIRouter()

_ARM = validated(
    "DeadmanSwitch",
    deadman_requests.DEADMAN,
    {"account_ids": [1], "timeout_seconds": 30, "action": "cancel_entries"},
)


@router.post(
    "/risk/deadman",
    name="arm_deadman",
    openapi_extra=documented(DeadmanRow, query=(p.COMMENT,), body=_ARM, errors=UNKNOWN_ID),
)
async def arm(request: Request) -> Response:
    """Arm a dead-man switch; its first deadline is one timeout from now."""
    context, caller = api_context(request), await admit_caller(request)
    arming = read_deadman(load_body(await request.body()), read_header_comment(request))
    audit_context = audit_context_of(request, caller, arming.comment)
    switch = await build_deadman_admin(context).arm(caller.principal, arming, audit_context)
    return JsonResponse(deadman_row(switch))


@router.get(
    "/risk/deadman",
    name="list_deadman_switches",
    openapi_extra=documented(Items[ListedDeadman], query=(p.ACTIVE,)),
)
async def list_switches(request: Request) -> Response:
    """Return the armed and fired switches; with ``active=false`` the disarmed ones too."""
    context, caller = api_context(request), await admit_caller(request)
    is_active = not is_false(request.query_params, p.ACTIVE)
    rows = await build_deadman_admin(context).list_visible(caller.principal, is_active=is_active)
    timers = await _read_timers(context, {i for row in rows for i in row.account_ids})
    return JsonResponse(Items(items=[listed_deadman(row, timers) for row in rows]))


async def _read_timers(
    context: ApiContext, account_ids: Set[int]
) -> Mapping[int, ExchangeTimerRow]:
    """Return the timers of the accounts whose exchange has one, reported by a worker or not."""
    reported = await read_exchange_timers(context.leases)
    others = sorted(account_ids - reported.keys())
    accounts = await context.queries.registry.accounts(others) if others else ()
    has_timer = context.exchange_catalog.has_cancel_timer
    unreported = [row.account.id for row in accounts if has_timer(row.account)]
    return {**reported, **{each: unreported_timer(each) for each in unreported}}


@router.post(
    "/risk/deadman/{deadman_id}/beat",
    name="beat_deadman",
    openapi_extra=documented(DeadmanRow, errors=UNKNOWN_ID),
)
async def beat(request: Request, deadman_id: PathId) -> Response:
    """Move the deadline of an armed switch to one timeout from now."""
    context, caller = api_context(request), await admit_caller(request)
    switch = await build_deadman_admin(context).beat(
        caller.principal, parse_deadman_id(deadman_id), context.clock.now()
    )
    return JsonResponse(deadman_row(switch))


@router.delete(
    "/risk/deadman/{deadman_id}",
    name="disarm_deadman",
    openapi_extra=documented(DeadmanRow, query=(p.COMMENT,), errors=UNKNOWN_ID),
)
async def disarm(request: Request, deadman_id: PathId) -> Response:
    """Disarm an armed or fired switch; kill switches that it activated stay."""
    context, caller = api_context(request), await admit_caller(request)
    audit_context = audit_context_of(request, caller, read_header_comment(request) or None)
    switch = await build_deadman_admin(context).disarm(
        caller.principal, parse_deadman_id(deadman_id), audit_context
    )
    return JsonResponse(deadman_row(switch))


def build_deadman_admin(context: ApiContext) -> DeadmanAdmin:
    """Return the administration of dead-man switches."""
    return DeadmanAdmin(
        switches=context.deadman_switches,
        registry=context.queries.registry,
        strategies=context.administer.strategies,
    )
