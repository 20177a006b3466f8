"""The ASGI application: routes, middleware, error handlers and background tasks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cached_property, partial
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from oms.api.background_tasks import keep_running
from oms.api.context import ApiContext
from oms.api.errors import handle_http_exception, handle_oms_error
from oms.api.metrics.metric_sampling import keep_sampling
from oms.api.middleware.cors import CorsMiddleware
from oms.api.middleware.idempotency import IdempotencyMiddleware
from oms.api.middleware.request_context import RequestContextMiddleware
from oms.api.middleware.request_limits import RequestLimitsMiddleware
from oms.api.openapi.document import build_document
from oms.api.rate_usage import RateUsageExchange
from oms.api.routes import (
    admin_accounts,
    admin_audit,
    admin_ledger,
    admin_users,
    ccxt_gateway,
    commands,
    discrepancies,
    documentation,
    events,
    exchange_info,
    health,
    ledger,
    order_resolution,
    paper,
    position_close,
    raw_rows,
    reassign,
    reconcile,
    strategies,
    system,
    users,
)
from oms.api.routes.browser import caller, login, preferences, session_lists
from oms.api.routes.exports import ledger_rows
from oms.api.routes.market import candles, ingestion
from oms.api.routes.notifications import sinks
from oms.api.routes.orders import account_groups, order_lineage, previews
from oms.api.routes.page import csp_reports, web_page
from oms.api.routes.performance import analytics, portfolio
from oms.api.routes.research import backtests, bots, strategy_catalog
from oms.api.routes.risk import (
    deadman,
    kill_switches,
    oms_switch,
    price_alerts,
    risk_policies,
    risk_switches,
    session_overrides,
)
from oms.api.routes.sharing import share_links
from oms.api.routes.signals import lists, receipt, sources
from oms.domain.errors import OmsError
from oms.ports.notifier import Topic
from oms.services.access.change_notices import ChangeNotices
from oms.task_cancellation import cancel_all
from oms.wire.json import dumps_fast

COMMANDS_PATH = "/oms/commands"

ROUTE_MODULES = (
    commands,
    ledger,
    ledger_rows,
    events,
    ccxt_gateway,
    health,
    paper,
    system,
    raw_rows,
    reassign,
    reconcile,
    discrepancies,
    risk_switches,
    risk_policies,
    price_alerts,
    session_overrides,
    users,
    login,
    caller,
    session_lists,
    preferences,
    share_links,
    strategies,
    candles,
    ingestion,
    strategy_catalog,
    backtests,
    bots,
    admin_users,
    admin_accounts,
    admin_audit,
    admin_ledger,
    kill_switches,
    oms_switch,
    deadman,
    sinks,
    order_resolution,
    position_close,
    exchange_info,
    documentation,
    web_page,
    csp_reports,
    order_lineage,
    account_groups,
    previews,
    portfolio,
    analytics,
    sources,
    receipt,
    lists,
)
"""Modules with a ``router`` whose routes are in the OpenAPI document."""


class Application(FastAPI):
    """FastAPI application that serves ``POST /oms/commands`` without FastAPI's routing.

    On that path the framework's own work would cost as much as the command itself. Its route
    documents it, and serves what ``__call__`` does not match: a trailing slash.
    """

    def __init__(self, context: ApiContext) -> None:
        super().__init__(
            title="oms-gateway",
            version=context.version,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            lifespan=_lifespan,
            redirect_slashes=False,
            telemetry={"tracing": False, "metrics": False, "logs": False},
        )
        self.state.api_context = context
        post_commands = commands.PostCommands(context)
        self.add_middleware(IdempotencyMiddleware, context=context)
        self._post_commands: ASGIApp = post_commands
        for wrap in _outer_middleware(context):
            self.add_middleware(wrap)
            self._post_commands = wrap(self._post_commands)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, built by the first call."""
        if self.openapi_schema is None:
            self.openapi_schema = build_document(self.version, served_routes())
        return self.openapi_schema

    @cached_property
    def openapi_text(self) -> bytes:
        """The JSON text of the OpenAPI document."""
        return dumps_fast(self.openapi()).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, one WebSocket connection, or the lifespan."""
        if scope["type"] == "http" and scope["path"] == COMMANDS_PATH and scope["method"] == "POST":
            await self._post_commands(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _outer_middleware(context: ApiContext) -> list[Callable[[ASGIApp], ASGIApp]]:
    """Return the middleware of all requests, from the innermost to the outermost."""
    settings = context.settings
    layers: list[Callable[[ASGIApp], ASGIApp]] = [
        partial(RequestLimitsMiddleware, settings=settings.commands)
    ]
    if settings.cors_origins:
        layers.append(partial(CorsMiddleware, origins=settings.cors_origins))
    layers.append(
        partial(
            RequestContextMiddleware,
            version=context.version,
            request_metrics=context.request_metrics,
        )
    )
    return layers


def create_app(context: ApiContext) -> Application:
    """Return the ASGI application that serves ``context``."""
    app = Application(context)
    # The routes themselves: ``include_router`` would copy them for each application, at its first
    # request, and match every path twice.
    app.router.routes.extend(route for group in ROUTE_MODULES for route in group.router.routes)
    if context.websocket is not None:
        _add_websocket_route(app, context)
    app.add_exception_handler(OmsError, handle_oms_error)
    app.add_exception_handler(HTTPException, handle_http_exception)
    return app


def served_routes() -> list[APIRoute]:
    """Return every documented HTTP route."""
    routes = [route for group in ROUTE_MODULES for route in group.router.routes]
    return [route for route in routes if isinstance(route, APIRoute) and route.include_in_schema]


def _add_websocket_route(app: FastAPI, context: ApiContext) -> None:
    sockets = context.websocket
    assert sockets is not None

    async def serve(websocket: WebSocket) -> None:
        await sockets.serve(websocket)

    app.add_api_websocket_route("/ws", serve)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: ApiContext = app.state.api_context
    usage_exchange = RateUsageExchange(notifier=context.notifier, limiter=context.rate_limiter)
    access_changes = ChangeNotices(
        notifier=context.notifier, topic=Topic.ACCESS, forget=(context.authenticate.forget,)
    )
    context.authenticate.on_change = access_changes.announce
    work: dict[str, Callable[[], Awaitable[None]]] = {
        "result_waiter": context.result_waiter.run,
        "metric_history": partial(keep_sampling, context),
        "rate_usage": usage_exchange.run,
        "access_changes": access_changes.follow,
    }
    tasks = [asyncio.create_task(keep_running(name, run), name=name) for name, run in work.items()]
    if context.websocket is not None:
        await context.websocket.start()
    try:
        yield
    finally:
        if context.websocket is not None:
            await context.websocket.stop()
        await cancel_all(tasks)
        await context.notifier.close()
        await context.administer.last_use.close()
        if context.close is not None:
            await context.close()
