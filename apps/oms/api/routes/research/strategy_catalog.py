"""The catalogue of strategies: rules that backtests run. ``/strategies`` is who trades."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import StrategyName
from oms.domain.access import Permission
from oms.strategies.catalog import CATALOG, find_strategy
from oms.wire.backtests.catalog_rows import CatalogRow, catalog_row
from oms.wire.responses.value_types import Items

router = APIRouter()


@router.get("/strategies/catalog", openapi_extra=documented(Items[CatalogRow]))
async def list_catalog(request: Request) -> Response:
    """Return the built-in strategies with the schema of their parameters."""
    await require_permission(request, Permission.READ)
    return JsonResponse(Items(items=[catalog_row(each) for each in CATALOG]))


@router.get(
    "/strategies/catalog/{strategy_name}",
    openapi_extra=documented(CatalogRow, errors=UNKNOWN_ID),
)
async def get_catalog_strategy(request: Request, strategy_name: StrategyName) -> Response:
    """Return one strategy of the catalogue."""
    await require_permission(request, Permission.READ)
    return JsonResponse(catalog_row(find_strategy(strategy_name)))
