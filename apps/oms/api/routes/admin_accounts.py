"""Administration of exchange accounts: settings, status and credentials."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import api_context, audit_context_of, parse_account_id, require_permission
from oms.api.errors import JsonResponse
from oms.domain.access import Permission
from oms.wire.admin.account_requests import (
    AccountChanged,
    AccountCreated,
    admin_account_row,
    read_account,
    read_account_change,
)
from oms.wire.request_body import load_body
from oms.wire.responses.value_types import Items

router = APIRouter()


@router.get("/admin/accounts")
async def list_accounts(request: Request) -> Response:
    """Return all accounts."""
    await require_permission(request, Permission.ADMIN)
    records = await api_context(request).administer.account_admin.records()
    return JsonResponse(Items(items=[admin_account_row(record) for record in records]))


@router.post("/admin/accounts")
async def create_account(request: Request) -> Response:
    """Create an account without permissions for any key."""
    caller = await require_permission(request, Permission.ADMIN)
    account = read_account(load_body(await request.body()))
    account_id = await api_context(request).administer.create_account(
        account, audit_context_of(request, caller)
    )
    return JsonResponse(AccountCreated(ok=True, account_id=account_id))


@router.patch("/admin/accounts/{account_id}")
async def change_account(request: Request, account_id: str) -> Response:
    """Change settings, status or credentials of an account."""
    caller = await require_permission(request, Permission.ADMIN)
    header_comment = request.headers.get("x-comment")
    change, secrets, comment = read_account_change(load_body(await request.body()), header_comment)
    number = parse_account_id(account_id)
    rows = await api_context(request).administer.change_account(
        number, change, secrets, audit_context_of(request, caller, comment)
    )
    return JsonResponse(AccountChanged(ok=True, account_id=number, rows=rows))
