"""What the house tells of itself to those with a key: exchanges, figures, metrics."""

from ipaddress import ip_address

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.adapters.ccxt.venues.catalog import exchange_ids
from oms.api.client_ip import client_ip
from oms.api.context import Caller, admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.api.metrics.dispatcher_status import DispatcherStatus, build_dispatcher_status
from oms.api.metrics.prometheus import CONTENT_TYPE, build_families, render_text
from oms.api.metrics.reconcile_metrics import reconcile_metrics
from oms.domain.access import Role
from oms.domain.errors import Forbidden, Unavailable
from oms.wire.json import time_text

router = APIRouter()


@router.get("/meta/exchanges")
async def exchanges(request: Request) -> Response:
    """The exchanges that accounts may be of."""
    await admit_caller(request)
    return JsonResponse({"items": exchange_ids()})


@router.get("/dispatcher/status")
async def dispatcher_status(request: Request) -> Response:
    """The workers that are alive, what waits for them, and what this process has served."""
    context, who = api_context(request), await admit_caller(request)
    return JsonResponse(
        {"ok": True, "result": await build_dispatcher_status(context, _readable(who))}
    )


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """The same for Prometheus: from this machine, or with a key of role admin or risk."""
    context = api_context(request)
    if not _is_loopback(
        client_ip(request.scope, request.headers, context.settings.trusted_proxies)
    ):
        who = await admit_caller(request)
        if who.principal.role not in (Role.ADMIN, Role.RISK):
            raise Forbidden("metrics are for the roles admin and risk")
    told: DispatcherStatus = {}
    is_well = True
    try:
        told = await build_dispatcher_status(context, None)
        told["reconciled"] = await reconcile_metrics(context)
    except Unavailable as lost:
        is_well = lost.code == "engine_unavailable"
    return Response(
        render_text(build_families(context.request_metrics, told, is_well)), media_type=CONTENT_TYPE
    )


@router.post("/oms/cache/clear")
async def cache_clear(request: Request) -> Response:
    """Believe nothing of what was read of keys and permissions; rows are never kept."""
    context, who = api_context(request), await admit_caller(request)
    context.authenticate.forget()
    readable = _readable(who)
    return JsonResponse(
        {
            "ok": True,
            "result": {
                "scope": "all" if readable is None else "visible_accounts",
                "cleared_before": time_text(context.clock.now()),
                "account_count": None if readable is None else len(readable),
            },
        }
    )


def _readable(who: Caller) -> frozenset[int] | None:
    """The accounts that the key may read; ``None`` is all."""
    if who.principal.role is Role.ADMIN:
        return None
    return frozenset(i for i, grant in who.principal.grants.items() if grant.can_read)


def _is_loopback(text: str) -> bool:
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False
