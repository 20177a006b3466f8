"""The history of equity, statistics of accounts, and execution quality."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.domain.performance.equity_curve import PERIOD_CHARACTERS
from oms.services.performance.execution_quality import EXECUTION_GROUPS
from oms.wire import parameters as p
from oms.wire.performance.analytics_rows import (
    EquityCurveRow,
    ResultCurveRow,
    SummaryRow,
    equity_curve_row,
    result_curve_row,
    results_row,
    summary_row,
)
from oms.wire.performance.execution_rows import (
    ExecutionBody,
    ExecutionGroupRow,
    execution_row,
)
from oms.wire.performance.statistics_query import (
    read_executions_query,
    read_group,
    read_results_query,
    read_statistics_query,
)
from oms.wire.responses.value_types import Items

router = APIRouter()


@router.get(
    "/analytics/equity",
    openapi_extra=documented(Items[EquityCurveRow], query=p.EQUITY, errors=UNKNOWN_ID),
)
async def get_equity(request: Request) -> Response:
    """Return the equity of accounts over time, with drawdowns."""
    context, caller = api_context(request), await admit_caller(request)
    query = request.query_params
    curves = await context.performance.equity.curves(
        caller.principal,
        read_results_query(query),
        read_group(query, sorted(PERIOD_CHARACTERS), p.RESOLUTION),
    )
    rows = [equity_curve_row(each.account_id, each.currency, each.points) for each in curves]
    return JsonResponse(Items(items=rows))


@router.get(
    "/analytics/results",
    openapi_extra=documented(Items[ResultCurveRow], query=p.RESULT_CURVES, errors=UNKNOWN_ID),
)
async def get_result_curves(request: Request) -> Response:
    """Return what each strategy earned over time, as the sum of its closed positions."""
    context, caller = api_context(request), await admit_caller(request)
    query = request.query_params
    curves = await context.performance.results.curves(
        caller.principal,
        read_statistics_query(query),
        read_group(query, sorted(PERIOD_CHARACTERS), p.RESOLUTION),
    )
    rows = [result_curve_row(each.strategy_id, each.currency, each.points) for each in curves]
    return JsonResponse(Items(items=rows))


@router.get(
    "/analytics/summary",
    openapi_extra=documented(Items[SummaryRow], query=p.SUMMARY, errors=UNKNOWN_ID),
)
async def get_summary(request: Request) -> Response:
    """Return return, drawdown and ratios of accounts, and what they closed today."""
    context, caller = api_context(request), await admit_caller(request)
    found = await context.performance.equity.summaries(
        caller.principal, read_statistics_query(request.query_params)
    )
    rows = [
        summary_row(
            each.account_id,
            each.currency,
            each.equity,
            results_row(each.results.all, each.results.today),
            {key: results_row(row.all, row.today) for key, row in each.strategies.items()},
        )
        for each in found
    ]
    return JsonResponse(Items(items=rows))


@router.get(
    "/analytics/execution",
    openapi_extra=documented(ExecutionBody, query=p.EXECUTIONS, errors=UNKNOWN_ID),
)
async def get_execution_quality(request: Request) -> Response:
    """Return slippage and durations of orders."""
    context, caller = api_context(request), await admit_caller(request)
    query = request.query_params
    group_by = read_group(query, EXECUTION_GROUPS, p.EXECUTION_GROUP_BY)
    whole, *groups = await context.performance.executions(
        caller.principal,
        read_executions_query(query),
        group_by,
        query.get(p.EXCHANGE.name) or None,
    )
    rows: list[ExecutionGroupRow] = [
        {"key": each.key, **execution_row(each.statistics)}
        for each in groups
        if each.key is not None
    ]
    body: ExecutionBody = {
        **execution_row(whole.statistics),
        "group_by": group_by,
        "groups": rows,
    }
    return JsonResponse(body)
