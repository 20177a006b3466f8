"""Administration of users, their API keys and the keys' permissions."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import api_context, audit_context_of, require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_key_id, parse_user_id
from oms.api.routes.users import KEY_CHANGE
from oms.domain.access import Permission
from oms.services.access.api_keys import create_key
from oms.wire import parameters as p
from oms.wire.admin import admin_schemas as shapes
from oms.wire.admin import user_requests as wire
from oms.wire.admin import user_rows
from oms.wire.request_body import load_body, malformed_at
from oms.wire.responses.value_types import Items

router = APIRouter()

_USER_CHANGE = validated("UserChange", shapes.USER_CHANGE, {"role": "readonly"})
_NEW_USER = validated(
    "UserRequest",
    shapes.NEW_USER,
    {"user_name": "grace", "role": "trader", "label": "first key"},
)
_USER_KEY = validated(
    "UserKeyRequest", shapes.NEW_KEY, {"user_id": 2, "label": "laptop"}, required=("user_id",)
)
_PERMISSION = validated(
    "PermissionRequest",
    shapes.PERMIT,
    {"account_id": 1, "can_trade": True, "can_close_position": True},
)


@router.get("/admin/users", openapi_extra=documented(Items[user_rows.UserBody]))
async def list_users(request: Request) -> Response:
    """Return all users."""
    await require_permission(request, Permission.ADMIN)
    rows = await api_context(request).administer.people.users()
    return JsonResponse(Items(items=[user_rows.user_row(row) for row in rows]))


@router.patch(
    "/admin/users/{user_id}",
    openapi_extra=documented(
        user_rows.UserChanged, query=(p.COMMENT,), body=_USER_CHANGE, errors=UNKNOWN_ID
    ),
)
async def change_user(request: Request, user_id: PathId) -> Response:
    """Change role, status or password of a user."""
    caller = await require_permission(request, Permission.ADMIN)
    fields = wire.read_fields(shapes.USER_CHANGE, load_body(await request.body()))
    number = parse_user_id(user_id)
    role, status, password = (fields.get(name) for name in ("role", "status", "password"))
    rows = await api_context(request).administer.change_user(
        number, role, status, password, audit_context_of(request, caller)
    )
    return JsonResponse(user_rows.UserChanged(ok=True, user_id=number, rows=rows))


@router.get("/admin/users-api-keys", openapi_extra=documented(Items[user_rows.UserApiKeyRow]))
async def list_all_keys(request: Request) -> Response:
    """Return all keys with their users."""
    await require_permission(request, Permission.ADMIN)
    rows = await api_context(request).administer.people.keys()
    return JsonResponse(Items(items=[user_rows.admin_key_row(row) for row in rows]))


@router.post(
    "/admin/users-with-api-key",
    openapi_extra=documented(
        user_rows.NewKey, query=(p.COMMENT,), body=_NEW_USER, errors=UNKNOWN_ID
    ),
)
async def create_user(request: Request) -> Response:
    """Create a user with a first key and its permissions."""
    caller = await require_permission(request, Permission.ADMIN)
    fields, new_key, permissions = wire.read_new_user(load_body(await request.body()))
    plain, key = create_key(new_key.api_key, new_key.label, new_key.restrictions)
    user_id, key_id = await api_context(request).administer.create_user(
        fields["user_name"],
        fields.get("role", "trader"),
        fields.get("password"),
        key,
        permissions,
        audit_context_of(request, caller),
    )
    return JsonResponse(user_rows.new_key_body(user_id, key_id, plain, key.label))


@router.post(
    "/admin/api-keys",
    name="create_key",
    openapi_extra=documented(
        user_rows.NewKey, query=(p.COMMENT,), body=_USER_KEY, errors=UNKNOWN_ID
    ),
)
async def create_user_key(request: Request) -> Response:
    """Create another key of a user, without permissions."""
    caller = await require_permission(request, Permission.ADMIN)
    new_key = wire.read_new_key(load_body(await request.body()))
    if new_key.user_id is None:
        raise malformed_at(("user_id",), "user_id is required", "missing")
    plain, key = create_key(new_key.api_key, new_key.label, new_key.restrictions)
    key_id = await api_context(request).administer.create_key(
        new_key.user_id, key, audit_context_of(request, caller)
    )
    return JsonResponse(user_rows.new_key_body(new_key.user_id, key_id, plain, key.label))


@router.patch(
    "/admin/api-keys/{api_key_id}",
    openapi_extra=documented(
        user_rows.KeyChanged, query=(p.COMMENT,), body=KEY_CHANGE, errors=UNKNOWN_ID
    ),
)
async def change_key(request: Request, api_key_id: PathId) -> Response:
    """Change status, label or restrictions of a key."""
    caller = await require_permission(request, Permission.ADMIN)
    change_request = wire.read_key_change(load_body(await request.body()))
    administer = api_context(request).administer
    key = await administer.key(parse_key_id(api_key_id))
    change = change_request.applied(key.restrictions)
    rows = await administer.change_key(key.id, change, audit_context_of(request, caller))
    return JsonResponse(user_rows.KeyChanged(ok=True, api_key_id=key.id, rows=rows))


@router.get(
    "/admin/api-keys/{api_key_id}/permissions",
    openapi_extra=documented(Items[user_rows.PermissionRow]),
)
async def list_key_permissions(request: Request, api_key_id: PathId) -> Response:
    """Return the permissions of a key."""
    await require_permission(request, Permission.ADMIN)
    administer = api_context(request).administer
    key = await administer.key(parse_key_id(api_key_id))
    rows = await administer.people.permissions([key.id])
    return JsonResponse(Items(items=[user_rows.permission_row(row) for row in rows]))


@router.put(
    "/admin/api-keys/{api_key_id}/permissions",
    openapi_extra=documented(
        user_rows.KeyChanged, query=(p.COMMENT,), body=_PERMISSION, errors=UNKNOWN_ID
    ),
)
async def set_key_permission(request: Request, api_key_id: PathId) -> Response:
    """Replace the permissions of a key on one account."""
    caller = await require_permission(request, Permission.ADMIN)
    permission = wire.read_permission(load_body(await request.body()))
    administer = api_context(request).administer
    key = await administer.key(parse_key_id(api_key_id))
    rows = await administer.set_permission(key.id, permission, audit_context_of(request, caller))
    return JsonResponse(user_rows.KeyChanged(ok=True, api_key_id=key.id, rows=rows))
