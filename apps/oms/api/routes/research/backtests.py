"""Backtests: requested here, executed by the runner; lists, results, comparisons."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from oms.api.context import api_context, require_change, require_permission
from oms.api.errors import JsonResponse
from oms.api.middleware.security_headers import SECURITY_HEADERS_KEY, with_policy
from oms.api.openapi.request_bodies import Body, validated
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_backtest_id
from oms.domain.access import Permission, Principal
from oms.ports.research.backtest_runs import Row, StoredBacktest
from oms.wire import parameters as p
from oms.wire.backtests.comparison import ComparisonBody, comparison_body
from oms.wire.backtests.report_html import REPORT_POLICY
from oms.wire.backtests.result_rows import (
    CursorPage,
    EquityBody,
    RoundTripRow,
    TradeRow,
    equity_body,
    numbered_page,
    round_trip_row,
    trade_row,
)
from oms.wire.backtests.run_queries import (
    rank_cursor_text,
    read_backtest_query,
    read_compared_ids,
)
from oms.wire.backtests.run_requests import (
    RUN,
    RUN_EXAMPLE,
    SWEEP,
    SWEEP_EXAMPLE,
    read_run,
    read_sweep,
)
from oms.wire.backtests.run_rows import (
    BacktestDeleted,
    BacktestDetails,
    BacktestRequested,
    BacktestRow,
    CombinationRow,
    backtest_body,
    backtest_row,
    combination_row,
)
from oms.wire.query_parameters import cursor_text, read_cursor, read_number
from oms.wire.request_body import load_body

router = APIRouter()

Item = TypeVar("Item")
_RUN = validated("BacktestRequest", RUN, RUN_EXAMPLE)
_SWEEP = validated("SweepRequest", SWEEP, SWEEP_EXAMPLE)


def _documented_request(body: Body) -> dict[str, Any]:
    return documented(
        BacktestRequested, statuses=(202,), query=(p.COMMENT,), body=body, errors=UNKNOWN_ID
    )


@router.get("/backtests", openapi_extra=documented(CursorPage[BacktestRow], query=p.BACKTESTS))
async def list_backtests(request: Request) -> Response:
    """Return the caller's backtests, those of all users for administrators and risk managers."""
    caller = await require_permission(request, Permission.READ)
    context, query = api_context(request), read_backtest_query(request.query_params)
    page = await context.backtests.page(caller.principal, query)
    now = context.clock.now()
    body: CursorPage[BacktestRow] = {
        "items": [backtest_row(each, now) for each in page.items],
        "next_cursor": None if page.next is None else rank_cursor_text(page.next),
    }
    return JsonResponse(body)


@router.post(
    "/backtests",
    status_code=202,
    openapi_extra=_documented_request(_RUN),
)
async def request_backtest(request: Request) -> Response:
    """Queue a run of a strategy on stored candles; the runner executes it."""
    principal, body = await _read_request(request)
    return _queued(await api_context(request).backtests.request(principal, read_run(body)))


@router.post(
    "/backtests/sweep",
    status_code=202,
    openapi_extra=_documented_request(_SWEEP),
)
async def request_sweep(request: Request) -> Response:
    """Queue runs of all combinations of parameters, or a walk-forward test of them."""
    principal, body = await _read_request(request)
    return _queued(await api_context(request).backtests.request_sweep(principal, read_sweep(body)))


@router.get(
    "/backtests/compare",
    openapi_extra=documented(ComparisonBody, query=(p.COMPARED_IDS,), errors=UNKNOWN_ID),
)
async def compare_backtests(request: Request) -> Response:
    """Return finished runs side by side, and their equity curves at base 100."""
    caller = await require_permission(request, Permission.READ)
    context, ids = api_context(request), read_compared_ids(request.query_params)
    runs = await context.backtests.compare(caller.principal, ids)
    curves = {run.id: await context.backtests.store.points(run.id) for run in runs}
    now = context.clock.now()
    return JsonResponse(comparison_body([backtest_body(run, now) for run in runs], curves))


@router.get("/backtests/{run_id}", openapi_extra=documented(BacktestDetails, errors=UNKNOWN_ID))
async def get_backtest(request: Request, run_id: PathId) -> Response:
    """Return a backtest with all of its figures."""
    caller = await require_permission(request, Permission.READ)
    context = api_context(request)
    run = await context.backtests.find(caller.principal, parse_backtest_id(run_id))
    return JsonResponse(backtest_body(run, context.clock.now()))


