"""The catalogue of strategies: rules that backtests run. ``/strategies`` is who trades."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import api_context, require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import RunStrategyName, StrategyName
from oms.domain.access import Permission
from oms.ports.research.research_requests import ResearchKind
from oms.wire import parameters as p
from oms.wire.backtests.catalog_rows import (
    CatalogBody,
    CatalogStrategyRow,
    ReloadBody,
    catalog_body,
    catalog_row,
)
from oms.wire.strategies.run_query import RunBody, read_run_query

router = APIRouter()


@router.get("/strategies/catalog", openapi_extra=documented(CatalogBody))
async def list_catalog(request: Request) -> Response:
    """Return the strategies with the schema of their parameters, and what could not be loaded."""
    await require_permission(request, Permission.READ)
    return JsonResponse(catalog_body(await api_context(request).research.read_catalog()))


@router.post(
    "/strategies/catalog/reload", openapi_extra=documented(ReloadBody, errors=frozenset({504}))
)
async def reload_catalog(request: Request) -> Response:
    """Let the runner load the code of strategies again; what runs already keeps its code."""
    await require_permission(request, Permission.ADMIN)
    loaded = await api_context(request).research.ask_runner(ResearchKind.RELOAD, {})
    return JsonResponse({"ok": not loaded["errors"], **loaded})


@router.get(
    "/strategies/catalog/{strategy_name}",
    openapi_extra=documented(CatalogStrategyRow, errors=UNKNOWN_ID),
)
async def get_catalog_strategy(request: Request, strategy_name: StrategyName) -> Response:
    """Return one strategy of the catalogue."""
    await require_permission(request, Permission.READ)
    return JsonResponse(
        catalog_row(await api_context(request).research.read_catalog.find(strategy_name))
    )


@router.get(
    "/strategies/{run_strategy_name}/run",
    openapi_extra=documented(
        RunBody, query=p.STRATEGY_RUN, errors=UNKNOWN_ID | frozenset({409, 504})
    ),
)
async def run_strategy(request: Request, run_strategy_name: RunStrategyName) -> Response:
    """Return what a strategy would have done on stored candles, calculated by the runner."""
    await require_permission(request, Permission.READ)
    context = api_context(request)
    entry = await context.research.read_catalog.find(run_strategy_name.replace("-", "_"))
    query = read_run_query(request.query_params)
    await context.read_candles.instrument(query.exchange, query.symbol)
    fields = query.fields(entry.description)
    return JsonResponse(await context.research.ask_runner(ResearchKind.CHART, fields))
