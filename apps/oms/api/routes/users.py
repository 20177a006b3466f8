"""Login, logout, and the caller's own profile, password and API keys."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.browser.cookie import empty_cookie
from oms.api.client_ip import client_ip
from oms.api.context import (
    Caller,
    api_context,
    audit_context_of,
    require_change,
    require_confirmed,
    require_permission,
)
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_key_id
from oms.domain.access import Permission, Principal, Role
from oms.ports.audit_log import AuditContext
from oms.services.access.api_keys import create_key, refuse_looser, restrict_to_owner
from oms.wire import parameters as p
from oms.wire.admin import admin_schemas as shapes
from oms.wire.admin import user_requests as wire
from oms.wire.admin import user_rows
from oms.wire.json import time_text
from oms.wire.query_parameters import is_true
from oms.wire.request_body import load_body
from oms.wire.responses.value_types import Items

router = APIRouter()

_LOGIN = validated(
    "Login", shapes.LOGIN, {"user_name": "ada", "password": "correct horse battery staple"}
)
_PROFILE = validated("ProfileChange", shapes.PROFILE, {"user_name": "ada"})
_PASSWORD = validated(
    "PasswordChange",
    shapes.PASSWORD,
    {
        "current_password": "correct horse battery staple",
        "new_password": "seventeen quiet rivers",
    },
)
NEW_KEY = validated(
    "KeyRequest",
    shapes.NEW_KEY,
    {"label": "laptop", "restrictions": {"ip_allowlist": ["10.0.0.0/8"]}},
)
KEY_CHANGE = validated("KeyChange", shapes.KEY_CHANGE, {"status": "active", "label": "laptop"})


@router.post(
    "/auth/login-password",
    openapi_extra=documented(
        user_rows.LoggedIn, body=_LOGIN, errors=frozenset({403, 429, 503}), is_public=True
    ),
)
async def log_in(request: Request) -> Response:
    """Return a login token for a user name and password."""
    context = api_context(request)
    fields = wire.read_fields(shapes.LOGIN, load_body(await request.body()))
    login = await context.administer.login(
        fields["user_name"],
        fields["password"],
        fields.get("api_key_id"),
        anonymous_context(request),
    )
    body: user_rows.LoggedIn = {
        "ok": True,
        "token": login.token,
        "token_type": "bearer",
        "expires_at": time_text(login.row.expires_at),
        "user_id": login.row.user_id,
        "role": Role.parse(login.role).value,
        "api_key_id": login.row.api_key_id,
    }
    return JsonResponse(body)


@router.post("/auth/logout", openapi_extra=documented(user_rows.LoggedOut, query=(p.ALL_TOKENS,)))
async def log_out(request: Request) -> Response:
    """End the token or browser session of the request; with ``all=true`` all of the user."""
    caller = await require_permission(request, Permission.SELF)
    administer = api_context(request).administer
    all_tokens = is_true(request.query_params, p.ALL_TOKENS)
    count = await administer.login.logout(
        caller.principal, audit_context_of(request, caller), all_tokens=all_tokens
    )
    administer.authenticate.forget_everywhere()
    response = JsonResponse(user_rows.LoggedOut(ok=True, revoked=count))
    if caller.principal.session is not None:
        form = api_context(request).browser_access.cookie_form(request.scope, caller.ip)
        response.headers["Set-Cookie"] = empty_cookie(form)
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@router.get("/user/profile", openapi_extra=documented(user_rows.ProfileRow))
async def get_profile(request: Request) -> Response:
    """Return the caller's user, role and key."""
    caller = await require_permission(request, Permission.SELF)
    return JsonResponse(user_rows.profile_row(caller.principal))


@router.patch(
    "/user/profile",
    openapi_extra=documented(
        user_rows.ProfileChanged, query=(p.COMMENT,), body=_PROFILE, errors=UNKNOWN_ID
    ),
)
async def change_profile(request: Request) -> Response:
    """Change the caller's user name."""
    caller = await require_change(request, Permission.SELF)
    name = wire.read_fields(shapes.PROFILE, load_body(await request.body()))["user_name"]
    user_id = caller.principal.user_id
    await api_context(request).administer.rename(user_id, name, audit_context_of(request, caller))
    return JsonResponse(user_rows.ProfileChanged(ok=True, user_id=user_id, user_name=name))


