"""Login, logout, and what users change of themselves."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.deps import Caller, admitted, doors, hand_of
from oms.api.errors import JsonResponse
from oms.api.peer import peer
from oms.api.routes.path_ids import key_id_of
from oms.domain.access import Permission, Principal, Role
from oms.ports.audit_log import Hand
from oms.services.keys import new_key, owners, refuse_looser
from oms.wire import people as wire
from oms.wire import people_shapes as shapes
from oms.wire.bodies import load_body
from oms.wire.json import time_text
from oms.wire.queries import is_true

router = APIRouter()


@router.post("/auth/login-password")
async def login_password(request: Request) -> Response:
    """A token for the name and the password of a user."""
    parts = doors(request)
    fields = wire.read(shapes.LOGIN, load_body(await request.body()))
    done = await parts.administer.login(
        fields["user_name"], fields["password"], fields.get("api_key_id"), _stranger(request)
    )
    return JsonResponse(
        {
            "ok": True,
            "token": done.token,
            "token_type": "bearer",
            "expires_at": time_text(done.row.expires_at),
            "user_id": done.row.user_id,
            "role": Role.read(done.role).value,
            "api_key_id": done.row.api_key_id,
        }
    )


@router.post("/auth/logout")
async def logout(request: Request) -> Response:
    """End the token that is shown; ``all=true``: every token of the user."""
    who = await admitted(request, Permission.SELF)
    administer = doors(request).administer
    of_all = is_true(request.query_params, "all")
    count = await administer.login.logout(who.principal, hand_of(request, who), of_all=of_all)
    administer.authenticate.forget()
    return JsonResponse({"ok": True, "revoked": count})


@router.get("/user/profile")
async def profile(request: Request) -> Response:
    """Who shows the key."""
    who = await admitted(request, Permission.SELF)
    return JsonResponse(wire.profile_row(who.principal))


@router.patch("/user/profile")
async def change_profile(request: Request) -> Response:
    """Another name."""
    who = await admitted(request, Permission.SELF)
    name = wire.read(shapes.PROFILE, load_body(await request.body()))["user_name"]
    user_id = who.principal.user_id
    await doors(request).administer.rename(user_id, name, hand_of(request, who))
    return JsonResponse({"ok": True, "user_id": user_id, "user_name": name})


@router.post("/user/password")
async def change_password(request: Request) -> Response:
    """Another password; the user's other tokens end."""
    who = await admitted(request, Permission.SELF)
    fields = wire.read(shapes.PASSWORD, load_body(await request.body()))
    administer = doors(request).administer
    current, new = fields["current_password"], fields["new_password"]
    await administer.login.change_password(who.principal, current, new, hand_of(request, who))
    administer.authenticate.forget()
    return JsonResponse({"ok": True, "user_id": who.principal.user_id})


@router.get("/user/api-keys")
async def own_keys(request: Request) -> Response:
    """The user's keys."""
    who = await admitted(request, Permission.SELF)
    rows = await doors(request).administer.people.keys(who.principal.user_id)
    return JsonResponse({"items": [wire.key_row(row) for row in rows]})


@router.post("/user/api-keys")
async def new_own_key(request: Request) -> Response:
    """A key of one's own without permits, held to what the shown one is held to."""
    who = await admitted(request, Permission.SELF)
    wish = wire.read_key_wish(load_body(await request.body()))
    held = owners(who.principal, wish.restrictions)
    plain, key = new_key(wish.api_key, wish.label, held)
    user_id = who.principal.user_id
    key_id = await doors(request).administer.create_key(user_id, key, hand_of(request, who))
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
    who = await admitted(request, Permission.SELF)
    people = doors(request).administer.people
    keys = await people.keys(who.principal.user_id)
    rows = await people.permits([key.id for key in keys])
    return JsonResponse({"items": [wire.permit_row(row) for row in rows]})


@router.get("/user/api-keys/{api_key_id}/permissions")
async def own_key_permissions(request: Request, api_key_id: str) -> Response:
    """What one key of the user may do."""
    who = await admitted(request, Permission.SELF)
    administer = doors(request).administer
    key = await administer.key(key_id_of(api_key_id), who.principal.user_id)
    rows = await administer.people.permits([key.id])
    return JsonResponse({"items": [wire.permit_row(row) for row in rows]})


@router.patch("/user/api-keys/{api_key_id}")
async def change_own_key(request: Request, api_key_id: str) -> Response:
    """On or off, another label, tighter restrictions."""
    who = await admitted(request, Permission.SELF)
    edit = wire.read_key_edit(load_body(await request.body()), needs_status=False)
    administer = doors(request).administer
    key = await administer.key(key_id_of(api_key_id), who.principal.user_id)
    change = edit.applied(key.restrictions)
    if change.restrictions is not None:
        refuse_looser(change.restrictions, key.restrictions)
    rows = await administer.change_key(key.id, change, hand_of(request, who))
    return JsonResponse({"ok": True, "api_key_id": key.id, "rows": rows})


def _stranger(request: Request) -> Hand:
    """Who has not said yet who he is."""
    nobody = Principal(user_id=0, user_name="", api_key_id=0, role=Role.READONLY)
    ip = peer(request.scope, request.headers, doors(request).settings.trusted_proxies)
    hand = hand_of(request, Caller(principal=nobody, ip=ip))
    return Hand(actor="nobody", at=hand.at, ip=hand.ip, request_id=hand.request_id)
