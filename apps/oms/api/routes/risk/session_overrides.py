"""Overridden trading days: list, set and delete."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_submission import read_header_comment
from oms.api.context import api_context, audit_context_of, require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_override_id
from oms.domain.access import Permission
from oms.domain.value import evolve
from oms.wire import parameters as p
from oms.wire.admin.session_overrides import (
    OVERRIDE,
    OverrideDeleted,
    OverrideRow,
    override_row,
    read_override,
)
from oms.wire.request_body import load_body
from oms.wire.responses.value_types import Items

router = APIRouter()

_OVERRIDE = validated(
    "SessionOverrideRequest",
    OVERRIDE,
    {
        "session": "us_equity",
        "date": "2026-12-24",
        "open": "09:30",
        "close": "13:00",
        "comment": "the exchange announced an early close",
    },
)


@router.get("/admin/session-overrides", openapi_extra=documented(Items[OverrideRow]))
async def list_session_overrides(request: Request) -> Response:
    """Return the overridden trading days, ascending by market and day."""
    await require_permission(request, Permission.ADMIN)
    rows = await api_context(request).session_overrides.all()
    return JsonResponse(Items(items=[override_row(row) for row in rows]))


@router.post(
    "/admin/session-overrides",
    openapi_extra=documented(OverrideRow, query=(p.COMMENT,), body=_OVERRIDE),
)
async def set_session_override(request: Request) -> Response:
    """Close a market for a day, or set its hours; workers follow within seconds."""
    caller = await require_permission(request, Permission.ADMIN)
    context = api_context(request)
    override, replaces = read_override(
        load_body(await request.body()), read_header_comment(request), context.clock.now()
    )
    audit_context = audit_context_of(request, caller, override.comment)
    named = evolve(override, set_by=audit_context.actor, set_by_user_id=audit_context.user_id)
    stored = await context.session_overrides.set(named, audit_context, replaces=replaces)
    return JsonResponse(override_row(stored))


@router.delete(
    "/admin/session-overrides/{override_id}",
    openapi_extra=documented(OverrideDeleted, query=(p.COMMENT,), errors=UNKNOWN_ID),
)
async def delete_session_override(request: Request, override_id: PathId) -> Response:
    """Delete an override of today or later: the hours are those of the calendar again."""
    caller = await require_permission(request, Permission.ADMIN)
    number, context = parse_override_id(override_id), api_context(request)
    audit_context = audit_context_of(request, caller)
    await context.session_overrides.delete(number, context.clock.now(), audit_context)
    return JsonResponse(OverrideDeleted(ok=True, id=number))
