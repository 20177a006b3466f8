"""Stored candles and their instruments."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import api_context, require_permission
from oms.api.entity_tags import tagged
from oms.api.errors import JsonResponse
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.domain.access import Permission
from oms.wire import parameters as p
from oms.wire.market.candle_bodies import (
    CandlesBody,
    candles_body,
    read_candle_query,
    read_gap_query,
)
from oms.wire.market.coverage_rows import (
    CandleGapsBody,
    CoverageBody,
    coverage_body,
    gaps_body,
)
from oms.wire.market.instrument_rows import InstrumentRow, instrument_row
from oms.wire.query_parameters import read_cursor, read_flag, read_number
from oms.wire.responses.value_types import Items

router = APIRouter()


@router.get(
    "/market/candles",
    openapi_extra=documented(CandlesBody, query=p.CANDLES, errors=UNKNOWN_ID, headers=("ETag",)),
)
async def list_candles(request: Request) -> Response:
    """Return the newest candles of a range, ascending; 304 if the client has them."""
    await require_permission(request, Permission.READ)
    query = read_candle_query(request.query_params)
    found = await api_context(request).read_candles(query)
    return tagged(request, JsonResponse(candles_body(query, found)))


@router.get("/market/coverage", openapi_extra=documented(CoverageBody, query=p.COVERAGE))
async def list_coverage(request: Request) -> Response:
    """Return what is stored of each series, and how many candles are missing in between."""
    await require_permission(request, Permission.READ)
    context, query = api_context(request), request.query_params
    exchange = query.get(p.INSTRUMENTS_EXCHANGE.name) or None
    limit = read_number(query, p.COVERAGE_LIMIT)
    page = await context.read_candles.coverage(exchange, read_cursor(query) or 0, limit)
    return JsonResponse(coverage_body(page, context.clock.now()))


@router.get(
    "/market/gaps",
    openapi_extra=documented(CandleGapsBody, query=p.CANDLE_GAPS, errors=UNKNOWN_ID),
)
async def list_gaps(request: Request) -> Response:
    """Return which candles of a series are missing, of at most 100,000 candles."""
    await require_permission(request, Permission.READ)
    query = read_gap_query(request.query_params)
    found = await api_context(request).read_candles.gaps(query)
    return JsonResponse(gaps_body(query, found))


@router.get("/market/symbols", openapi_extra=documented(Items[InstrumentRow], query=p.INSTRUMENTS))
async def list_instruments(request: Request) -> Response:
    """Return the instruments that candles are stored for."""
    await require_permission(request, Permission.READ)
    exchange = request.query_params.get(p.INSTRUMENTS_EXCHANGE.name) or None
    active = read_flag(request.query_params, p.ACTIVE)
    found = await api_context(request).read_candles.all_instruments(exchange, active=active)
    return JsonResponse(Items(items=[instrument_row(each) for each in found]))
