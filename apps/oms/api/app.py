"""The application: routes, error handlers, and what runs beside them for the process's life."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.websockets import WebSocket

from oms.api.cross_origin import CrossOrigin
from oms.api.deps import Doors
from oms.api.errors import on_failure, on_http
from oms.api.limits import Threshold
from oms.api.once import Once
from oms.api.openapi.door import PATH, OpenApi
from oms.api.routes import (
    admin_accounts,
    admin_audit,
    admin_oms,
    admin_people,
    ccxt,
    commands,
    discrepancies,
    events,
    exchange_accounts,
    kill,
    ledger,
    login,
    ops,
    order_doubt,
    raw,
    reassign,
    reconcile,
    risk,
    strategies,
    system,
)
from oms.api.supervise import kept_running
from oms.domain.errors import OmsError

Application = FastAPI
"""What ``create_app`` makes, for those who may not know the framework."""

GROUPS = (
    commands,
    ledger,
    events,
    ccxt,
    ops,
    system,
    raw,
    reassign,
    reconcile,
    discrepancies,
    risk,
    login,
    strategies,
    admin_people,
    admin_accounts,
    admin_audit,
    admin_oms,
    kill,
    order_doubt,
    exchange_accounts,
)
"""All routes but ``POST /oms/commands``."""


def create_app(parts: Doors) -> FastAPI:
    """The ASGI application that serves ``parts``."""
    app = FastAPI(
        title="oms-gateway",
        version=parts.version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.doors = parts
    post = Route("/oms/commands", commands.PostCommands(parts), methods=["POST"])
    app.router.routes.insert(0, post)
    for group in GROUPS:
        app.include_router(group.router)
    app.router.routes.append(Route(PATH, OpenApi(parts, served()).answer, methods=["GET"]))
    if parts.sockets is not None:
        _add_sockets(app, parts)
    app.add_exception_handler(OmsError, on_failure)
    app.add_exception_handler(HTTPException, on_http)
    app.add_middleware(Once, parts=parts)
    origins = parts.settings.cors_origins
    app.add_middleware(
        Threshold,
        version=parts.version,
        body_bytes_max=parts.settings.commands.body_bytes_max,
        tally=parts.tally,
        cross_origin=CrossOrigin(origins) if origins else None,
    )
    return app


def served() -> list[tuple[str, str]]:
    """Method and path of every HTTP route."""
    found = [("POST", "/oms/commands"), ("GET", PATH)]
    for group in GROUPS:
        for route in group.router.routes:
            if isinstance(route, Route):
                found += [(method, route.path) for method in sorted(route.methods or ())]
    return [(method, path) for method, path in found if method != "HEAD"]


def _add_sockets(app: FastAPI, parts: Doors) -> None:
    sockets = parts.sockets
    assert sockets is not None

    async def serve(websocket: WebSocket) -> None:
        await sockets.serve(websocket)

    app.add_api_websocket_route("/ws", serve)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Doors = app.state.doors
    waiting = asyncio.create_task(kept_running("waiting", parts.waiting.run), name="waiting")
    if parts.sockets is not None:
        await parts.sockets.start()
    try:
        yield
    finally:
        if parts.sockets is not None:
            await parts.sockets.stop()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await parts.bell.close()
        await parts.administer.last_use.close()
        if parts.close is not None:
            await parts.close()
