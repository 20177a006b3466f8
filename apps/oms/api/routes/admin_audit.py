"""``GET /admin/audit``: the audit log of changes and commands."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import Caller, api_context, require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.route_docs import documented
from oms.domain.access import Permission, Role, refuse
from oms.domain.errors import Forbidden
from oms.domain.value import evolve
from oms.ports.audit_log import AuditQuery
from oms.wire import parameters as p
from oms.wire.admin.audit_query import audit_cursor_text, read_audit_query
from oms.wire.admin.user_rows import AuditEntryRow, audit_row
from oms.wire.responses.value_types import PageBody

router = APIRouter()


@router.get("/admin/audit", openapi_extra=documented(PageBody[AuditEntryRow], query=p.AUDIT_LOG))
async def list_audit_entries(request: Request) -> Response:
    """Return a page of the log; a risk manager gets the entries of his accounts."""
    caller = await require_permission(request, Permission.AUDIT)
    query = _restrict_accounts(caller, read_audit_query(request.query_params))
    page = await api_context(request).administer.audit_log.page(query)
    body: PageBody[AuditEntryRow] = {
        "items": [audit_row(row) for row in page.items],
        "total": page.total,
        "page": query.page if query.after is None else None,
        "page_size": query.page_size,
        "next_cursor": None if page.next is None else audit_cursor_text(page.next),
    }
    return JsonResponse(body)


def _restrict_accounts(caller: Caller, query: AuditQuery) -> AuditQuery:
    """Return the query with accounts of which the caller may read all. Raises ``Forbidden``."""
    principal = caller.principal
    if principal.role is Role.ADMIN:
        return query
    if query.account_ids is None:
        allowed = (i for i in principal.grants if not refuse(principal, Permission.AUDIT, i))
        return evolve(query, account_ids=tuple(sorted(allowed)) or (0,))
    for account_id in query.account_ids:
        refused = refuse(principal, Permission.AUDIT, account_id)
        if refused is not None:
            raise Forbidden(refused.message, code=refused.code)
    return query