@router.post(
    "/user/password",
    openapi_extra=documented(
        user_rows.PasswordChanged, query=(p.COMMENT,), body=_PASSWORD, errors=UNKNOWN_ID
    ),
)
async def change_password(request: Request) -> Response:
    """Change the caller's password; his other tokens are revoked."""
    caller = await require_change(request, Permission.SELF)
    fields = wire.read_fields(shapes.PASSWORD, load_body(await request.body()))
    administer = api_context(request).administer
    current, new = fields["current_password"], fields["new_password"]
    await administer.login.change_password(
        caller.principal, current, new, audit_context_of(request, caller)
    )
    administer.authenticate.forget_everywhere()
    return JsonResponse(user_rows.PasswordChanged(ok=True, user_id=caller.principal.user_id))


@router.get("/user/api-keys", openapi_extra=documented(Items[user_rows.ApiKeyBody]))
async def list_own_keys(request: Request) -> Response:
    """Return the caller's keys."""
    caller = await require_permission(request, Permission.SELF)
    rows = await api_context(request).administer.people.keys(caller.principal.user_id)
    return JsonResponse(Items(items=[user_rows.key_row(row) for row in rows]))


@router.post(
    "/user/api-keys",
    openapi_extra=documented(user_rows.NewKey, query=(p.COMMENT,), body=NEW_KEY, errors=UNKNOWN_ID),
)
async def create_own_key(request: Request) -> Response:
    """Create a key of the caller without permissions, at most as free as the key of the request."""
    caller = await require_change(request, Permission.SELF)
    await require_confirmed(request, caller, Permission.SELF)
    new_key = wire.read_new_key(load_body(await request.body()))
    held = restrict_to_owner(caller.principal, new_key.restrictions)
    plain, key = create_key(new_key.api_key, new_key.label, held)
    user_id = caller.principal.user_id
    key_id = await api_context(request).administer.create_key(
        user_id,
        key,
        audit_context_of(request, caller),
        api_context(request).settings.keys_per_user_max,
    )
    return JsonResponse(user_rows.new_key_body(user_id, key_id, plain, key.label))


@router.get("/user/api-keys/permissions", openapi_extra=documented(Items[user_rows.PermissionRow]))
async def list_own_permissions(request: Request) -> Response:
    """Return the permissions of all of the caller's keys."""
    caller = await require_permission(request, Permission.SELF)
    people = api_context(request).administer.people
    keys = await people.keys(caller.principal.user_id)
    rows = await people.permissions([key.id for key in keys])
    return JsonResponse(Items(items=[user_rows.permission_row(row) for row in rows]))


@router.get(
    "/user/api-keys/{api_key_id}/permissions",
    openapi_extra=documented(Items[user_rows.PermissionRow]),
)
async def list_own_key_permissions(request: Request, api_key_id: PathId) -> Response:
    """Return the permissions of one of the caller's keys."""
    caller = await require_permission(request, Permission.SELF)
    administer = api_context(request).administer
    key = await administer.key(parse_key_id(api_key_id), caller.principal.user_id)
    rows = await administer.people.permissions([key.id])
    return JsonResponse(Items(items=[user_rows.permission_row(row) for row in rows]))


@router.patch(
    "/user/api-keys/{api_key_id}",
    openapi_extra=documented(
        user_rows.KeyChanged, query=(p.COMMENT,), body=KEY_CHANGE, errors=UNKNOWN_ID
    ),
)
async def change_own_key(request: Request, api_key_id: PathId) -> Response:
    """Change status or label of one of the caller's keys, or tighten its restrictions."""
    caller = await require_change(request, Permission.SELF)
    await require_confirmed(request, caller, Permission.SELF)
    change_request = wire.read_key_change(load_body(await request.body()))
    administer = api_context(request).administer
    key = await administer.key(parse_key_id(api_key_id), caller.principal.user_id)
    change = change_request.applied(key.restrictions)
    if change.restrictions is not None:
        refuse_looser(change.restrictions, key.restrictions)
    rows = await administer.change_key(
        key.id, change, audit_context_of(request, caller), is_by_owner=True
    )
    return JsonResponse(user_rows.KeyChanged(ok=True, api_key_id=key.id, rows=rows))


def anonymous_context(request: Request) -> AuditContext:
    """Return the audit context of a request before login."""
    anonymous = Principal(user_id=0, user_name="", api_key_id=0, role=Role.READONLY)
    ip = client_ip(request.scope, api_context(request).settings.trusted_proxies)
    audit_context = audit_context_of(request, Caller(principal=anonymous, ip=ip))
    return AuditContext(
        actor="nobody",
        at=audit_context.at,
        ip=audit_context.ip,
        request_id=audit_context.request_id,
    )
