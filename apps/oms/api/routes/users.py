"""Login, logout, and what users change of themselves."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.client_ip import client_ip
from oms.api.context import Caller, api_context, audit_actor, require_permission
from oms.api.errors import JsonResponse
from oms.api.routes.path_ids import parse_key_id
from oms.domain.access import Permission, Principal, Role
from oms.ports.audit_log import AuditContext
from oms.services.access.api_keys import create_key, refuse_looser, restrict_to_owner
from oms.wire.admin import admin_schemas as shapes
from oms.wire.admin import user_requests as wire
from oms.wire.json import time_text
from oms.wire.query_parameters import is_true
from oms.wire.request_body import load_body

router = APIRouter()


@router.post("/auth/login-password")
async def login_password(request: Request) -> Response:
    """A token for the name and the password of a user."""
    context = api_context(request)
    fields = wire.read_fields(shapes.LOGIN, load_body(await request.body()))
    done = await context.administer.login(
        fields["user_name"], fields["password"], fields.get("api_key_id"), _stranger(request)
    )
    return JsonResponse(
        {
            "ok": True,
            "token": done.token,
            "token_type": "bearer",
            "expires_at": time_text(done.row.expires_at),
            "user_id": done.row.user_id,
            "role": Role.parse(done.role).value,
            "api_key_id": done.row.api_key_id,
        }
    )


@router.post("/auth/logout")
async def logout(request: Request) -> Response:
    """End the token that is shown; ``all=true``: every token of the user."""
    who = await require_permission(request, Permission.SELF)
    administer = api_context(request).administer
    all_tokens = is_true(request.query_params, "all")
    count = await administer.login.logout(
        who.principal, audit_actor(request, who), all_tokens=all_tokens
    )
    administer.authenticate.forget()
    return JsonResponse({"ok": True, "revoked": count})


@router.get("/user/profile")
async def profile(request: Request) -> Response:
    """Who shows the key."""
    who = await require_permission(request, Permission.SELF)
    return JsonResponse(wire.profile_row(who.principal))


@router.patch("/user/profile")
async def change_profile(request: Request) -> Response:
    """Another name."""
    who = await require_permission(request, Permission.SELF)
    name = wire.read_fields(shapes.PROFILE, load_body(await request.body()))["user_name"]
    user_id = who.principal.user_id
    await api_context(request).administer.rename(user_id, name, audit_actor(request, who))
    return JsonResponse({"ok": True, "user_id": user_id, "user_name": name})


@router.post("/user/password")
async def change_password(request: Request) -> Response:
    """Another password; the user's other tokens end."""
    who = await require_permission(request, Permission.SELF)
    fields = wire.read_fields(shapes.PASSWORD, load_body(await request.body()))
    administer = api_context(request).administer
    current, new = fields["current_password"], fields["new_password"]
    await administer.login.change_password(who.principal, current, new, audit_actor(request, who))
    administer.authenticate.forget()
    return JsonResponse({"ok": True, "user_id": who.principal.user_id})


@router.get("/user/api-keys")
async def own_keys(request: Request) -> Response:
    """The user's keys."""
    who = await require_permission(request, Permission.SELF)
    rows = await api_context(request).administer.people.keys(who.principal.user_id)
    return JsonResponse({"items": [wire.key_row(row) for row in rows]})


@router.post("/user/api-keys")
async def new_own_key(request: Request) -> Response:
    """A key of one's own without permits, held to what the shown one is held to."""
    who = await require_permission(request, Permission.SELF)
    wish = wire.read_new_key(load_body(await request.body()))
    held = restrict_to_owner(who.principal, wish.restrictions)
    plain, key = create_key(wish.api_key, wish.label, held)
    user_id = who.principal.user_id
    key_id = await api_context(request).administer.create_key(
        user_id, key, audit_actor(request, who)
    )
    return JsonResponse(
        {
            "ok": True,
            "user_id": user_id,
            "api_key_id": key_id,
            "api_key_plain": plain,
            "label": key.label,
        }
    )


@router.get("/user/api-keys/permissions")
async def own_permissions(request: Request) -> Response:
    """What the user's keys may do."""
    who = await require_permission(request, Permission.SELF)
    people = api_context(request).administer.people
    keys = await people.keys(who.principal.user_id)
    rows = await people.permissions([key.id for key in keys])
    return JsonResponse({"items": [wire.permission_row(row) for row in rows]})


@router.get("/user/api-keys/{api_key_id}/permissions")
async def own_key_permissions(request: Request, api_key_id: str) -> Response:
    """What one key of the user may do."""
    who = await require_permission(request, Permission.SELF)
    administer = api_context(request).administer
    key = await administer.key(parse_key_id(api_key_id), who.principal.user_id)
    rows = await administer.people.permissions([key.id])
    return JsonResponse({"items": [wire.permission_row(row) for row in rows]})


@router.patch("/user/api-keys/{api_key_id}")
async def change_own_key(request: Request, api_key_id: str) -> Response:
    """On or off, another label, tighter restrictions."""
    who = await require_permission(request, Permission.SELF)
    edit = wire.read_key_change(load_body(await request.body()), needs_status=False)
    administer = api_context(request).administer
    key = await administer.key(parse_key_id(api_key_id), who.principal.user_id)
    change = edit.applied(key.restrictions)
    if change.restrictions is not None:
        refuse_looser(change.restrictions, key.restrictions)
    rows = await administer.change_key(key.id, change, audit_actor(request, who))
    return JsonResponse({"ok": True, "api_key_id": key.id, "rows": rows})


def _stranger(request: Request) -> AuditContext:
    """Who has not said yet who he is."""
    nobody = Principal(user_id=0, user_name="", api_key_id=0, role=Role.READONLY)
    ip = client_ip(request.scope, request.headers, api_context(request).settings.trusted_proxies)
    audit_context = audit_actor(request, Caller(principal=nobody, ip=ip))
    return AuditContext(
        actor="nobody",
        at=audit_context.at,
        ip=audit_context.ip,
        request_id=audit_context.request_id,
    )
