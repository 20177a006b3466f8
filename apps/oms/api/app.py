"""The application: routes, error handlers, and what runs beside them for the process's life."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
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

COMMANDS = "/oms/commands"

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


class Application(FastAPI):
    """The framework's application, but commands go past it: its work costs what theirs does."""

    def __init__(self, parts: Doors) -> None:
        super().__init__(
            title="oms-gateway",
            version=parts.version,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            lifespan=_lifespan,
            redirect_slashes=False,
            telemetry={"tracing": False, "metrics": False, "logs": False},
        )
        self.state.doors = parts
        commands_in = commands.PostCommands(parts)
        origins = parts.settings.cors_origins
        threshold = partial(
            Threshold,
            version=parts.version,
            body_bytes_max=parts.settings.commands.body_bytes_max,
            tally=parts.tally,
            cross_origin=CrossOrigin(origins) if origins else None,
        )
        self._commands_in = threshold(commands_in)
        # Who asks otherwise (a slash behind the path, another method) meets it here.
        self.router.routes.append(Route(COMMANDS, commands_in, methods=["POST"]))
        self.add_middleware(Once, parts=parts)
        self.add_middleware(threshold)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, one connection, or the process's life."""
        if scope["type"] == "http" and scope["path"] == COMMANDS and scope["method"] == "POST":
            await self._commands_in(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(parts: Doors) -> Application:
    """The ASGI application that serves ``parts``."""
    app = Application(parts)
    for group in GROUPS:
        app.include_router(group.router)
    app.router.routes.append(Route(PATH, OpenApi(parts, served()).answer, methods=["GET"]))
    if parts.sockets is not None:
        _add_sockets(app, parts)
    app.add_exception_handler(OmsError, on_failure)
    app.add_exception_handler(HTTPException, on_http)
    return app


def served() -> list[tuple[str, str]]:
    """Method and path of every HTTP route."""
    found = [("POST", COMMANDS), ("GET", PATH)]
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
