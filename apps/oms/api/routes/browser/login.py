"""Browser sessions: login, change of the key, confirmation, the idle time."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.browser.browser_access import SESSION_SCOPE_KEY, BrowserCaller
from oms.api.browser.cookie import set_cookie
from oms.api.browser.site import CookieForm
from oms.api.client_ip import client_ip
from oms.api.context import Caller, api_context, audit_context_of, require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import documented
from oms.api.routes.browser.caller import build_caller
from oms.api.routes.users import anonymous_context
from oms.domain.access import Permission
from oms.domain.browser_session import SessionMode
from oms.services.access.browser_sessions import SessionRequest, session_of
from oms.wire.admin import session_requests as wire
from oms.wire.json import time_text
from oms.wire.request_body import load_body
from oms.wire.responses.session_rows import CallerBody, SessionConfirmed, SessionTouched

router = APIRouter()

SET_COOKIE = ("Set-Cookie",)
_LOGIN = validated(
    "SessionRequest",
    wire.SESSION,
    {"mode": "password", "user_name": "ada", "password": "correct horse battery staple"},
)
_KEY = validated("SessionKeyChange", wire.SESSION_KEY, {"api_key_id": 2})
_CONFIRM = validated(
    "SessionConfirmation", wire.CONFIRM, {"password": "correct horse battery staple"}
)


@router.post(
    "/auth/session",
    openapi_extra=documented(
        CallerBody,
        body=_LOGIN,
        errors=frozenset({401, 403, 429, 503}),
        is_public=True,
        headers=SET_COOKIE,
    ),
)
async def start_session(request: Request) -> Response:
    """Log in a browser by password or API key: the answer sets a cookie."""
    context = api_context(request)
    access, ip = context.browser_access, client_ip(request.scope, context.settings.trusted_proxies)
    form, replaced = access.login_cookie(request.scope, ip)
    mode, fields = wire.read_session_login(load_body(await request.body()))
    asked = SessionRequest(
        user_agent=request.headers.get("user-agent") or None, replaced_text=replaced
    )
    audit_context = anonymous_context(request)
    if mode is SessionMode.PASSWORD:
        text = await access.sessions.start_by_password(
            fields["user_name"],
            fields["password"],
            fields.get("api_key_id"),
            asked,
            audit_context,
        )
    else:
        text = await access.sessions.start_by_key(fields["api_key"], asked, audit_context)
    return await _session_response(request, form, text, ip)


@router.patch(
    "/auth/session",
    openapi_extra=documented(
        CallerBody, body=_KEY, errors=frozenset({401, 403}), headers=SET_COOKIE
    ),
)
async def change_session_key(request: Request) -> Response:
    """Let a session by password act by another key of its user; it gets another cookie."""
    caller, text = await _require_session(request)
    key_id = wire.read_session_key(load_body(await request.body()))
    access = api_context(request).browser_access
    form = access.cookie_form(request.scope, caller.ip)
    audit_context = audit_context_of(request, caller)
    new_text = await access.sessions.change_key(text, caller.principal, key_id, audit_context)
    return await _session_response(request, form, new_text, caller.ip)


@router.post("/auth/session/touch", openapi_extra=documented(SessionTouched))
async def touch_session(request: Request) -> Response:
    """Begin the idle time of a session again: a person used the page."""
    caller, _ = await _require_session(request)
    session = session_of(caller.principal)
    body: SessionTouched = {
        "ok": True,
        "idle_ends_at": time_text(session.idle_ends_at),
        "ends_at": time_text(session.ends_at),
    }
    return JsonResponse(body)


@router.post(
    "/auth/session/confirm",
    openapi_extra=documented(SessionConfirmed, body=_CONFIRM, errors=frozenset({401, 403, 429})),
)
async def confirm_session(request: Request) -> Response:
    """Confirm the identity of a session's user for dangerous changes, for five minutes."""
    caller, text = await _require_session(request)
    session = session_of(caller.principal)
    secret = wire.read_confirmation(load_body(await request.body()), session.mode)
    confirmed = await api_context(request).browser_access.sessions.confirm(
        text, caller.principal, secret, audit_context_of(request, caller)
    )
    assert confirmed.confirmed_until is not None
    until = time_text(confirmed.confirmed_until)
    return JsonResponse(SessionConfirmed(ok=True, confirmed_until=until))


async def _require_session(request: Request) -> tuple[Caller, str]:
    """Return the caller and the text of its session. Raises ``Invalid`` for other credentials."""
    caller = await require_permission(request, Permission.SELF)
    session_of(caller.principal)
    known: BrowserCaller = request.scope[SESSION_SCOPE_KEY]
    return caller, known.text


async def _session_response(request: Request, form: CookieForm, text: str, ip: str) -> Response:
    """Return the caller of a new text, with its cookie."""
    context = api_context(request)
    principal = await context.authenticate.session(text, ip)
    response = JsonResponse(await build_caller(context, Caller(principal=principal, ip=ip), text))
    response.headers["Set-Cookie"] = set_cookie(form, text)
    return response
