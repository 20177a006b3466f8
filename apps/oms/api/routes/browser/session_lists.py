"""The browser sessions of the caller, and for admins those of all users."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import (
    Caller,
    api_context,
    audit_context_of,
    require_change,
    require_permission,
)
from oms.api.errors import JsonResponse
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_session_id
from oms.domain.access import Permission
from oms.services.access.browser_sessions import BrowserSessions
from oms.wire import parameters as p
from oms.wire.query_parameters import read_optional_id
from oms.wire.responses.session_rows import (
    SessionBody,
    SessionRevoked,
    UserSessionBody,
    session_row,
    user_session_row,
)
from oms.wire.responses.value_types import Items

router = APIRouter()


@router.get("/user/sessions", openapi_extra=documented(Items[SessionBody]))
async def list_own_sessions(request: Request) -> Response:
    """Return the active browser sessions of the caller's user."""
    caller = await require_permission(request, Permission.SELF)
    rows = await _sessions(request).active(caller.principal.user_id)
    return JsonResponse(Items(items=[session_row(row, _this(caller)) for row in rows]))


@router.delete(
    "/user/sessions/{session_id}",
    openapi_extra=documented(SessionRevoked, query=(p.COMMENT,), errors=UNKNOWN_ID),
)
async def revoke_own_session(request: Request, session_id: PathId) -> Response:
    """End a browser session of the caller's user."""
    caller = await require_change(request, Permission.SELF)
    count = await _sessions(request).revoke(
        parse_session_id(session_id), caller.principal.user_id, audit_context_of(request, caller)
    )
    return JsonResponse(SessionRevoked(ok=True, revoked=count))


@router.get("/admin/sessions", openapi_extra=documented(Items[UserSessionBody], query=(p.USER_ID,)))
async def list_sessions(request: Request) -> Response:
    """Return the active browser sessions of a user, or of all."""
    caller = await require_permission(request, Permission.ADMIN)
    user_id = read_optional_id(request.query_params, p.USER_ID)
    rows = await _sessions(request).active(user_id)
    return JsonResponse(Items(items=[user_session_row(row, _this(caller)) for row in rows]))


@router.delete(
    "/admin/sessions/{session_id}",
    openapi_extra=documented(SessionRevoked, query=(p.COMMENT,), errors=UNKNOWN_ID),
)
async def revoke_session(request: Request, session_id: PathId) -> Response:
    """End a browser session of any user."""
    caller = await require_permission(request, Permission.ADMIN)
    count = await _sessions(request).revoke(
        parse_session_id(session_id), None, audit_context_of(request, caller)
    )
    return JsonResponse(SessionRevoked(ok=True, revoked=count))


def _sessions(request: Request) -> BrowserSessions:
    return api_context(request).browser_access.sessions


def _this(caller: Caller) -> int | None:
    session = caller.principal.session
    return None if session is None else session.id
