"""Administration of exchange accounts: settings, status and credentials."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import api_context, audit_context_of, parse_account_id, require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId
from oms.domain.access import Permission
from oms.wire import parameters as p
from oms.wire.admin import admin_schemas as shapes
from oms.wire.admin.account_requests import (
    AccountChanged,
    AccountCreated,
    AdminAccountRow,
    account_created,
    admin_account_row,
    read_account,
    read_account_change,
)
from oms.wire.request_body import load_body
from oms.wire.responses.value_types import Items

router = APIRouter()

_ACCOUNT = validated(
    "AccountRequest",
    shapes.ACCOUNT,
    {"exchange_id": "paper.binance", "label": "practice", "is_testnet": False},
)
_ACCOUNT_CHANGE = validated("AccountChange", shapes.ACCOUNT_CHANGE, {"label": "practice, second"})


@router.get("/admin/accounts", openapi_extra=documented(Items[AdminAccountRow]))
async def list_all_accounts(request: Request) -> Response:
    """Return all accounts."""
    await require_permission(request, Permission.ADMIN)
    records = await api_context(request).administer.account_admin.records()
    return JsonResponse(Items(items=[admin_account_row(record) for record in records]))


@router.post(
    "/admin/accounts",
    openapi_extra=documented(AccountCreated, query=(p.COMMENT,), body=_ACCOUNT, errors=UNKNOWN_ID),
)
async def create_account(request: Request) -> Response:
    """Create an account with the limits of a risk preset, without permissions for any key."""
    caller = await require_permission(request, Permission.ADMIN)
    account = read_account(load_body(await request.body()))
    created = await api_context(request).administer.create_account(
        account, audit_context_of(request, caller)
    )
    return JsonResponse(account_created(created))


@router.patch(
    "/admin/accounts/{account_id}",
    openapi_extra=documented(
        AccountChanged, query=(p.COMMENT,), body=_ACCOUNT_CHANGE, errors=UNKNOWN_ID
    ),
)
async def change_account(request: Request, account_id: PathId) -> Response:
    """Change settings, status or credentials of an account."""
    caller = await require_permission(request, Permission.ADMIN)
    header_comment = request.headers.get("x-comment")
    change, secrets, comment = read_account_change(load_body(await request.body()), header_comment)
    number = parse_account_id(account_id)
    rows = await api_context(request).administer.change_account(
        number, change, secrets, audit_context_of(request, caller, comment)
    )
    return JsonResponse(AccountChanged(ok=True, account_id=number, rows=rows))
