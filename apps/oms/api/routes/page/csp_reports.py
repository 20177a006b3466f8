"""``POST /csp-report``: browsers report what the page's content security policy refused."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import api_context
from oms.api.web_page.page_headers import CSP_REPORT_PATH
from oms.domain.errors import NotFound
from oms.wire.request_body import load_body

router = APIRouter()


@router.post(CSP_REPORT_PATH, include_in_schema=False)
async def add_csp_report(request: Request) -> Response:
    """Log or count the report. It needs no key: a browser sends none with it."""
    context = api_context(request)
    if context.page is None:
        raise NotFound("there is no such path")
    body = load_body(await request.body())
    context.csp_reports.add(body, context.request_metrics.csp_reports)
    return Response(status_code=204)
