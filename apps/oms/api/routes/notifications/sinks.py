"""Sinks of notifications and what was sent to them: for administrators."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import api_context, audit_context_of, require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_delivery_id, parse_sink_id
from oms.domain.access import Permission
from oms.wire import parameters as p
from oms.wire.notifications import sink_requests
from oms.wire.notifications.delivery_query import read_delivery_query
from oms.wire.notifications.sink_requests import read_new_sink, read_sink_change
from oms.wire.notifications.sink_rows import (
    DeliveryPage,
    DeliveryRow,
    SinkRow,
    delivery_row,
    sink_row,
)
from oms.wire.request_body import load_body
from oms.wire.responses.value_types import Items

router = APIRouter()

_NEW = validated(
    "NewSink",
    sink_requests.NEW_SINK,
    {
        "name": "ops",
        "kind": "webhook",
        "url": "https://example.com/oms",
        "secret": "a-long-secret",
        "events": ["deal_created", "risk_tripped"],
    },
)
_CHANGE = validated("SinkChange", sink_requests.SINK_CHANGE, {"status": "disabled"})


@router.get("/notifications/sinks", openapi_extra=documented(Items[SinkRow]))
async def list_sinks(request: Request) -> Response:
    """Return the sinks with what waits for them; addresses and secrets are never returned."""
    await require_permission(request, Permission.ADMIN)
    rows = await api_context(request).sink_admin.store.sinks()
    return JsonResponse(Items(items=[sink_row(row) for row in rows]))


@router.post("/notifications/sinks", openapi_extra=documented(SinkRow, body=_NEW))
async def create_sink(request: Request) -> Response:
    """Create a sink, which gets messages of events from now on."""
    caller = await require_permission(request, Permission.ADMIN)
    new = read_new_sink(load_body(await request.body()))
    admin = api_context(request).sink_admin
    return JsonResponse(sink_row(await admin.create(new, audit_context_of(request, caller))))


@router.patch(
    "/notifications/sinks/{sink_id}",
    openapi_extra=documented(SinkRow, body=_CHANGE, errors=UNKNOWN_ID),
)
async def change_sink(request: Request, sink_id: PathId) -> Response:
    """Change a sink; one that becomes active again gets messages of events from then on."""
    caller, number = await require_permission(request, Permission.ADMIN), parse_sink_id(sink_id)
    change = read_sink_change(load_body(await request.body()))
    admin = api_context(request).sink_admin
    sink = await admin.change(number, change, audit_context_of(request, caller))
    return JsonResponse(sink_row(sink))


@router.post(
    "/notifications/sinks/{sink_id}/test",
    openapi_extra=documented(DeliveryRow, errors=UNKNOWN_ID),
)
async def test_sink(request: Request, sink_id: PathId) -> Response:
    """Queue a test message; what became of it is in the list of deliveries."""
    caller, number = await require_permission(request, Permission.ADMIN), parse_sink_id(sink_id)
    admin = api_context(request).sink_admin
    delivery = await admin.test(number, audit_context_of(request, caller))
    return JsonResponse(delivery_row(delivery))


@router.get(
    "/notifications/deliveries",
    openapi_extra=documented(
        DeliveryPage, query=(p.SINK_ID, p.DELIVERY_STATUS, p.BEFORE_ID, p.DELIVERIES_LIMIT)
    ),
)
async def list_deliveries(request: Request) -> Response:
    """Return messages and what became of them, the newest first."""
    await require_permission(request, Permission.ADMIN)
    query = read_delivery_query(request.query_params)
    rows = await api_context(request).sink_admin.deliveries(query)
    body: DeliveryPage = {
        "items": [delivery_row(row) for row in rows],
        "next_before_id": rows[-1].id if len(rows) == query.limit else None,
    }
    return JsonResponse(body)


@router.post(
    "/notifications/deliveries/{delivery_id}/redeliver",
    openapi_extra=documented(DeliveryRow, errors=UNKNOWN_ID),
)
async def redeliver(request: Request, delivery_id: PathId) -> Response:
    """Queue a message again that has arrived or was given up."""
    caller = await require_permission(request, Permission.ADMIN)
    number = parse_delivery_id(delivery_id)
    admin = api_context(request).sink_admin
    delivery = await admin.redeliver(number, audit_context_of(request, caller))
    return JsonResponse(delivery_row(delivery))
