"""``GET /admin/audit``: who changed what, when, from where and why; commands are among it."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import Caller, api_context, require_permission
from oms.api.errors import JsonResponse
from oms.domain.access import Permission, Role, refuse_account
from oms.domain.errors import Forbidden
from oms.domain.value import evolve
from oms.ports.audit_log import AuditQuery
from oms.wire.admin.audit_query import read_audit_query
from oms.wire.admin.user_requests import audit_row
from oms.wire.query_parameters import cursor_text

router = APIRouter()


@router.get("/admin/audit")
async def audit(request: Request) -> Response:
    """A page of the log; a risk manager sees the accounts that he may read."""
    who = await require_permission(request, Permission.AUDIT)
    window = _narrowed(who, read_audit_query(request.query_params))
    page = await api_context(request).administer.audit_log.page(window)
    after_id = page.next_after_id
    return JsonResponse(
        {
            "items": [audit_row(row) for row in page.items],
            "total": page.total,
            "page": window.page if window.after_id is None else None,
            "page_size": window.page_size,
            "next_cursor": None if after_id is None else cursor_text(after_id),
        }
    )


def _narrowed(who: Caller, window: AuditQuery) -> AuditQuery:
    principal = who.principal
    if principal.role is Role.ADMIN:
        return window
    if window.account_ids is None:
        readable = sorted(i for i, grant in principal.grants.items() if grant.can_read)
        return evolve(window, account_ids=tuple(readable) or (0,))
    for account_id in window.account_ids:
        refused = refuse_account(principal, Permission.AUDIT, account_id)
        if refused is not None:
            raise Forbidden(refused.message, code=refused.code)
    return window
