"""Status, metrics and caches of the gateway."""

from ipaddress import ip_address
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from oms.api.client_ip import client_ip
from oms.api.context import Caller, admit_caller, api_context, require_permission
from oms.api.errors import JsonResponse
from oms.api.metrics.bot_report import without_bots
from oms.api.metrics.candle_lag import candle_lags
from oms.api.metrics.dispatcher_status import build_dispatcher_status
from oms.api.metrics.metric_history import RANGES, SAMPLE_SECONDS, MetricSample
from oms.api.metrics.prometheus import CONTENT_TYPE, render_metrics
from oms.api.metrics.reconcile_metrics import reconcile_metrics
from oms.api.metrics.worker_families import read_gateway_figures
from oms.api.openapi.route_docs import documented
from oms.domain.access import Permission, Role
from oms.domain.errors import Forbidden, Unavailable
from oms.wire import parameters as p
from oms.wire.json import time_text
from oms.wire.query_parameters import malformed_parameter
from oms.wire.responses.gateway_status import (
    CacheCleared,
    CacheClearedResult,
    DispatcherStatus,
    MetricPoint,
    MetricSeriesBody,
)

router = APIRouter()


@router.get("/dispatcher/status", openapi_extra=documented(DispatcherStatus))
async def get_dispatcher_status(request: Request) -> Response:
    """Return live workers, their queues, and counts of requests served by this process."""
    context, caller = api_context(request), await admit_caller(request)
    status = await build_dispatcher_status(context, _readable_accounts(caller))
    body: DispatcherStatus = {"ok": True, "result": status}
    return JsonResponse(body)


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    openapi_extra=documented(str, is_keyless_locally=True),
)
async def get_metrics(request: Request) -> Response:
    """Return the metrics for Prometheus: from this host, or for the roles admin and risk."""
    context = api_context(request)
    address = client_ip(request.scope, context.settings.trusted_proxies)
    if not _is_loopback(address):
        caller = await admit_caller(request)
        if caller.principal.role not in (Role.ADMIN, Role.RISK):
            raise Forbidden("metrics are for the roles admin and risk")
    status: dict[str, Any] = {}
    is_healthy = True
    try:
        status["tasks"] = without_bots(await context.task_leases.tasks())
        status["bots"] = await context.bots.store.all()
        status["sinks"] = await context.sink_admin.store.sinks()
        status["candle_lags"] = candle_lags(
            await context.ingestions.all(only_enabled=True), context.clock.now()
        )
        status["figures"] = await read_gateway_figures(context)
        status |= await build_dispatcher_status(context, None)
        status["reconciled"] = await reconcile_metrics(context)
    except Unavailable as error:
        is_healthy = error.code == "engine_unavailable"
    text = render_metrics(context.request_metrics, status, is_healthy=is_healthy)
    return Response(text, media_type=CONTENT_TYPE)


@router.get("/admin/metrics", openapi_extra=documented(MetricSeriesBody, query=(p.METRICS_RANGE,)))
async def get_metric_series(request: Request) -> Response:
    """Return figures of this process over the last minutes or hours."""
    await require_permission(request, Permission.ADMIN)
    context = api_context(request)
    text = request.query_params.get(p.METRICS_RANGE.name, "1h").lower()
    if text not in RANGES:
        raise malformed_parameter(p.METRICS_RANGE.name, f"one of {', '.join(RANGES)}", "enum")
    samples = context.metric_history.series(context.clock.now() - RANGES[text])
    body: MetricSeriesBody = {
        "range": text,
        "sample_seconds": SAMPLE_SECONDS,
        "points": [_metric_point(sample) for sample in samples],
    }
    return JsonResponse(body)


def _metric_point(sample: MetricSample) -> MetricPoint:
    return {
        "ts": time_text(sample.at),
        "requests": sample.requests,
        "errors": sample.errors,
        "commands": sample.commands,
        "connections": sample.connections,
        "outbox_lag_ms": sample.outbox_lag_ms,
        "database_ms": sample.database_ms,
        "queue_depth": sample.queue_depth,
        "workers": sample.workers,
    }


@router.post("/oms/cache/clear", openapi_extra=documented(CacheClearedResult))
async def clear_cache(request: Request) -> Response:
    """Drop the cached keys and permissions of this process; ``cleared_before`` is their number."""
    context, caller = api_context(request), await admit_caller(request)
    key_count = context.authenticate.size
    context.authenticate.forget_everywhere()
    readable = _readable_accounts(caller)
    cleared: CacheCleared = {
        "scope": "all" if readable is None else "visible_accounts",
        "cleared_before": key_count,
        "account_count": None if readable is None else len(readable),
    }
    body: CacheClearedResult = {"ok": True, "result": cleared}
    return JsonResponse(body)


def _readable_accounts(caller: Caller) -> frozenset[int] | None:
    """Return the ids of the accounts the key may read; ``None`` is all."""
    if caller.principal.role is Role.ADMIN:
        return None
    return frozenset(i for i, grant in caller.principal.grants.items() if grant.can_read)


def _is_loopback(text: str) -> bool:
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False
