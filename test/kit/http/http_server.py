"""A real HTTP server on a free port in this process, and raw connections to it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import uvicorn
from starlette.types import ASGIApp

from kit.http.websocket_client import wait_for_condition
from oms.api.connection_limits import ConnectionLimits
from oms.api.http_protocol import uvicorn_http_options
from oms.api.metrics.request_metrics import RequestMetrics
from oms.api.websocket.websocket_protocol import uvicorn_websocket_options
from oms.config_sections import ConnectionSettings, EventSettings

SECONDS_MAX = 10.0
#: Of the end of the server, while a client may still hold a connection.
STOP_SECONDS_MAX = 10


@dataclass(slots=True)
class RawConnection:
    """A connection that sends any bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def read_response(self) -> tuple[int, bytes]:
        """Return status and body of the next response."""
        async with asyncio.timeout(SECONDS_MAX):
            head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            return int(head.split()[1]), await self.reader.readexactly(length)

    async def read_to_end(self) -> bytes:
        """Return everything until the server closes."""
        async with asyncio.timeout(SECONDS_MAX):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def ask(self, data: bytes) -> bytes:
        """Send bytes and return everything until the server closes."""
        await self.send(data)
        return await self.read_to_end()


@dataclass(slots=True)
class HttpServer:
    """A running server."""

    port: int
    metrics: RequestMetrics
    _connections: list[RawConnection] = field(default_factory=list)

    @property
    def websocket_url(self) -> str:
        """The URL of its WebSocket."""
        return f"ws://127.0.0.1:{self.port}/ws"

    async def connect(self) -> RawConnection:
        """A new connection; it is closed with the server."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        connection = RawConnection(reader, writer)
        self._connections.append(connection)
        return connection

    def close_all(self) -> None:
        """Close all connections of clients."""
        for connection in self._connections:
            connection.writer.close()


@asynccontextmanager
async def serve_http(
    app: ASGIApp,
    settings: ConnectionSettings | None = None,
    *,
    events: EventSettings | None = None,
    send_buffer: int | None = None,
) -> AsyncIterator[HttpServer]:
    """Serves ``app`` with the limits of the settings, without its lifespan."""
    listener = socket.socket()
    if send_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    listener.bind(("127.0.0.1", 0))
    metrics = RequestMetrics(started_at=datetime.now(UTC))
    limits = ConnectionLimits(settings=settings or ConnectionSettings(), metrics=metrics)
    options = uvicorn_http_options(limits) | uvicorn_websocket_options(events or EventSettings())
    options["timeout_graceful_shutdown"] = STOP_SECONDS_MAX
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", **options))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    running = HttpServer(listener.getsockname()[1], metrics)
    try:
        await wait_for_condition(lambda: server.started)
        yield running
    finally:
        running.close_all()
        server.should_exit = True
        await task
