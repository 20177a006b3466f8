"""Where an order came from and what it led to."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_order_id
from oms.services.queries.order_lineage import OrderLineageQuery
from oms.wire.responses.order_lineage import Lineage, lineage_row

router = APIRouter()


@router.get("/oms/orders/{order_id}/lineage", openapi_extra=documented(Lineage, errors=UNKNOWN_ID))
async def get_order_lineage(request: Request, order_id: PathId) -> Response:
    """Return the signals, commands, orders, deals and positions that an order belongs to."""
    context, caller = api_context(request), await admit_caller(request)
    signals = context.signals.queries.signals
    lineages = OrderLineageQuery(reads=context.queries, history=context.history, signals=signals)
    return JsonResponse(lineage_row(await lineages(caller.principal, parse_order_id(order_id))))
