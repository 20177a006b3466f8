"""Groups of accounts of the caller; ``POST /oms/commands`` takes their ids."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import api_context, audit_context_of, require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_group_id
from oms.domain.access import Permission
from oms.wire import parameters as p
from oms.wire.admin.account_groups import GROUP, GroupChanged, GroupRow, group_row, read_group
from oms.wire.request_body import load_body
from oms.wire.responses.value_types import Items

router = APIRouter()

_GROUP = validated(
    "AccountGroupRequest",
    GROUP,
    {"name": "all hedge accounts", "members": [{"account_id": 1, "ratio": "0.5"}]},
)


@router.get("/account-groups", openapi_extra=documented(Items[GroupRow]))
async def list_account_groups(request: Request) -> Response:
    """Return the groups of the caller; all for an admin."""
    caller = await require_permission(request, Permission.READ)
    groups = await api_context(request).account_groups.visible(caller.principal)
    return JsonResponse(Items(items=[group_row(group) for group in groups]))


@router.post(
    "/account-groups",
    openapi_extra=documented(GroupChanged, query=(p.COMMENT,), body=_GROUP, errors=UNKNOWN_ID),
)
async def create_account_group(request: Request) -> Response:
    """Create a group of accounts that the key may trade on."""
    caller = await require_permission(request, Permission.STRATEGY_CREATE)
    name, members = read_group(load_body(await request.body()))
    group_id = await api_context(request).account_groups.create(
        caller.principal, name, members, audit_context_of(request, caller)
    )
    return JsonResponse(GroupChanged(ok=True, group_id=group_id))


@router.put(
    "/account-groups/{group_id}",
    openapi_extra=documented(GroupChanged, query=(p.COMMENT,), body=_GROUP, errors=UNKNOWN_ID),
)
async def change_account_group(request: Request, group_id: PathId) -> Response:
    """Replace name and members of a group."""
    caller = await require_permission(request, Permission.STRATEGY_CREATE)
    name, members = read_group(load_body(await request.body()))
    number = parse_group_id(group_id)
    await api_context(request).account_groups.replace(
        caller.principal, number, name, members, audit_context_of(request, caller)
    )
    return JsonResponse(GroupChanged(ok=True, group_id=number))


@router.delete(
    "/account-groups/{group_id}",
    openapi_extra=documented(GroupChanged, query=(p.COMMENT,), errors=UNKNOWN_ID),
)
async def delete_account_group(request: Request, group_id: PathId) -> Response:
    """Delete a group; its accounts and their orders stay."""
    caller = await require_permission(request, Permission.STRATEGY_CREATE)
    number = parse_group_id(group_id)
    await api_context(request).account_groups.delete(
        caller.principal, number, audit_context_of(request, caller)
    )
    return JsonResponse(GroupChanged(ok=True, group_id=number))
