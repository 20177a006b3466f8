"""Who the caller is and what it may do, for pages."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.browser.browser_access import SESSION_SCOPE_KEY, BrowserCaller
from oms.api.browser.cookie import csrf_token
from oms.api.context import ApiContext, Caller, api_context, require_permission
from oms.api.errors import JsonResponse
from oms.api.metrics.health_report import is_enabled
from oms.api.openapi.route_docs import documented
from oms.domain.access import Permission
from oms.wire.admin.session_requests import preferences_from_text
from oms.wire.json import time_text
from oms.wire.responses.session_rows import CallerBody, ServerInfo, caller_body

router = APIRouter()

APP_NAME = "oms-gateway"


@router.get("/auth/me", openapi_extra=documented(CallerBody))
async def get_caller(request: Request) -> Response:
    """Return user, key, permissions and session of the caller; every route decides by itself."""
    caller = await require_permission(request, Permission.SELF)
    session: BrowserCaller | None = request.scope.get(SESSION_SCOPE_KEY)
    text = None if session is None else session.text
    return JsonResponse(await build_caller(api_context(request), caller, text))


async def build_caller(context: ApiContext, caller: Caller, text: str | None) -> CallerBody:
    """Return the body of ``GET /auth/me``; ``text`` is that of the browser session."""
    principal = caller.principal
    stored: dict[str, Any] = preferences_from_text(
        await context.preferences.preferences_of(principal.user_id)
    )
    return caller_body(
        principal,
        client_ip=caller.ip,
        keys=await context.browser_access.sessions.usable_keys(principal),
        accounts=await context.queries.accounts(principal),
        csrf_token=None if text is None else csrf_token(text),
        preferences=stored,
        server=await _server_info(context),
    )


async def _server_info(context: ApiContext) -> ServerInfo:
    return {
        "name": APP_NAME,
        "version": context.version,
        "env": context.settings.env,
        "live_trading_allowed": context.settings.live_trading_allowed,
        "oms_enabled": await is_enabled(context),
        "server_time": time_text(context.clock.now()),
    }
