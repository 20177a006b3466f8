"""Preferences of the caller's user: language, theme, columns and views of pages."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import api_context, require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import described
from oms.api.openapi.route_docs import documented
from oms.domain.access import Permission
from oms.wire.admin.session_requests import (
    preferences_from_text,
    preferences_to_text,
    read_preferences,
)
from oms.wire.responses.session_rows import PreferencesBody

router = APIRouter()

_PREFERENCES = described(
    "Preferences", {"type": "object"}, {"language": "en", "theme": "dark", "zone": "UTC"}
)


@router.get("/user/preferences", openapi_extra=documented(PreferencesBody))
async def get_preferences(request: Request) -> Response:
    """Return the preferences; an empty object before they are stored."""
    caller = await require_permission(request, Permission.SELF)
    stored = await api_context(request).preferences.preferences_of(caller.principal.user_id)
    return JsonResponse(PreferencesBody(ok=True, preferences=preferences_from_text(stored)))


@router.put("/user/preferences", openapi_extra=documented(PreferencesBody, body=_PREFERENCES))
async def set_preferences(request: Request) -> Response:
    """Replace the preferences by an object of at most 16 KiB."""
    caller = await require_permission(request, Permission.SELF)
    preferences = read_preferences(await request.body())
    context = api_context(request)
    await context.preferences.store_preferences(
        caller.principal.user_id, preferences_to_text(preferences), context.clock.now()
    )
    return JsonResponse(PreferencesBody(ok=True, preferences=preferences))