@router.delete(
    "/backtests/{run_id}",
    openapi_extra=documented(BacktestDeleted, query=(p.COMMENT,), errors=UNKNOWN_ID),
)
async def delete_backtest(request: Request, run_id: PathId) -> Response:
    """Cancel a backtest that has not ended; remove one that has, with its results."""
    caller = await require_change(request, Permission.RESEARCH)
    number = parse_backtest_id(run_id)
    deletion = await api_context(request).backtests.delete(caller.principal, number)
    body: BacktestDeleted = {"ok": True, "run_id": number, "status": deletion.value}
    return JsonResponse(body)


@router.get(
    "/backtests/{run_id}/combinations",
    openapi_extra=documented(CursorPage[CombinationRow], query=p.NUMBERED_ROWS, errors=UNKNOWN_ID),
)
async def list_backtest_combinations(request: Request, run_id: PathId) -> Response:
    """Return the combinations of a sweep, the best first."""
    caller = await require_permission(request, Permission.READ)
    number, query = parse_backtest_id(run_id), request.query_params
    rows = await api_context(request).backtests.combinations(caller.principal, number)
    start, limit = read_cursor(query) or 0, read_number(query, p.LIMIT)
    end = start + limit
    body: CursorPage[CombinationRow] = {
        "items": [combination_row(row) for row in rows[start:end]],
        "next_cursor": cursor_text(end) if end < len(rows) else None,
    }
    return JsonResponse(body)


@router.get(
    "/backtests/{run_id}/trades",
    openapi_extra=documented(CursorPage[TradeRow], query=p.NUMBERED_ROWS, errors=UNKNOWN_ID),
)
async def list_backtest_trades(request: Request, run_id: PathId) -> Response:
    """Return the executions of a run."""
    run = await _finished(request, run_id)
    read = api_context(request).backtests.store.trades
    symbol = run.order.symbol
    return await _numbered(request, run, read, lambda row: trade_row(row, symbol))


@router.get(
    "/backtests/{run_id}/round-trips",
    openapi_extra=documented(CursorPage[RoundTripRow], query=p.NUMBERED_ROWS, errors=UNKNOWN_ID),
)
async def list_backtest_round_trips(request: Request, run_id: PathId) -> Response:
    """Return the positions of a run, from their entries to their ends."""
    run = await _finished(request, run_id)
    read = api_context(request).backtests.store.round_trips
    return await _numbered(request, run, read, round_trip_row)


@router.get("/backtests/{run_id}/equity", openapi_extra=documented(EquityBody, errors=UNKNOWN_ID))
async def get_backtest_equity(request: Request, run_id: PathId) -> Response:
    """Return the equity curve; a long one as a sample that keeps its extremes."""
    run = await _finished(request, run_id)
    points = await api_context(request).backtests.store.points(run.id)
    return JsonResponse(equity_body(run, points))


@router.get(
    "/backtests/{run_id}/report",
    response_class=HTMLResponse,
    openapi_extra=documented(str, errors=UNKNOWN_ID),
)
async def get_backtest_report(request: Request, run_id: PathId) -> Response:
    """Return the report of a run: one page without scripts and references."""
    run = await _finished(request, run_id)
    page = await api_context(request).backtests.report(run)
    request.scope[SECURITY_HEADERS_KEY] = with_policy(REPORT_POLICY)
    return HTMLResponse(page)


async def _finished(request: Request, run_id: str) -> StoredBacktest:
    caller = await require_permission(request, Permission.READ)
    number = parse_backtest_id(run_id)
    return await api_context(request).backtests.finished(caller.principal, number)


async def _numbered(
    request: Request,
    run: StoredBacktest,
    read: Callable[[int, int, int], Awaitable[Sequence[Row]]],
    row_of: Callable[[Row], Item],
) -> Response:
    """Return a page of rows that have numbers."""
    limit = read_number(request.query_params, p.LIMIT)
    rows = await read(run.id, read_cursor(request.query_params) or 0, limit + 1)
    return JsonResponse(numbered_page(rows, limit, row_of))


async def _read_request(request: Request) -> tuple[Principal, Any]:
    """Return who requests a backtest, and the body."""
    caller = await require_change(request, Permission.RESEARCH)
    return caller.principal, load_body(await request.body())


def _queued(run: StoredBacktest) -> Response:
    body: BacktestRequested = {"ok": True, "run_id": run.id, "status": run.status.value}
    return JsonResponse(body, 202)
