"""The value of accounts, and statistics of their closed positions."""

from collections import defaultdict

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.row_views import marked_rows
from oms.services.performance.trade_results import GROUPS
from oms.wire import parameters as p
from oms.wire.json import time_text
from oms.wire.performance.portfolio_rows import PortfolioBody, account_value_row, value_row
from oms.wire.performance.statistics_query import read_group, read_statistics_query
from oms.wire.performance.statistics_rows import StatisticsBody, StatisticsGroup, statistics_row
from oms.wire.query_parameters import read_account_ids

router = APIRouter()


@router.get(
    "/portfolio",
    openapi_extra=documented(PortfolioBody, query=(p.ACCOUNT_IDS,), errors=UNKNOWN_ID),
)
async def get_portfolio(request: Request) -> Response:
    """Return cash, equity and open positions of accounts at present prices, and their total."""
    context, caller = api_context(request), await admit_caller(request)
    account_ids = read_account_ids(request.query_params)
    view = await context.performance.portfolio(caller.principal, account_ids)
    held = [position for each in view.accounts for position in each.stored.positions]
    marks = {key: mark for each in view.accounts for key, mark in each.marks.items()}
    rows = defaultdict(list)
    for row in await marked_rows(context, held, marks):
        rows[row["account_id"]].append(row)
    body: PortfolioBody = {
        "items": [
            account_value_row(
                each.account.id,
                each.value,
                each.stored.balances,
                rows[each.account.id],
                each.stale_symbols,
                each.as_of,
            )
            for each in view.accounts
        ],
        "total": value_row(view.total),
        "report_currency": view.total.currency,
        "as_of": time_text(context.clock.now()),
    }
    return JsonResponse(body)


@router.get(
    "/stats",
    openapi_extra=documented(StatisticsBody, query=p.RESULTS, errors=UNKNOWN_ID),
)
async def get_statistics(request: Request) -> Response:
    """Return statistics of closed positions, net of fees."""
    context, caller, query = (
        api_context(request),
        await admit_caller(request),
        request.query_params,
    )
    group_by = read_group(query, sorted(GROUPS))
    whole, *groups = await context.performance.results(
        caller.principal,
        read_statistics_query(query),
        exchange=query.get(p.EXCHANGE.name) or None,
        group_by=group_by,
    )
    rows: list[StatisticsGroup] = [
        {"key": each.key, **statistics_row(each.statistics)}
        for each in groups
        if each.key is not None
    ]
    body: StatisticsBody = {
        **statistics_row(whole.statistics),
        "group_by": group_by,
        "groups": rows,
    }
    return JsonResponse(body)
