"""Health checks and version of this process."""

import os
import platform
from importlib.metadata import version as version_of
from typing import cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import ApiContext, admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.api.metrics.health_report import OUTBOX_LAG_SECONDS_MAX, build_health_report
from oms.api.openapi.route_docs import documented
from oms.domain.errors import Unavailable
from oms.ports.leases import WORKER_ALIVE_SECONDS
from oms.wire.responses.gateway_status import Health, Liveness, Ready, ReadyChecks, Version
from oms.wire.responses.health_rows import HealthReport

router = APIRouter()


@router.get("/healthz", openapi_extra=documented(Health, failures={503: Health}, is_public=True))
async def get_health(request: Request) -> Response:
    """Return whether the database answers."""
    context = api_context(request)
    is_healthy = await _is_database_up(context)
    body: Health = {
        "status": "ok" if is_healthy else "degraded",
        "app": "oms-gateway",
        "env": context.settings.env,
        "db_engine": context.health.dialect,
    }
    return JsonResponse(body, 200 if is_healthy else 503, _retry_headers(is_healthy))


@router.get("/health", openapi_extra=documented(HealthReport, failures={503: HealthReport}))
async def get_health_report(request: Request) -> Response:
    """Return what the gateway may do, and each of its parts as it was measured."""
    await admit_caller(request)
    report = await build_health_report(api_context(request))
    is_up = report["status"] != "down"
    return JsonResponse(report, 200 if is_up else 503, _retry_headers(is_up))


@router.get("/livez", openapi_extra=documented(Liveness, is_public=True))
async def get_liveness() -> Response:
    """Return that the process runs."""
    body: Liveness = {"status": "ok"}
    return JsonResponse(body)


@router.get("/readyz", openapi_extra=documented(Ready, failures={503: Ready}, is_public=True))
async def get_readiness(request: Request) -> Response:
    """Return whether a command sent now would be executed."""
    checks = await _run_checks(api_context(request))
    is_ready = all(checks.values())
    results = {name: "ok" if passed else "failed" for name, passed in checks.items()}
    body: Ready = {
        "status": "ready" if is_ready else "not_ready",
        "checks": cast("ReadyChecks", results),
    }
    return JsonResponse(body, 200 if is_ready else 503, _retry_headers(is_ready))


@router.get("/version", openapi_extra=documented(Version, is_public=True))
async def get_version(request: Request) -> Response:
    """Return the versions of the software and of the database schema."""
    context = api_context(request)
    try:
        schema = await context.health.schema_version()
    except Unavailable:
        schema = None
    body: Version = {
        "name": "oms-gateway",
        "version": context.version,
        "commit": os.environ.get("OMS_COMMIT"),
        "schema_version": schema,
        "ccxt_version": version_of("ccxt"),
        "python_version": platform.python_version(),
    }
    return JsonResponse(body)


async def _is_database_up(context: ApiContext) -> bool:
    try:
        await context.health.ping()
    except Unavailable:
        return False
    return True


async def _run_checks(context: ApiContext) -> dict[str, bool]:
    names = ("database", "migrations", "workers", "queue", "outbox")
    if not await _is_database_up(context):
        return dict.fromkeys(names, False)
    try:
        expected = context.schema_expected
        is_usable = expected is None or await context.health.supports_program(expected)
        workers = await context.leases.workers(WORKER_ALIVE_SECONDS)
    except Unavailable:
        return dict.fromkeys(names, False)
    return {
        "database": True,
        "migrations": is_usable,
        "workers": bool(workers),
        "queue": context.queue_depths.longest_queue() < context.settings.commands.queue_depth_max,
        "outbox": context.websocket is None
        or context.websocket.lag_seconds() < OUTBOX_LAG_SECONDS_MAX,
    }


def _retry_headers(is_healthy: bool) -> dict[str, str]:
    return {} if is_healthy else {"Retry-After": "1"}
