"""Series of candles that the runner keeps up to date: list them, switch them on and off."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import api_context, audit_context_of, require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.domain.access import Permission
from oms.ports.market.ingestion import Ingestion
from oms.wire import parameters as p
from oms.wire.market.ingestion_bodies import (
    INGESTION,
    IngestionRow,
    ingestion_row,
    read_ingestion,
)
from oms.wire.request_body import load_body
from oms.wire.responses.value_types import Items

router = APIRouter()

_INGESTION = validated(
    "IngestionRequest",
    INGESTION,
    {"exchange": "binance", "symbol": "BTC/USDT", "timeframe": "1h", "enabled": True},
)


@router.get("/market/ingestion", openapi_extra=documented(Items[IngestionRow]))
async def list_ingestions(request: Request) -> Response:
    """Return the series that are kept up to date, and how far each is behind."""
    await require_permission(request, Permission.READ)
    context = api_context(request)
    rows, now = await context.ingestions.all(), context.clock.now()
    return JsonResponse(Items(items=[ingestion_row(each, now) for each in rows]))


@router.post(
    "/market/ingestion",
    openapi_extra=documented(IngestionRow, query=(p.COMMENT,), body=_INGESTION, errors=UNKNOWN_ID),
)
async def set_ingestion(request: Request) -> Response:
    """Keep a series up to date from now on, or no longer; what is stored stays."""
    caller = await require_permission(request, Permission.ADMIN)
    context = api_context(request)
    now = context.clock.now()
    fields, timeframe, start = read_ingestion(load_body(await request.body()), now)
    instrument = await context.read_candles.instrument(fields["exchange"], fields["symbol"])
    ingestion = Ingestion(
        id=0,
        instrument=instrument,
        timeframe=timeframe,
        is_enabled=fields.get("enabled", True),
        start=start,
    )
    stored = await context.ingestions.set(ingestion, audit_context_of(request, caller))
    return JsonResponse(ingestion_row(stored, now))
